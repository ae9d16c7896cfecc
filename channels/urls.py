"""Addresses of marketplace accounts and of the dead-letter desk on a tenant's host."""

from django.urls import path

from channels import views, views_desk

app_name = "channels"
urlpatterns = [
    path("", views.index, name="accounts"),
    path("pull", views.pull_all, name="pull_all"),
    path("connect/", views.connect, name="connect"),
    path("connect/<slug:platform>/", views.connect_platform, name="connect_platform"),
    path("<int:pk>/", views.show, name="account"),
    path("<int:pk>/reading", views.reading, name="reading"),
    path("<int:pk>/disconnect", views.disconnect, name="disconnect"),
    path("<int:pk>/pull", views.pull_now, name="pull_now"),
    path("<int:pk>/again", views.read_again, name="read_again"),
    path("<int:pk>/pause", views.pause, name="pause"),
    path("<int:pk>/resume", views.resume, name="resume"),
    path("<int:pk>/reconnect", views.reconnect, name="reconnect"),
    path("<int:pk>/settings", views.change, name="change"),
    path("desk/", views_desk.index, name="deadletters"),
    path("desk/retry", views_desk.bulk_retry, name="desk_retry"),
    path("desk/drop", views_desk.bulk_drop, name="desk_drop"),
    path("desk/raw/<int:pk>/payload", views_desk.payload, name="payload"),
    path("desk/raw/<int:pk>/mend", views_desk.mend, name="mend"),
    path("desk/confirm/<int:pk>/correct", views_desk.correct, name="correct"),
    path("desk/<slug:kind>/<int:pk>/", views_desk.show, name="letter"),
    path("desk/<slug:kind>/<int:pk>/retry", views_desk.retry, name="letter_retry"),
    path("desk/<slug:kind>/<int:pk>/drop", views_desk.drop, name="letter_drop"),
]
