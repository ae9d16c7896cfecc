"""Addresses of carriers on a tenant's host."""

from django.urls import path

from logistics import views

app_name = "logistics"
urlpatterns = [
    path("", views.index, name="carriers"),
    path("connect/", views.connect, name="connect"),
    path("connect/<slug:carrier>/", views.connect_carrier, name="connect_carrier"),
    path("trackers/<slug:kind>/", views.connect_tracker, name="connect_tracker"),
    path("<int:pk>/", views.show, name="carrier"),
    path("<int:pk>/keys", views.reconnect, name="reconnect"),
    path("<int:pk>/check", views.check, name="check"),
    path("<int:pk>/numbers", views.numbers, name="numbers"),
    path("<int:pk>/services/new", views.service, name="service_new"),
    path("<int:pk>/services/<int:service_id>/", views.service, name="service"),
]
