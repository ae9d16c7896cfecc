"""Addresses of matching, below ``orders/listings/``."""

from django.urls import path

from orders import views_listings

urlpatterns = [
    path("", views_listings.index, name="listings"),
    path("one", views_listings.match_one, name="match_one"),
    path("match", views_listings.match_many, name="match_many"),
    path("unmatch", views_listings.unmatch, name="unmatch"),
    path("aside", views_listings.aside, name="listings_aside"),
    path("wanted", views_listings.wanted, name="listings_wanted"),
]
