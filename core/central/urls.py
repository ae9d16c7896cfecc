"""On the public host under ``hooks/``."""

from django.urls import path

from core.central.views import hook

urlpatterns = [
    path("<slug:platform>", hook, name="hook"),
    path("<slug:platform>/<str:route>", hook, name="hook_route"),
]
