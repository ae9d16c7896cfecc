"""The orders list, its bulk acts, and the acts of one order. No logic: reads from queries, acts in services."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.permissions import SEE_PERSONAL
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from orders import bulk, permissions, queries, queries_page
from orders.forms import AddressForm
from orders.forms_hand import drawn
from orders.pages import OrdersList
from orders.record import record_context
from orders.services import acts, booking, conflicts, personal, recall, refresh
from orders.services.acts import ADDRESS_FIELDS, Outcome

POST = ("POST",)


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, OrdersList(), {"may_enter": request.actor.can(permissions.EDIT)})


# -- bulk acts ----------------------------------------------------------------------------------------------------------


@page(permissions.HOLD, methods=POST)
def bulk_hold(request: PageRequest) -> HttpResponse:
    return lists.do(request, OrdersList(), bulk.HOLD, {"note": request.POST.get("note", "")})


@page(permissions.ROUTE, methods=POST)
def bulk_route(request: PageRequest) -> HttpResponse:
    return lists.do(request, OrdersList(), bulk.ROUTE)


@page(permissions.CANCEL, methods=POST)
def bulk_cancel(request: PageRequest) -> HttpResponse:
    return lists.do(request, OrdersList(), bulk.CANCEL, {"note": request.POST.get("note", "")})


@page(permissions.EDIT, methods=POST)
def bulk_tag(request: PageRequest) -> HttpResponse:
    add, remove = _tags(request.POST.get("add", "")), _tags(request.POST.get("remove", ""))
    if not add and not remove:
        raise BusinessError("order.no_tags_given")
    return lists.do(request, OrdersList(), bulk.TAG, {"add": add, "remove": remove})


@page(permissions.BOOK, methods=POST)
def bulk_book(request: PageRequest) -> HttpResponse:
    return lists.do(request, OrdersList(), bulk.BOOK)


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.replace("，", ",").split(",") if tag.strip()]


# -- one order ----------------------------------------------------------------------------------------------------------


@page(permissions.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    return render(request, "orders/order.html", record_context(request, pk))


def _here(request: PageRequest, pk: int) -> str:
    """The order's page in the list one came from."""
    return f"{reverse('orders:show', args=[pk])}?{OrdersList().state(request.GET).query()}"


def _one(request: PageRequest, pk: int, outcome: Outcome, text: str) -> HttpResponse:
    """After an act on one order: back to it, or the reason why not."""
    if pk in outcome.refused:
        code, params = outcome.refused[pk]
        raise BusinessError(code, **params)
    return done(request, _here(request, pk), text)


@page(permissions.HOLD, methods=POST)
def hold(request: PageRequest, pk: int) -> HttpResponse:
    note = request.POST.get("note", "")
    return _one(request, pk, acts.hold(actor=request.actor, order_ids=[pk], note=note), _("On hold."))


@page(permissions.ROUTE, methods=POST)
def route(request: PageRequest, pk: int) -> HttpResponse:
    outcome = acts.route_again(actor=request.actor, order_ids=[pk])
    return _one(request, pk, outcome, _("The order goes through the rules again."))


@page(permissions.CANCEL, methods=POST)
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    note = request.POST.get("note", "")
    return _one(request, pk, acts.cancel(actor=request.actor, order_ids=[pk], note=note), _("Cancelled."))


@page(permissions.BOOK, methods=POST)
def book(request: PageRequest, pk: int) -> HttpResponse:
    return _one(request, pk, booking.book_orders(actor=request.actor, order_ids=[pk]), _("The carrier is being asked."))


@page(permissions.EDIT, methods=POST)
def tag(request: PageRequest, pk: int) -> HttpResponse:
    add, remove = _tags(request.POST.get("add", "")), _tags(request.POST.get("remove", ""))
    outcome = acts.tag(actor=request.actor, order_ids=[pk], add=add, remove=remove)
    return _one(request, pk, outcome, _("Tags changed."))


@page(permissions.CANCEL, methods=POST)
def take_back(request: PageRequest, pk: int) -> HttpResponse:
    """Take the parcel back at the carrier; the order is cancelled after that, or held."""
    close = request.POST.get("close") == "1"
    outcome = recall.cancel_shipment(actor=request.actor, order_ids=[pk], close=close)
    return _one(request, pk, outcome, _("The carrier is asked to give the parcel up."))


