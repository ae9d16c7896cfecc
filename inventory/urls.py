"""Addresses of stock and catalogue on a tenant's host."""

from django.urls import path

from inventory import views, views_bring_in
from inventory import views_products as goods

app_name = "inventory"
urlpatterns = [
    path("", views.stock, name="stock"),
    path("receive", views.receive, name="receive"),
    path("adjust", views.adjust, name="adjust"),
    path("skus/", views.skus, name="skus"),
    path("products/", views.products, name="products"),
    path("products/new", goods.product_new, name="product_new"),
    path("products/<int:pk>/", goods.product, name="product"),
    path("products/<int:pk>/edit", goods.product_edit, name="product_edit"),
    path("products/<int:pk>/delete", goods.product_delete, name="product_delete"),
    path("products/<int:pk>/add", goods.product_add, name="product_add"),
    path("products/<int:pk>/out/<int:sku>", goods.product_take_out, name="product_take_out"),
    path("skus/product", goods.bulk_product, name="bulk_product"),
    path("skus/stop", goods.bulk_stop, name="bulk_stop"),
    path("skus/sell", goods.bulk_sell, name="bulk_sell"),
    path("skus/<int:pk>/stop", goods.sku_stop, name="sku_stop"),
    path("skus/<int:pk>/sell", goods.sku_sell, name="sku_sell"),
    path("skus/new", views.sku_new, name="sku_new"),
    path("skus/<int:pk>/", views.sku, name="sku"),
    path("skus/<int:pk>/edit", views.sku_edit, name="sku_edit"),
    path("skus/<int:pk>/<int:warehouse>/", views.card, name="card"),
    path("skus/<int:pk>/<int:warehouse>/reserved", views.reserved, name="reserved"),
    path("import/", views_bring_in.index, name="import"),
    path("import/template/<slug:kind>", views_bring_in.template, name="bring_in_template"),
    path("import/<int:pk>/", views_bring_in.show, name="bring_in"),
    path("import/<int:pk>/look", views_bring_in.look, name="bring_in_look"),
    path("import/<int:pk>/go", views_bring_in.go, name="bring_in_go"),
    path("import/<int:pk>/errors", views_bring_in.errors, name="bring_in_errors"),
    path("moves/<int:pk>/", views.move, name="move"),
    path("moves/<int:pk>/undo", views.undo, name="undo"),
    path("warehouses/", views.warehouses, name="warehouses"),
    path("warehouses/new", views.warehouse_edit, name="warehouse_new"),
    path("warehouses/<int:pk>/", views.warehouse_edit, name="warehouse"),
]
