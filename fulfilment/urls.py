"""Addresses of the warehouse floor on a tenant's host."""

from django.urls import path

from fulfilment import views

app_name = "fulfilment"
urlpatterns = [
    path("", views.show, name="desk"),
    path("go", views.go, name="go"),
    path("accept", views.accept, name="accept"),
    path("hand", views.hand, name="hand"),
    path("undo-hand", views.undo_hand, name="undo_hand"),
    path("undo-weight", views.undo_weight, name="undo_weight"),
    path("parcels/", views.parcels, name="parcels"),
    path("parcels/print", views.bulk_print, name="bulk_print"),
    path("parcels/hand", views.bulk_hand, name="bulk_hand"),
    path("parcels/book", views.bulk_book, name="bulk_book"),
    path("lists/", views.handovers, name="handovers"),
    path("lists/close", views.close_list, name="close_list"),
]
