"""Stock: the list, one SKU, what a figure is made of, receiving and adjusting. No logic: queries and services."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.permissions import SEE_COST
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from core.words import formats
from inventory import pasted, permissions, ports, queries, queries_card, queries_page, services
from inventory.forms import AdjustForm, LinesForm, ReceiveForm, SkuForm, WarehouseForm, beside, version_seen
from inventory.pages import ProductsList, SkusList, StockList
from inventory.queries import FIGURES
from inventory.services.undoing import KINDS, undone

CHART_DAYS = 90
BOTH = ("GET", "HEAD", "POST")
CARD_ROWS = 200


@page(permissions.VIEW)
def stock(request: PageRequest) -> HttpResponse:
    return lists.show(request, StockList(request.tenant.currency))


@page(permissions.VIEW)
def skus(request: PageRequest) -> HttpResponse:
    return lists.show(request, SkusList())


@page(permissions.VIEW)
def products(request: PageRequest) -> HttpResponse:
    return lists.show(request, ProductsList())


@page(permissions.VIEW)
def sku(request: PageRequest, pk: int) -> HttpResponse:
    """Facts, stock by warehouse, value under both methods, the latest moves of one warehouse."""
    found = queries_page.sku(request.actor, pk)
    rows = queries.stock_rows(request.actor, sku_ids=[pk])
    chosen = _chosen(request, [row.warehouse_id for row in rows])
    shown = queries.stock_card(request.actor, sku_id=pk, warehouse_id=chosen, limit=20) if chosen else []
    context = {
        "sku": found,
        "title": queries_page.named(found.title, found.title_zh),
        "rows": rows,
        "worth": queries.worth(request.actor, sku_ids=[pk]) if request.actor.can(SEE_COST) else [],
        "card": shown,
        "chosen": next((row for row in rows if row.warehouse_id == chosen), None),
        "history": queries_page.history(pk),
        "variants": queries_page.variants(found),
        "can": _can(request),
        "undoable": _undoable(request, shown),
        **_over_time(
            queries_card.days(request.actor, sku_id=pk, figure="on_hand", zone=request.actor.timezone, count=CHART_DAYS)
        ),
    }
    return render(request, "inventory/sku.html", context)


def _chosen(request: PageRequest, there: list[int]) -> int | None:
    asked = request.GET.get("warehouse", "")
    wanted = int(asked) if asked.isdecimal() and len(asked) < 19 else None
    return wanted if wanted in there else (there[0] if there else None)


def _can(request: PageRequest) -> dict[str, bool]:
    actor = request.actor
    return {
        "cost": actor.can(SEE_COST),
        "edit": actor.can(permissions.EDIT_CATALOGUE),
        "receive": actor.can(permissions.RECEIVE),
        "adjust": actor.can(permissions.ADJUST),
    }


@page(permissions.VIEW)
def card(request: PageRequest, pk: int, warehouse: int) -> HttpResponse:
    """The moves that a figure is made of, in a period and of a kind, and the figure over time."""
    figure = queries_page.figure(request.GET.get("figure", "on_hand"))
    skip = request.GET.get("skip", "0")
    place = queries_page.warehouse(request.actor, warehouse)
    start = int(skip) if skip.isdecimal() and len(skip) < 9 else 0
    first, last = _day(request, "from"), _day(request, "to")
    kind = request.GET.get("kind", "")
    lines = queries.stock_card(
        request.actor,
        sku_id=pk,
        warehouse_id=warehouse,
        figure=figure,
        limit=CARD_ROWS + 1,
        skip=start,
        since=first,
        until=last + timedelta(days=1) if last else None,
        kind=kind if kind in queries_card.KINDS else "",
    )
    zone = request.actor.timezone
    over = queries_card.days(
        request.actor, sku_id=pk, figure=figure, zone=zone, count=CHART_DAYS, warehouse_id=warehouse
    )
    kept = {name: request.GET.get(name, "") for name in ("figure", "from", "to", "kind")}
    context = {
        "sku": queries_page.sku(request.actor, pk),
        "place": place,
        "figure": figure,
        "figures": list(FIGURES),
        "lines": lines[:CARD_ROWS],
        "more": start + CARD_ROWS if len(lines) > CARD_ROWS else 0,
        "can": _can(request),
        "kinds": queries_card.KINDS,
        "chosen": kept,
        "query": urlencode({name: value for name, value in kept.items() if value}),
        "undoable": _undoable(request, lines[:CARD_ROWS]),
        **_over_time(over),
    }
    return render(request, "inventory/card.html", context)


def _day(request: PageRequest, name: str) -> datetime | None:
    """The start of a day of the address, in the tenant's zone; None for none or nonsense."""
    try:
        day = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None
    return datetime.combine(day, time(), ZoneInfo(request.actor.timezone))


