"""Pure: how a platform's order becomes our row, how a newer revision merges into it, and what the workflow answers.

No database here. Rows are plain dicts of ``Order`` columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from channels import canonical
from core.errors import BadPayload
from core.textnorm import merge_key, search_grams, squash
from orders import states
from orders.finding import month_of

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_MASK = re.compile(r"\*{2,}|•{2,}|x{4,}", re.IGNORECASE)
_BAD = re.compile("[\x00\ud800-\udfff]")
LIMIT = Decimal("99999999999999")

PERSONAL = (
    "buyer_id",
    "buyer_name",
    "buyer_email",
    "buyer_note",
    "ship_name",
    "ship_company",
    "ship_lines",
    "ship_city",
    "ship_district",
    "ship_region",
    "ship_postcode",
    "ship_country",
    "ship_phone",
    "ship_email",
)
PLACE = ("ship_region", "ship_country")  # stay when the person is erased
# Parts of a place, of which another one may have fewer. Phone and e-mail are the person's, and often withheld.
PARTS = ("ship_company", "ship_city", "ship_district", "ship_region", "ship_postcode")
RECEIVER = tuple(name for name in PERSONAL if name.startswith("ship_"))


def clean(text: str, size: int) -> str:
    """Text as PostgreSQL can keep it (no NUL, no lone surrogates), at most ``size`` characters."""
    if not text:
        return ""
    if _BAD.search(text):
        text = _BAD.sub("\ufffd", text)
    text = text.strip()
    return text if len(text) <= size else text[: size - 1] + "…"


def check(order: canonical.Order) -> None:
    """Raises BadPayload for what cannot be an order, whatever the platform."""
    if not _is_id(order.external_id):
        raise BadPayload("order.no_id", path="external_id")
    if order.status not in canonical.STATUSES:
        raise BadPayload("order.status_unknown", path="status", status=order.status)
    if not _CURRENCY.match(order.currency):
        raise BadPayload("order.currency_malformed", path="currency", currency=clean(order.currency, 12))
    for path in ("placed_at", "updated_at", "paid_at"):
        if not _plausible(getattr(order, path)):
            raise BadPayload("payload.time", path=path)
    if not order.lines:
        raise BadPayload("order.no_lines", path="lines")
    seen = set()
    for index, line in enumerate(order.lines):
        path = f"lines[{index}]"
        if not _is_id(line.external_line_id) or line.external_line_id in seen:
            raise BadPayload("order.line_id", path=path)
        seen.add(line.external_line_id)
        if not 0 < line.quantity <= 10_000_000 or line.cancelled < 0:
            raise BadPayload("order.line_quantity", path=path, quantity=line.quantity)
        if not all(abs(amount) < LIMIT for amount in (line.unit_price, line.line_total, line.tax, line.discount)):
            raise BadPayload("order.line_price", path=path)
    for path in ("grand_total", "items_total", "shipping_total", "tax_total", "discount_total"):
        if not abs(getattr(order, path)) < LIMIT:
            raise BadPayload("order.total", path=path)


def _is_id(text: str) -> bool:
    """Whether it can be kept word for word: an id that had to be changed would name something else."""
    return bool(text) and len(text) <= 120 and not _BAD.search(text)


def _plausible(moment: datetime | None) -> bool:
    """Beyond these years no zone can be reckoned with; platforms write 9999 for "never"."""
    return moment is None or 1990 < moment.year < 2200


def tags_of(order: canonical.Order) -> list[str]:
    """The marketplace's tags of a new order (prime, gift, replacement, …); from then on they are ours to change."""
    return [text for tag in order.tags[:20] if (text := clean(tag, 40))]


