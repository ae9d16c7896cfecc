"""Addresses of the inbox on a tenant's host."""

from django.urls import path

from crm import views, views_more

app_name = "crm"
urlpatterns = [
    path("", views.index, name="index"),
    path("bulk/take", views.bulk_take, name="bulk_take"),
    path("bulk/assign", views.bulk_assign, name="bulk_assign"),
    path("bulk/close", views.bulk_close, name="bulk_close"),
    path("deadlines/", views_more.deadlines_page, name="deadlines"),
    path("<int:pk>/", views.show, name="show"),
    path("<int:pk>/here", views_more.here, name="here"),
    path("<int:pk>/answer", views.answer, name="answer"),
    path("<int:pk>/note", views.note, name="note"),
    path("<int:pk>/assign", views.assign, name="assign"),
    path("<int:pk>/close", views.close, name="close"),
    path("<int:pk>/reopen", views.reopen, name="reopen"),
    path("<int:pk>/preview", views.preview, name="preview"),
    path("<int:pk>/retry/<int:message>", views.retry, name="retry"),
    path("templates/", views.template_list, name="templates"),
    path("templates/new", views.template_edit, name="template_new"),
    path("templates/<int:pk>/", views.template_edit, name="template"),
    path("templates/<int:pk>/delete", views.template_delete, name="template_delete"),
]