def _undoable(request: PageRequest, lines: Sequence[queries.CardLine]) -> set[int]:
    """Moves that this person may take back and that nobody has."""
    mine = [one.move_id for one in lines if one.source_kind in KINDS and request.actor.can(KINDS[one.source_kind])]
    return set(mine) - undone(mine) if mine else set()


def _over_time(over: queries_card.Days) -> dict[str, Any]:
    labels = [formats.day(day) for day in over.days]
    chart = {"labels": labels, "lines": [{"name": name, "values": units, "step": True} for name, units in over.lines]}
    table = [(labels[n], [units[n] for _, units in over.lines]) for n in range(len(labels) - 1, -1, -7)]
    return {"over": chart if any(any(units) for _, units in over.lines) else None, "over_table": table}


@page(permissions.VIEW, methods=("POST",))
def undo(request: PageRequest, pk: int) -> HttpResponse:
    """Take a movement back by one the other way."""
    services.undo(actor=request.actor, move_id=pk)
    return done(
        request,
        request.POST.get("next", "") if request.POST.get("next", "").startswith("/stock/") else "inventory:stock",
        _("Taken back by a movement the other way."),
    )


@page(permissions.VIEW)
def reserved(request: PageRequest, pk: int, warehouse: int) -> HttpResponse:
    """Who holds the units that are reserved."""
    rows = queries.open_reservations(request.actor, sku_id=pk, warehouse_id=warehouse)
    owners = ports.named(request.actor, [(row["owner_kind"], row["owner_id"]) for row in rows])
    context = {
        "sku": queries_page.sku(request.actor, pk),
        "place": queries_page.warehouse(request.actor, warehouse),
        "rows": [{**row, "owner": owners.get((row["owner_kind"], row["owner_id"]))} for row in rows],
    }
    return render(request, "inventory/reserved.html", context)


@page(permissions.VIEW)
def move(request: PageRequest, pk: int) -> HttpResponse:
    """The value entries of one move."""
    context = {"pk": pk, "entries": queries.entries(request.actor, move_id=pk), "can": _can(request)}
    return render(request, "inventory/move.html", context)


# -- receiving and adjusting --------------------------------------------------------------------------------------------


