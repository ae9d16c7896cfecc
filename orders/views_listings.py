"""Matching listings to SKUs: the list, one by its suggestion, many at once, and back."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, page
from orders import listing_acts, permissions
from orders.pages_listings import ListingsList, typed
from orders.services import listings
from orders.services.listings import Match

POST = ("POST",)


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, ListingsList())


@page(permissions.EDIT, methods=POST)
def match_one(request: PageRequest) -> HttpResponse:
    """A suggestion that was pressed, with the pieces of its row."""
    listing, _, sku = request.POST.get("one", "").partition(":")
    if not (listing.isdecimal() and sku.isdecimal() and len(listing) < 19 and len(sku) < 19):
        raise BusinessError("listing.not_found")
    units = request.POST.get(f"units-{listing}", "1").strip()
    if not units.isdecimal() or len(units) > 5:
        raise BusinessError("listing.bad_units")
    outcome = listings.match_many(actor=request.actor, matches=[Match(int(listing), int(sku), int(units))])
    for code, params in outcome.refused.values():
        raise BusinessError(code, **params)
    text = ngettext("Matched. {n} order goes on.", "Matched. {n} orders go on.", outcome.orders)
    return done(request, _back(request), text.format(n=outcome.orders))


def _back(request: PageRequest) -> str:
    return lists.address("listings", request.POST.get("view", ""))


@page(permissions.EDIT, methods=POST)
def match_many(request: PageRequest) -> HttpResponse:
    """Those ticked: with what was typed in their row, else with the SKU that is surely meant."""
    given = {"typed": typed({name: request.POST.get(name, "") for name in request.POST})}
    if request.POST.get("all") == "1" or request.POST.getlist("id") or not given["typed"]:
        return lists.do(request, ListingsList(), listing_acts.MATCH, given)
    # Enter in a row's field, nothing ticked: what was typed is meant.
    act = listing_acts.MATCH
    result = act.do(request.actor, [int(pk) for pk in given["typed"]], given)
    lists.outcome(request, act.said(len(result.done)), result.refused, act.label, act.href)
    return done(request, _back(request))


@page(permissions.EDIT, methods=POST)
def unmatch(request: PageRequest) -> HttpResponse:
    return lists.do(request, ListingsList(), listing_acts.TAKE_BACK)


@page(permissions.EDIT, methods=POST)
def aside(request: PageRequest) -> HttpResponse:
    return lists.do(request, ListingsList(), listing_acts.ASIDE, {"aside": True})


@page(permissions.EDIT, methods=POST)
def wanted(request: PageRequest) -> HttpResponse:
    return lists.do(request, ListingsList(), listing_acts.ASIDE, {"aside": False})
