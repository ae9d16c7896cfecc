"""Pages of the public host."""

from django.urls import path

from tenants import views

urlpatterns = [
    path("", views.home, name="public_home"),
    path("signup/", views.sign_up, name="sign_up"),
    path("tenants/", views.my_tenants, name="my_tenants"),
    path("tenants/<int:tenant_id>/enter/", views.enter, name="enter_tenant"),
    path("invitations/<uuid:token>/", views.invitation, name="invitation"),
]