@page(permissions.BOOK, methods=POST)
def accept_number(request: PageRequest, pk: int) -> HttpResponse:
    """A number that the service's format refuses is taken as it is."""
    recall.accept_number(actor=request.actor, order_id=pk)
    return done(request, _here(request, pk), _("The number is taken as it is; the parcel goes on."))


@page(permissions.EDIT, methods=POST)
def settle(request: PageRequest, pk: int) -> HttpResponse:
    conflicts.settle(actor=request.actor, order_id=pk, version=_version(request))
    return done(request, _here(request, pk), _("Settled: the order goes on as it is."))


def _version(request: PageRequest) -> int:
    given = request.POST.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else -1


@page(permissions.ROUTE, methods=POST)
def pull(request: PageRequest, pk: int) -> HttpResponse:
    fresh = refresh.pull_again(actor=request.actor, order_id=pk)
    text = _("Read again: there was news.") if fresh else _("Read again: nothing has changed at the marketplace.")
    return done(request, _here(request, pk), text)


@page(SEE_PERSONAL, methods=POST)
def reveal(request: PageRequest, pk: int, field: str) -> HttpResponse:
    value = personal.reveal(actor=request.actor, order_id=pk, field=field)
    return fragment(request, "orders/_revealed.html", {"value": value})


# -- the address --------------------------------------------------------------------------------------------------------


@page(permissions.EDIT, methods=("GET", "HEAD", "POST"))
def address(request: PageRequest, pk: int) -> HttpResponse:
    """The form in place of the receiver's card (htmx), or on a page of its own."""
    request.actor.require(SEE_PERSONAL)  # one cannot correct what one may not read
    order = queries.get(request.actor, pk)
    if request.method == "POST":
        form = AddressForm(request.POST)
        if form.is_valid():
            try:
                acts.edit_address(
                    actor=request.actor, order_id=pk, version=form.cleaned_data["version"], changes=form.changes()
                )
            except BusinessError as error:
                if error.code == "order.address_incomplete":
                    form.lacks(error.params["missing"])
                else:
                    form.add_error(None, sentence(error))
            else:
                return done(request, _here(request, pk), _("Address saved."))
    else:
        given = {name: getattr(order, name) for name in ADDRESS_FIELDS}
        form = AddressForm(initial={**given, "ship_lines": "\n".join(order.ship_lines), "version": order.version})
    values = {name: str(form[name].value() or "") for name in form.fields}
    fields = drawn(values, form.errors)
    context = {"order": order, "form": form, "fields": fields, "query": OrdersList().state(request.GET).query()}
    if request.htmx:
        return fragment(request, "orders/_address_form.html", context)
    return render(request, "orders/address.html", context)


@page(permissions.EDIT, methods=POST)
def address_undo(request: PageRequest, pk: int, former: int) -> HttpResponse:
    """Bring a former address back; that is a change like any other, so it can be undone too."""
    request.actor.require(SEE_PERSONAL)
    order = queries.get(request.actor, pk)
    row = next((one for one in queries_page.former_addresses(order.pk) if one.pk == former), None)
    if row is None:
        raise BusinessError("order.former_address_gone")
    acts.edit_address(actor=request.actor, order_id=pk, version=_version(request), changes=row.address)
    return done(request, _here(request, pk), _("The former address is back."))


# -- lines without a SKU ------------------------------------------------------------------------------------------------


@page(permissions.EDIT)
def find_sku(request: PageRequest, pk: int, listing: int) -> HttpResponse:
    """SKUs by what was typed, each with a button that matches the listing."""
    order = queries.get(request.actor, pk)
    text = request.GET.get("sku", "")
    context = {
        "order": order,
        "listing": listing,
        "text": text,
        "found": queries_page.find_skus(text),
        "query": OrdersList().state(request.GET).query(),
    }
    return fragment(request, "orders/_sku_choices.html", context)


@page(permissions.EDIT, methods=POST)
def match(request: PageRequest, pk: int, listing: int) -> HttpResponse:
    queries.get(request.actor, pk)
    sku, units = request.POST.get("sku", ""), request.POST.get("units", "1")
    if not sku.isdecimal() or len(sku) > 18:
        raise BusinessError("sku.not_found")
    if not units.isdecimal() or not 1 <= int(units[:6]) <= 10_000:
        raise BusinessError("listing.bad_units")
    moved = acts.match_listing(actor=request.actor, listing_id=listing, sku_id=int(sku), units=int(units))
    text = ngettext("Matched. {n} order goes on.", "Matched. {n} orders go on.", moved).format(n=moved)
    return done(request, _here(request, pk), text)