def row_of(order: canonical.Order) -> dict[str, Any]:
    """The channel's part of an ``Order`` row."""
    receiver, buyer = order.receiver, order.buyer
    first = order.lines[0]
    return {
        "external_id": order.external_id,
        "channel_status": order.status,
        "channel_raw": clean(order.raw_status, 60),
        "channel_updated_at": order.updated_at,
        "platform_fulfilled": order.fulfilment == canonical.PLATFORM,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "ship_by": order.ship_by if _plausible(order.ship_by) else None,
        "deliver_by": order.deliver_by if _plausible(order.deliver_by) else None,
        "currency": order.currency,
        "items_total": order.items_total,
        "shipping_total": order.shipping_total,
        "tax_total": order.tax_total,
        "discount_total": order.discount_total,
        "grand_total": order.grand_total,
        "lines_count": len(order.lines),
        "units": sum(line.quantity - line.cancelled for line in order.lines),
        "first_sku": clean(first.seller_sku, 80),
        "first_title": clean(first.title, 200),
        "buyer_id": clean(buyer.id, 160),
        "buyer_name": clean(buyer.name, 200),
        "buyer_email": clean(buyer.email, 254),
        "buyer_aliases": [clean(alias, 160) for alias in buyer.aliases],
        "buyer_note": clean(order.note, 4000),
        "service_asked": clean(order.service_asked, 120),
        "ship_name": clean(receiver.name, 200),
        "ship_company": clean(receiver.company, 200),
        "ship_lines": [clean(line, 200) for line in receiver.lines if line and line.strip()][:6],
        "ship_city": clean(receiver.city, 120),
        "ship_district": clean(receiver.district, 120),
        "ship_region": clean(receiver.region, 120),
        "ship_postcode": clean(receiver.postcode, 30),
        "ship_country": receiver.country if _COUNTRY.match(receiver.country) else "",
        "ship_phone": clean(receiver.phone, 60),
        "ship_email": clean(receiver.email, 254),
        "ship_reference": clean(order.ship_reference, 80),
    }


def masked(value: Any) -> bool:
    text = " ".join(value) if isinstance(value, list) else str(value or "")
    return bool(_MASK.search(text))


