"""Addresses of stock and catalogue on a tenant's host."""

from django.urls import path

from inventory import views

app_name = "inventory"
urlpatterns = [
    path("", views.stock, name="stock"),
    path("receive", views.receive, name="receive"),
    path("adjust", views.adjust, name="adjust"),
    path("skus/", views.skus, name="skus"),
    path("skus/new", views.sku_new, name="sku_new"),
    path("skus/import", views.bring_in, name="import"),
    path("skus/<int:pk>/", views.sku, name="sku"),
    path("skus/<int:pk>/edit", views.sku_edit, name="sku_edit"),
    path("skus/<int:pk>/<int:warehouse>/", views.card, name="card"),
    path("skus/<int:pk>/<int:warehouse>/reserved", views.reserved, name="reserved"),
    path("moves/<int:pk>/", views.move, name="move"),
    path("warehouses/", views.warehouses, name="warehouses"),
    path("warehouses/new", views.warehouse_edit, name="warehouse_new"),
    path("warehouses/<int:pk>/", views.warehouse_edit, name="warehouse"),
]
