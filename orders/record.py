"""What the page of one order shows, gathered in few queries."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core import clock
from core.permissions import SEE_COST, SEE_PERSONAL
from core.ui.requests import PageRequest
from core.words import formats
from inventory.permissions import VIEW as SEE_STOCK
from inventory.queries import warehouses
from orders import explaining, permissions, queries, queries_cost, queries_hand, queries_page, states, telling
from orders.models import MANUAL, Order
from orders.pages import OrdersList, filter_of
from orders.services import undo
from orders.services.acts import HOLDABLE, REROUTABLE
from orders.services.booking import BOOKABLE
from orders.steps import NEXT, steps

# What a person can do about a conflict: take the parcel back and close the order, take it back and decide anew, go on.
CHOICES = {
    "cancel_requested": ("close", "settle"),
    "address_changed": ("again", "settle"),
    "lines_changed": ("again", "settle"),
    "cancelled_in_flight": ("close", "settle"),
    "cancelled_after_handover": ("settle",),
    "cancelling_parcel": (),
}


def record_context(request: PageRequest, pk: int) -> dict[str, Any]:
    """Everything for ``orders/order.html``. Raises BusinessError ``order.not_found``."""
    actor = request.actor
    order = queries.get(actor, pk)
    state = OrdersList().state(request.GET)
    newer, older = queries.neighbours(actor, filter_of(state), order)
    lines = queries.lines_of(pk)
    parcels = queries_page.parcels(pk)
    if not actor.can(SEE_COST):
        for parcel in parcels:
            parcel.cost = None
    told = queries_page.confirmations(pk)
    personal = actor.can(SEE_PERSONAL)
    reserved = bool(lines) and all(line["reserved"] for line in lines if line["to_send"])
    for line in lines:
        line["sku_name"] = queries_page.named(line["sku_title"] or "", line["sku_title_zh"] or "")
    alive = [parcel for parcel in parcels if parcel.alive]
    first = alive[0] if alive else None
    # The carrier has a parcel whose number was refused: booking again would make a second one.
    stuck = order.state == states.FAILED and first is not None and bool(first.waybill)
    hand = queries_hand.by_hand(pk)
    can = _can(actor, order, parcel=bool(alive))
    if stuck:
        can |= {"take_back": actor.can(permissions.CANCEL), "accept": can["book"]}
        can |= dict.fromkeys(("book", "hold", "route", "cancel"), False)
    entries = queries.history(pk)
    step = "accept" if stuck else NEXT.get(order.state, "")
    return {
        "order": order,
        "query": state.query(),
        "newer": newer,
        "older": older,
        "lines": lines,
        "costs": _costs(request, order, lines, alive),
        "units": sum(line["units"] for line in lines),
        "parcels": parcels,
        "parcel": first,
        "split": len(alive) > 1,
        "confirmations": told,
        "steps": steps(
            order.state,
            reserved=reserved,
            confirmed=any(one["state"] == "confirmed" for one in told),
            refused=any(one["state"] == "refused" for one in told),
            told=order.platform != MANUAL,
        ),
        "hand": hand,
        "by_hand": order.platform == MANUAL,
        "assignee": queries_hand.names_of_users([order.assignee_id] if order.assignee_id else []).get(
            order.assignee_id or 0, ""
        ),
        "notes": queries_hand.notes(pk) if personal else [],
        "receiver": receiver(order, personal),
        "personal": personal,
        "why": why(request, order, personal),
        "history": telling.tell(order, entries, undo=undo.offered(order, actor, entries)),
        "former": queries_page.former_addresses(pk) if personal and actor.can(permissions.EDIT) else [],
        "editable": order.state in states.BEFORE_BOOKING and not stuck and actor.can(permissions.EDIT) and personal,
        "can": can,
        "next": step if step != "paid" or can["paid"] else "",
        "conflict_choices": CHOICES.get(order.conflict, ("settle",)) if order.conflict else (),
        "late": order.ship_by is not None and order.ship_by < clock.now(),
        "open": order.state in states.TO_SHIP or order.state == states.PENDING,
    }


def _costs(request: PageRequest, order: Order, lines: list[dict[str, Any]], alive: list[Any]) -> dict[str, Any] | None:
    """What each line costs, put on the lines, and the sum; None without the right to see it."""
    actor = request.actor
    if not actor.can(SEE_COST):
        return None
    issued = [parcel.shipment_id for parcel in alive if parcel.issued_at is not None]
    found = queries_cost.costs(actor, lines, shipments=issued, warehouse_id=order.warehouse_id)
    for line in lines:
        line["cost"] = found.get(line["id"])
    known = [cost.amount for cost in found.values() if cost.amount is not None]
    return {
        "sum": sum(known) if known else None,
        "unknown": sum(cost.unknown for cost in found.values()),
        "actual": bool(found) and all(cost.actual for cost in found.values()),
        "currency": request.tenant.currency,
        "freight": [parcel for parcel in alive if parcel.cost is not None],
    }


def _can(actor: Any, order: Order, *, parcel: bool) -> dict[str, bool]:
    """Which acts make sense now and are allowed. ``parcel``: one exists at the carrier, or may."""
    early = order.state in states.BEFORE_BOOKING and not parcel and not order.platform_fulfilled
    return {
        "hold": order.state in HOLDABLE and actor.can(permissions.HOLD),
        "route": order.state in REROUTABLE and actor.can(permissions.ROUTE),
        "cancel": order.state in states.BEFORE_BOOKING and actor.can(permissions.CANCEL),
        "book": order.state in BOOKABLE and actor.can(permissions.BOOK),
        "take_back": order.state in states.IN_FLIGHT and actor.can(permissions.CANCEL),
        "tag": actor.can(permissions.EDIT),
        "match": order.state == states.UNMATCHED and actor.can(permissions.EDIT),
        "pull": order.account_id is not None and order.platform != MANUAL and actor.can(permissions.ROUTE),
        "lines": early and actor.can(permissions.EDIT),
        "choose": early and actor.can(permissions.ROUTE),
        "assign": actor.can(permissions.ASSIGN),
        "copy": not order.platform_fulfilled and actor.can(permissions.EDIT) and actor.can(SEE_PERSONAL),
        "paid": order.platform == MANUAL and order.state == states.PENDING and actor.can(permissions.EDIT),
        "settle": bool(order.conflict) and actor.can(permissions.EDIT),
        "rules": actor.can(permissions.RULES),
    }


def receiver(order: Order, personal: bool) -> dict[str, Any]:
    """The receiver as this person may see it: without the right only country and region and a masked name."""
    if not personal:
        return {"name": queries.mask(order.ship_name), "lines": [], "phone": "", "email": "", "member": ""}
    place = " ".join(part for part in (order.ship_postcode, order.ship_city) if part)
    lines = [*order.ship_lines, ", ".join(part for part in (order.ship_district, place, order.ship_region) if part)]
    return {
        "name": order.ship_name,
        "company": order.ship_company,
        "lines": [line for line in lines if line],
        "phone": masked_number(order.ship_phone),
        "email": masked_email(order.ship_email),
        "member": order.buyer_name or order.buyer_id,
        "member_email": masked_email(order.buyer_email),
        "same": order.buyer_name.strip().casefold() == order.ship_name.strip().casefold(),
    }


def masked_number(text: str) -> str:
    """+49 •••• ••73: enough to tell two apart."""
    if not text:
        return ""
    return f"{text[:3] if text.startswith('+') else ''} •••• ••{text[-2:]}".strip()


def masked_email(text: str) -> str:
    name, _at, host = text.partition("@")
    return f"{name[:1]}•••@{host}" if host else ("•••" if name else "")


def why(request: PageRequest, order: Order, personal: bool) -> dict[str, Any] | None:
    """The decision, rule by rule, in words."""
    found = queries_page.why(order, show_personal=personal)
    if found is None:
        return None
    services = {one["key"]: one["name"] for one in found.services}
    places = {one.code: one.name for one in warehouses(request.actor)} if request.actor.can(SEE_STOCK) else {}
    rules = [explaining.shown(rule, services, places) for rule in found.rules]
    changed = not all(rule.agrees for rule in rules)
    return {
        "version": found.version,
        "service": queries_page.named(order.service.name, order.service.name_zh) if order.service else "",
        "current": found.current,
        "rules": rules,
        "acted": sum(1 for rule in rules if rule.outcome == "acted"),
        "refused": [one for one in found.services if one["reason"] and not one["chosen"]],
        "able": [one for one in found.services if not one["reason"] and not one["chosen"]],
        "weight": formats.weight(found.weight_g) if found.weight_g is not None else _("unknown"),
        "changed": changed,
    }
