"""The interface below /api/v1/ and its pages in the settings; on tenants' hosts only."""

from django.urls import path

from api import views
from api.v1.interface import interface

urlpatterns = [
    path("api/v1/openapi.json", views.openapi, name="api_openapi"),
    path("api/v1/docs", views.docs, name="api_docs"),
    path("api/v1/", interface.urls),
    path("settings/keys/", views.keys, name="api_keys"),
    path("settings/keys/new", views.key_new, name="api_key_new"),
    path("settings/keys/<int:pk>/rotate", views.key_rotate, name="api_key_rotate"),
    path("settings/keys/<int:pk>/revoke", views.key_revoke, name="api_key_revoke"),
    path("settings/webhooks/", views.webhooks, name="webhooks"),
    path("settings/webhooks/new", views.webhook_new, name="webhook_new"),
    path("settings/webhooks/<int:pk>/", views.webhook, name="webhook"),
    path("settings/webhooks/<int:pk>/change", views.webhook_change, name="webhook_change"),
    path("settings/webhooks/<int:pk>/secret", views.webhook_secret, name="webhook_secret"),
    path("settings/webhooks/<int:pk>/switch", views.webhook_switch, name="webhook_switch"),
    path("settings/webhooks/<int:pk>/remove", views.webhook_remove, name="webhook_remove"),
    path("settings/webhooks/<int:pk>/ping", views.webhook_ping, name="webhook_ping"),
    path("settings/webhooks/<int:pk>/resend/<int:delivery>", views.webhook_resend, name="webhook_resend"),
]
