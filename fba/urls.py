"""Addresses of restocking on a tenant's host."""

from django.urls import path

from fba import views

app_name = "fba"
urlpatterns = [
    path("", views.index, name="index"),
    path("run", views.run, name="run"),
    path("settings", views.settings, name="settings"),
    path("differences/", views.differences, name="differences"),
    path("<int:pk>/", views.line, name="line"),
]
