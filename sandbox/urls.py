"""Addresses of the sandbox on a tenant's host; all of them refuse where no simulators run."""

from django.urls import path

from sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("store/<slug:platform>", views.store, name="store"),
    path("products", views.add_products, name="products"),
    path("products.csv", views.sheet, name="sheet"),
    path("shelf", views.fill_shelf, name="shelf"),
]
