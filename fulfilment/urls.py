"""Addresses of the warehouse floor on a tenant's host."""

from django.urls import path

from fulfilment import views, views_lists, views_parcel, views_print, views_settings

app_name = "fulfilment"
urlpatterns = [
    path("", views.show, name="desk"),
    path("go", views.go, name="go"),
    path("accept", views.accept, name="accept"),
    path("hand", views.hand, name="hand"),
    path("undo-hand", views.undo_hand, name="undo_hand"),
    path("undo-weight", views.undo_weight, name="undo_weight"),
    path("parcels/", views.parcels, name="parcels"),
    path("parcels/print", views_print.bulk_print, name="bulk_print"),
    path("print", views_print.print_one, name="print_one"),
    path("print/orders", views_print.print_orders, name="print_orders"),
    path("print/<int:pk>/", views_print.run, name="print_run"),
    path("parcels/hand", views.bulk_hand, name="bulk_hand"),
    path("parcels/book", views.bulk_book, name="bulk_book"),
    path("parcels/settle", views_parcel.bulk_settle, name="bulk_settle"),
    path("parcels/<int:pk>/", views_parcel.show, name="parcel"),
    path("parcels/<int:pk>/settle", views_parcel.settle, name="settle"),
    path("parcels/<int:pk>/ring", views_parcel.ring, name="ring"),
    path("parcels/<int:pk>/book", views_parcel.book, name="book"),
    path("parcels/<int:pk>/accept-number", views_parcel.accept_number, name="accept_number"),
    path("parcels/<int:pk>/take-back", views_parcel.take_back, name="take_back"),
    path("parcels/<int:pk>/undo-hand", views_parcel.undo_hand, name="parcel_undo_hand"),
    path("parcels/<int:pk>/milestone", views_parcel.milestone, name="milestone"),
    path("board/", views_parcel.board, name="board"),
    path("alarms/", views_parcel.thresholds, name="alarms"),
    path("settings/", views_settings.settings, name="settings"),
    path("lists/", views_lists.index, name="handovers"),
    path("lists/close", views_lists.close, name="close_list"),
    path("lists/open/<int:account>/<int:warehouse>/", views_lists.waiting, name="open_list"),
    path("lists/<int:pk>/", views_lists.show, name="handover"),
    path("lists/<int:pk>/print", views_lists.print_again, name="print_list"),
    path("batch/", views_lists.batch, name="batch"),
]