@page(permissions.RECEIVE, methods=BOTH)
def receive(request: PageRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    initial = {"key": uuid.uuid4().hex, "currency": request.tenant.currency, "lines": _first_line(request)}
    form = ReceiveForm(given, warehouses=queries_page.choices(request.actor), initial=initial)
    lines, problems = _read(form, signed=False)
    if lines and not problems:
        data = form.cleaned_data
        try:
            services.receive(
                actor=request.actor,
                warehouse_id=int(data["warehouse"]),
                lines=[
                    services.ReceiptLine(one.sku_id, one.quantity, one.unit_cost, data["currency"], data["rate"])
                    for one in lines
                ],
                key=f"receive:{data['key']}",
            )
        except BusinessError as error:
            form.add_error("rate" if error.code == "cost.rate_missing" else "lines", sentence(error))
        else:
            return _posted(request, lines)
    return render(request, "inventory/receive.html", {"form": form, "problems": problems})


@page(permissions.ADJUST, methods=BOTH)
def adjust(request: PageRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    form = AdjustForm(
        given,
        warehouses=queries_page.choices(request.actor),
        may_force=request.actor.can(permissions.FORCE),
        initial={"key": uuid.uuid4().hex, "lines": _first_line(request)},
    )
    lines, problems = _read(form, signed=True)
    if lines and not problems:
        data = form.cleaned_data
        if data.get("force"):
            request.actor.require(permissions.FORCE)
        try:
            services.adjust(
                actor=request.actor,
                warehouse_id=int(data["warehouse"]),
                lines=[services.AdjustLine(one.sku_id, one.quantity, at_average=True) for one in lines],
                key=f"adjust:{data['key']}",
                reason=form.reason_text(),
                force=bool(data.get("force")),
            )
        except BusinessError as error:
            form.add_error("lines", sentence(error))
        else:
            return _posted(request, lines)
    return render(request, "inventory/adjust.html", {"form": form, "problems": problems})


def _first_line(request: PageRequest) -> str:
    """A SKU's page names its code."""
    code = request.GET.get("sku", "")[:80]
    return f"{code} " if code else ""


def _read(form: LinesForm, *, signed: bool) -> tuple[list[pasted.Line], list[pasted.Problem]]:
    if not form.is_bound or not form.is_valid():
        return [], []
    text = form.cleaned_data["lines"]
    return pasted.read(text, queries_page.ids_of(pasted.codes(text)), signed=signed)


def _posted(request: PageRequest, lines: list[pasted.Line]) -> HttpResponse:
    text = ngettext("{n} line posted.", "{n} lines posted.", len(lines)).format(n=len(lines))
    to = reverse("inventory:sku", args=[lines[0].sku_id]) if len(lines) == 1 else reverse("inventory:stock")
    return done(request, to, text)


# -- the catalogue ------------------------------------------------------------------------------------------------------


@page(permissions.EDIT_CATALOGUE, methods=BOTH)
def sku_new(request: PageRequest) -> HttpResponse:
    form = SkuForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_sku(actor=request.actor, **form.values())
        except BusinessError as error:
            beside(form, error, "code")
        else:
            return done(request, reverse("inventory:sku", args=[made.pk]), _("SKU created."))
    return render(request, "inventory/sku_form.html", {"form": form, "sku": None})


@page(permissions.EDIT_CATALOGUE, methods=BOTH)
def sku_edit(request: PageRequest, pk: int) -> HttpResponse:
    found = queries_page.sku(request.actor, pk)
    form = SkuForm(request.POST if request.method == "POST" else None, sku=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_sku(actor=request.actor, sku_id=pk, seen=version_seen(form), **form.values())
        except BusinessError as error:
            beside(form, error, "title")
        else:
            return done(request, reverse("inventory:sku", args=[pk]), _("Saved."))
    return render(request, "inventory/sku_form.html", {"form": form, "sku": found})


@page(permissions.VIEW)
def warehouses(request: PageRequest) -> HttpResponse:
    context = {
        "rows": queries.warehouses(request.actor, inactive=True),
        "may_edit": request.actor.can(permissions.EDIT_WAREHOUSE),
    }
    return render(request, "inventory/warehouses.html", context)


@page(permissions.EDIT_WAREHOUSE, methods=BOTH)
def warehouse_edit(request: PageRequest, pk: int | None = None) -> HttpResponse:
    found = queries_page.warehouse(request.actor, pk) if pk is not None else None
    given = request.POST if request.method == "POST" else None
    form = WarehouseForm(given, warehouse=found, initial={"timezone": request.actor.timezone})
    if given is not None and form.is_valid():
        try:
            if found is None:
                services.create_warehouse(actor=request.actor, **form.values())
            else:
                services.update_warehouse(actor=request.actor, warehouse_id=found.pk, **form.values())
        except BusinessError as error:
            beside(form, error, "code")
        else:
            return done(request, reverse("inventory:warehouses"), _("Saved."))
    return render(request, "inventory/warehouse.html", {"form": form, "found": found})
