"""A tenant's host."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("core.records.urls")),
    path("", include("core.ui.urls")),
    path("orders/", include("orders.urls")),
    path("", include("tenants.urls_tenant")),
]
