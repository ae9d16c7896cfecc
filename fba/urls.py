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
    path("<int:pk>/try", views.try_out, name="try"),
    path("<int:pk>/keep", views.keep, name="keep"),
    path("<int:pk>/drop", views.drop, name="drop"),
]
