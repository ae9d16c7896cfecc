"""A tenant's host: stored files."""

from django.urls import path

from core.records import views

urlpatterns = [path("files/<uuid:uid>/", views.stored_file, name="stored_file")]
