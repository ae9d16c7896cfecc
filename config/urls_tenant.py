"""A tenant's host."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("core.records.urls")),
    path("", include("core.ui.urls")),
    path("orders/", include("orders.urls")),
    path("ship/", include("fulfilment.urls")),
    path("stock/", include("inventory.urls")),
    path("restock/", include("fba.urls")),
    path("inbox/", include("crm.urls")),
    path("channels/", include("channels.urls")),
    path("carriers/", include("logistics.urls")),
    path("sandbox/", include("sandbox.urls")),
    path("", include("api.urls")),
    path("", include("tenants.urls_tenant")),
]
