"""Addresses of orders on a tenant's host."""

from django.urls import include, path

from orders import views, views_change, views_first, views_hand, views_settings

app_name = "orders"
urlpatterns = [
    path("", views.index, name="index"),
    path("bulk/hold", views.bulk_hold, name="bulk_hold"),
    path("bulk/route", views.bulk_route, name="bulk_route"),
    path("bulk/cancel", views.bulk_cancel, name="bulk_cancel"),
    path("bulk/tag", views.bulk_tag, name="bulk_tag"),
    path("bulk/book", views.bulk_book, name="bulk_book"),
    path("rules/first", views_first.first_rule, name="first_rule"),
    path("settings/auto-book", views_settings.auto_book, name="auto_book"),
    path("bulk/assign", views_change.bulk_assign, name="bulk_assign"),
    path("bulk/choose", views_change.bulk_choose, name="bulk_choose"),
    path("new", views_hand.new, name="new"),
    path("new/skus", views_hand.skus, name="new_skus"),
    path("new/address", views_hand.address_fields, name="address_fields"),
    path("choose-fields", views_change.choose_fields, name="choose_fields"),
    path("assign-fields", views_change.assign_fields, name="assign_fields"),
    path("listings/", include("orders.urls_listings")),
    path("rules/", include("orders.urls_rules")),
    path("<int:pk>/", views.show, name="show"),
    path("<int:pk>/hold", views.hold, name="hold"),
    path("<int:pk>/route", views.route, name="route"),
    path("<int:pk>/cancel", views.cancel, name="cancel"),
    path("<int:pk>/book", views.book, name="book"),
    path("<int:pk>/tag", views.tag, name="tag"),
    path("<int:pk>/take-back", views.take_back, name="take_back"),
    path("<int:pk>/accept-number", views.accept_number, name="accept_number"),
    path("<int:pk>/settle", views.settle, name="settle"),
    path("<int:pk>/pull", views.pull, name="pull"),
    path("<int:pk>/reveal/<slug:field>", views.reveal, name="reveal"),
    path("<int:pk>/address", views.address, name="address"),
    path("<int:pk>/address/undo/<int:former>", views.address_undo, name="address_undo"),
    path("<int:pk>/lines", views_change.lines, name="lines"),
    path("<int:pk>/undo/<int:entry>", views_change.take_back_entry, name="undo"),
    path("<int:pk>/choose", views_change.choose, name="choose"),
    path("<int:pk>/assign", views_change.assign, name="assign"),
    path("<int:pk>/note", views_change.note, name="note"),
    path("<int:pk>/note/<int:note_id>/remove", views_change.remove_note, name="remove_note"),
    path("<int:pk>/paid", views_hand.mark_paid, name="mark_paid"),
    path("<int:pk>/listing/<int:listing>/skus", views.find_sku, name="find_sku"),
    path("<int:pk>/listing/<int:listing>/match", views.match, name="match"),
]
