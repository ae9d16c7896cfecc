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
from orders import explaining, permissions, queries, queries_page, states, telling
from orders.models import Order
from orders.pages import OrdersList, filter_of
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
    reserved = bool(lines) and all(line["reserved"] for line in lines)
    for line in lines:
        line["sku_name"] = queries_page.named(line["sku_title"] or "", line["sku_title_zh"] or "")
    alive = next((parcel for parcel in parcels if parcel.alive), None)
    # The carrier has a parcel whose number was refused: booking again would make a second one.
    stuck = order.state == states.FAILED and alive is not None and bool(alive.waybill)
    can = _can(actor, order)
    if stuck:
        can |= {"take_back": actor.can(permissions.CANCEL), "accept": can["book"], "book": False}
    return {
        "order": order,
        "query": state.query(),
        "newer": newer,
        "older": older,
        "lines": lines,
        "units": sum(line["units"] for line in lines),
        "parcels": parcels,
        "parcel": alive,
        "confirmations": told,
        "steps": steps(
            order.state,
            reserved=reserved,
            confirmed=any(one["state"] == "confirmed" for one in told),
            refused=any(one["state"] == "refused" for one in told),
        ),
        "receiver": receiver(order, personal),
        "personal": personal,
        "why": why(request, order, personal),
        "history": telling.tell(order, queries.history(pk)),
        "former": queries_page.former_addresses(pk) if personal and actor.can(permissions.EDIT) else [],
        "editable": order.state in states.BEFORE_BOOKING and actor.can(permissions.EDIT) and personal,
        "can": can,
        "next": "accept" if stuck else NEXT.get(order.state, ""),
        "conflict_choices": CHOICES.get(order.conflict, ("settle",)) if order.conflict else (),
        "late": order.ship_by is not None and order.ship_by < clock.now(),
        "open": order.state in states.TO_SHIP or order.state == states.PENDING,
    }


def _can(actor: Any, order: Order) -> dict[str, bool]:
    """Which acts make sense now and are allowed."""
    return {
        "hold": order.state in HOLDABLE and actor.can(permissions.HOLD),
        "route": order.state in REROUTABLE and actor.can(permissions.ROUTE),
        "cancel": order.state in states.BEFORE_BOOKING and actor.can(permissions.CANCEL),
        "book": order.state in BOOKABLE and actor.can(permissions.BOOK),
        "take_back": order.state in states.IN_FLIGHT and actor.can(permissions.CANCEL),
        "tag": actor.can(permissions.EDIT),
        "match": order.state == states.UNMATCHED and actor.can(permissions.EDIT),
        "pull": order.account_id is not None and actor.can(permissions.ROUTE),
        "settle": bool(order.conflict) and actor.can(permissions.EDIT),
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