def merge(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """An equal or newer revision over what we know: empty never overwrites known, masked never overwrites clear.

    A receiver that a person edited stays. Money, status and times are taken as told, but a known time is not lost.
    Nothing personal comes back into an order whose personal data was erased. Another address is taken whole.
    """
    out = dict(told)
    purged = known.get("purged_at") is not None
    moved = _elsewhere(known, told)
    for name in PERSONAL:
        before, after = known[name], told[name]
        if (
            (purged and name not in PLACE)
            or (name in RECEIVER and known["address_edited"])
            or (not after and before and not (moved and name in PARTS))
            or (before and masked(after) and not masked(before))
        ):
            out[name] = before
    for name in ("paid_at", "ship_by", "deliver_by", "service_asked", "ship_reference"):
        if not told[name] and known[name] and not (moved and name == "ship_reference"):
            out[name] = known[name]
    return out


def _elsewhere(known: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether a whole address is told and it is another place than the whole one that is known: a state or a company of
    the old place would send the parcel astray."""
    for row in (known, told):
        there = row["ship_name"] and row["ship_lines"] and (row["ship_city"] or row["ship_postcode"])
        if not there or not row["ship_country"] or masked(row["ship_lines"]):
            return False
    return any(known[name] != told[name] for name in ("ship_lines", "ship_country"))


def merge_text(row: Mapping[str, Any]) -> str:
    """The text whose keyed hash is the merge key; '' when the address is not enough to merge by (Req. 64)."""
    if masked(row["ship_name"]) or masked(row["ship_lines"]):
        return ""
    return merge_key(row["ship_name"], row["ship_lines"], row["ship_postcode"], row["ship_city"], row["ship_country"])


def search_of(row: Mapping[str, Any], codes: list[str], numbers: list[str]) -> tuple[list[int], str]:
    """(grams, text) of the search row: receiver, buyer, phone, order number, SKUs, tracking numbers; grams with the month
    (``orders.finding``)."""
    texts = [
        row["external_id"],
        row["ship_name"],
        row["ship_company"],
        row["ship_phone"],
        row["buyer_name"],
        row["buyer_id"],
        row["buyer_email"],
        row["ship_postcode"],
        *dict.fromkeys(codes),
        *numbers,
    ]
    kept = [text for text in texts if text]
    return [month_of(row["placed_at"]), *search_grams(kept)], squash("\n".join(kept))


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the workflow does about news. ``target`` None: stays (with a ``reason``: held for this one now, until a person
    says otherwise). ``release``: give the reserved stock back.

    ``route``: decide again. ``conflict`` is a code shown with its choices; ``ask_cancel``: try to take the parcel back.
    """

    target: str | None = None
    reason: str = ""
    release: bool = False
    route: bool = False
    paid: bool = False
    conflict: str | None = None
    ask_cancel: bool = False


def react(
    state: str, *, status: str, cancel_requested: bool, address_changed: bool, lines_changed: bool, ours: bool
) -> Reaction:
    """Answer a newer revision. ``ours``: a confirmation of ours exists, so *shipped* is our own echo."""
    if state == states.COMBINED:
        return Reaction()
    if status == canonical.CANCELLED:
        return _on_cancel(state)
    if state == states.CANCELLED:
        if status == canonical.PENDING:
            return Reaction(states.PENDING, route=True)
        return Reaction(states.NEW, route=True) if status == canonical.PAID else Reaction()
    if state == states.PLATFORM:
        return Reaction()
    if status == canonical.SHIPPED and state in states.BEFORE_BOOKING and not ours:
        return Reaction(states.ELSEWHERE, "order.shipped_elsewhere", release=True)
    if state == states.PENDING:
        if status in (canonical.PAID, canonical.PARTLY_SHIPPED):
            if cancel_requested:
                return Reaction(states.HELD, "order.cancel_requested", paid=True, release=lines_changed)
            return Reaction(states.NEW, route=True, paid=True, release=lines_changed)
        return Reaction(release=lines_changed, route=lines_changed)
    if state in states.GONE or state == states.ELSEWHERE:
        return Reaction()
    if state in states.IN_FLIGHT:
        if cancel_requested:
            return Reaction(conflict="cancel_requested")
        if address_changed:
            return Reaction(conflict="address_changed")
        return Reaction(conflict="lines_changed") if lines_changed else Reaction()
    if cancel_requested:
        if state == states.HELD:  # for another reason, which may end by itself
            return Reaction(reason="order.cancel_requested", release=lines_changed)
        target = None if states.HELD not in states.MOVES[state] else states.HELD
        return Reaction(target, "order.cancel_requested", release=lines_changed)
    if (address_changed or lines_changed) and state != states.HELD:
        target = states.NEW if state != states.NEW else None
        return Reaction(target, release=lines_changed, route=True)
    return Reaction(release=lines_changed)


def _on_cancel(state: str) -> Reaction:
    if state == states.CANCELLED:
        return Reaction()
    if state in states.BEFORE_BOOKING or state == states.PLATFORM:
        return Reaction(states.CANCELLED, "order.cancelled_by_channel", release=True)
    if state in states.IN_FLIGHT:
        return Reaction(conflict="cancelled_in_flight", ask_cancel=True)
    if state == states.HANDED:
        return Reaction(conflict="cancelled_after_handover")
    return Reaction()


def first_state(order: canonical.Order) -> str:
    """Where an order that we never saw begins; held, when its buyer has asked to cancel before we knew of it."""
    if order.fulfilment == canonical.PLATFORM:
        return states.CANCELLED if order.status == canonical.CANCELLED else states.PLATFORM
    return {
        canonical.PENDING: states.PENDING,
        canonical.UNKNOWN: states.PENDING,
        canonical.CANCELLED: states.CANCELLED,
        canonical.REFUNDED: states.CANCELLED,
        canonical.SHIPPED: states.ELSEWHERE,
    }.get(order.status, states.HELD if order.cancel_requested else states.NEW)


def dumps(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
