"""Writing one page of parsed orders: one statement per table, no model instance, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels import canonical
from channels.services import erasing
from core import bulk, clock
from core.audit import record_many
from core.permissions import Actor
from core.secrets import keyed_hash
from inventory.reservation import make_paid, release_many
from orders import incoming, states
from orders.models import MANUAL
from orders.services import customers, lines
from orders.services.conflicts import stay_held
from orders.services.of_parcels import at_carrier


@dataclass(slots=True)
class Incoming:
    raw_id: int
    order: canonical.Order
    row: dict[str, Any]


@dataclass
class Written:
    created: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    to_route: list[int] = field(default_factory=list)
    ask_cancel: list[int] = field(default_factory=list)
    same: int = 0


# Columns of a row that come from the channel, with the type that a bulk UPDATE needs.
CHANNEL: tuple[tuple[str, str], ...] = (
    ("channel_status", "text"),
    ("channel_raw", "text"),
    ("channel_updated_at", "timestamptz"),
    ("platform_fulfilled", "bool"),
    ("placed_at", "timestamptz"),
    ("paid_at", "timestamptz"),
    ("ship_by", "timestamptz"),
    ("deliver_by", "timestamptz"),
    ("currency", "text"),
    ("items_total", "numeric"),
    ("shipping_total", "numeric"),
    ("tax_total", "numeric"),
    ("discount_total", "numeric"),
    ("grand_total", "numeric"),
    ("lines_count", "int"),
    ("units", "int"),
    ("first_sku", "text"),
    ("first_title", "text"),
    ("buyer_id", "text"),
    ("buyer_name", "text"),
    ("buyer_email", "text"),
    ("buyer_note", "text"),
    ("service_asked", "text"),
    ("ship_name", "text"),
    ("ship_company", "text"),
    ("ship_lines", "jsonb"),
    ("ship_city", "text"),
    ("ship_district", "text"),
    ("ship_region", "text"),
    ("ship_postcode", "text"),
    ("ship_country", "text"),
    ("ship_phone", "text"),
    ("ship_email", "text"),
    ("ship_reference", "text"),
)
CHANNEL_NAMES = tuple(name for name, _ in CHANNEL)
_JSON = CHANNEL_NAMES.index("ship_lines")
# Our own columns of a new row; those without a value here have the same one on every new order.
_OWN = (
    "id",
    "account_id",
    "platform",
    "external_id",
    "state",
    "state_at",
    "reason_code",
    "conflict",
    "address_edited",
    "merge_key",
    "customer_id",
    "tags",
    "raw_id_ref",
    "created_at",
    "updated_at",
    "version",
)
_INSERT = _OWN + CHANNEL_NAMES
_KNOWN = ("id", "external_id", "state", "conflict", "address_edited", "platform_fulfilled", "purged_at", *CHANNEL_NAMES)
_SELECT = (
    f"SELECT {', '.join(_KNOWN)} FROM orders_order WHERE account_id = %s AND external_id = ANY(%s)"
    " ORDER BY id FOR UPDATE"
)


def write_page(*, account_id: int, platform: str, page: list[Incoming], actor: Actor) -> Written:
    """Upsert a page (see the module). Two revisions of one order in a page: the newest counts, both raws are ingested."""
    newest: dict[str, Incoming] = {}
    for item in page:
        before = newest.get(item.order.external_id)
        if before is None or item.order.updated_at >= before.order.updated_at:
            newest[item.order.external_id] = item
    known = {row["external_id"]: row for row in _dicts(bulk.fetch(_SELECT, [account_id, list(newest)]), _KNOWN)}
    written = Written()
    fresh = [item for external_id, item in newest.items() if external_id not in known]
    gone = _superseded(account_id, fresh, newest)
    if gone:
        fresh = [item for item in fresh if item.order.external_id not in gone]
        written.same += len(gone)
    catalogue = lines.match_listings(account_id, [line for item in newest.values() for line in item.order.lines])
    if fresh and _create(account_id, platform, fresh, catalogue, actor, written):
        # Some of the known ones were closed just now because their lines moved into a new one.
        known = {row["external_id"]: row for row in _dicts(bulk.fetch(_SELECT, [account_id, list(known)]), _KNOWN)}
    old = [(known[external_id], item) for external_id, item in newest.items() if external_id in known]
    if old:
        _revise(account_id, old, catalogue, actor, written)
    # What the platform still says of a person who was erased here is not kept either.
    erased = {row["external_id"] for row, _ in old if row["purged_at"] is not None}
    erasing.blank([item.raw_id for item in page if item.order.external_id in erased])
    bulk.execute(
        "UPDATE channels_rawpayload SET state = 1, attempts = attempts + 1 WHERE id = ANY(%s)",
        [[item.raw_id for item in page]],
    )
    return written


def _superseded(account_id: int, fresh: list[Incoming], newest: dict[str, Incoming]) -> set[str]:
    """Orders that we never saw and that gave their lines to another one: the platform shows the empty husk for a while."""
    husks = {
        item.order.external_id: {line.external_line_id for line in item.order.lines}
        for item in fresh
        if item.order.status == canonical.UNKNOWN
    }
    if not husks:
        return set()
    elsewhere = {
        line.external_line_id
        for item in newest.values()
        if item.order.status != canonical.UNKNOWN
        for line in item.order.lines
    }
    elsewhere |= {
        row[0]
        for row in bulk.fetch(
            "SELECT external_line_id FROM orders_orderline WHERE account_id = %s AND external_line_id = ANY(%s)",
            [account_id, sorted(set().union(*husks.values()))],
        )
    }
    return {external_id for external_id, lines_of in husks.items() if lines_of & elsewhere}


def _dicts(rows: Iterable[tuple[Any, ...]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    out = []
    for row in rows:
        item = dict(zip(names, row, strict=True))
        if isinstance(item.get("ship_lines"), str):
            import json

            item["ship_lines"] = json.loads(item["ship_lines"])
        out.append(item)
    return out


def _values(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(incoming.dumps(row[name]) if index == _JSON else row[name] for index, name in enumerate(CHANNEL_NAMES))


def _create(
    account_id: int,
    platform: str,
    fresh: list[Incoming],
    catalogue: lines.Catalogue,
    actor: Actor,
    written: Written,
) -> bool:
    """Write new orders; whether lines of known ones moved into them."""
    now = clock.now()
    people = customers.identify(account_id, [item.row for item in fresh], now)
    rows = []
    ids = dict(zip((item.order.external_id for item in fresh), bulk.ids("orders_order", len(fresh)), strict=True))
    for item in fresh:
        text = incoming.merge_text(item.row)
        state = incoming.first_state(item.order)
        rows.append(
            (
                ids[item.order.external_id],
                account_id,
                platform,
                item.order.external_id,
                state,
                now,
                "order.cancel_requested" if state == states.HELD else "",
                "",
                False,
                keyed_hash(text) if text else "",
                people.get(item.row["buyer_id"]),
                incoming.tags_of(item.order),
                item.raw_id,
                now,
                now,
                1,
                *_values(item.row),
            )
        )
    bulk.insert("orders_order", _INSERT, rows)
    moved = lines.insert_lines(account_id, [(ids[item.order.external_id], item.order) for item in fresh], catalogue)
    _index(fresh, ids)
    record_many(
        actor,
        [
            (
                "order",
                ids[item.order.external_id],
                "order.imported",
                {"lines": len(item.order.lines), "total": str(item.order.grand_total), "currency": item.order.currency},
            )
            for item in fresh
        ],
    )
    joined = lines.close_combined(moved, now, actor) if moved else {}
    for item in fresh:
        order_id = ids[item.order.external_id]
        written.created.append(order_id)
        if incoming.first_state(item.order) in (states.NEW, states.PENDING) and order_id not in joined:
            written.to_route.append(order_id)
    return bool(moved)


def _index(items: list[Incoming], ids: dict[str, int]) -> None:
    rows = []
    for item in items:
        grams, text = incoming.search_of(item.row, [line.seller_sku for line in item.order.lines], [])
        rows.append((ids[item.order.external_id], grams, text))
    bulk.insert("orders_ordersearch", ("order_id", "grams", "text"), rows)


def _revise(
    account_id: int,
    pairs: list[tuple[dict[str, Any], Incoming]],
    catalogue: lines.Catalogue,
    actor: Actor,
    written: Written,
) -> None:
    """Newer revisions of known orders: fields merged, lines upserted, the workflow's answer applied."""
    # A late answer about an order that was combined into another must not pull its lines back.
    current = [
        (known, item)
        for known, item in pairs
        if item.order.updated_at >= known["channel_updated_at"] and known["state"] != states.COMBINED
    ]
    written.same += len(pairs) - len(current)
    if not current:
        return
    by_order = lines.known_lines([known["id"] for known, _ in current])
    confirmed = _told_by_us([known["id"] for known, _ in current])
    parcels = at_carrier([known["id"] for known, _ in current if known["state"] == states.FAILED])
    updates: list[tuple[Any, ...]] = []
    line_work: list[tuple[int, canonical.Order]] = []
    answers: list[tuple[dict[str, Any], incoming.Reaction]] = []
    history: list[tuple[str, int, str, dict]] = []
    now = clock.now()
    for known, item in current:
        merged = incoming.merge(known, item.row)
        changed = [name for name in CHANNEL_NAMES if merged[name] != known[name]]
        # What became of an inactive order's lines is told by the order that has them now.
        lines_changed = item.order.status != canonical.UNKNOWN and lines.differ(
            by_order.get(known["id"], {}), item.order
        )
        if not changed and not lines_changed:
            written.same += 1
            continue
        updates.append((known["id"], *_values(merged), now))
        if lines_changed:
            line_work.append((known["id"], item.order))
        real = [name for name in changed if name != "channel_updated_at"]
        ours, had = known["id"] in confirmed, by_order.get(known["id"], {})
        reaction = incoming.react(
            states.BOOKED if known["id"] in parcels else known["state"],
            status=item.order.status,
            cancel_requested=item.order.cancel_requested,
            address_changed=any(name in incoming.RECEIVER for name in real),
            lines_changed=lines_changed and lines.demand_differs(had, item.order, ours=ours),
            ours=ours,
        )
        answers.append((known, reaction))
        if real or lines_changed:
            written.changed.append(known["id"])
            fields = sorted({*real, *(["lines"] if lines_changed else [])})
            history.append(("order", known["id"], "order.revised", {"fields": fields}))
    columns = (*CHANNEL, ("updated_at", "timestamptz"))
    bulk.update("orders_order", "id", columns, updates, extra="version = t.version + 1")
    if line_work:
        moved = lines.upsert_lines(account_id, line_work, catalogue)
        if moved:
            lines.close_combined(moved, now, actor)
    record_many(actor, history)
    _apply(answers, actor, written, now)
    touched = {known["id"] for known, _ in answers}
    reindex([order_id for order_id in touched if order_id in set(written.changed)])


def _told_by_us(order_ids: list[int]) -> set[int]:
    return {
        row[0]
        for row in bulk.fetch(
            "SELECT DISTINCT order_ref FROM channels_confirmation WHERE order_ref = ANY(%s)", [order_ids]
        )
    }


def _apply(
    answers: list[tuple[dict[str, Any], incoming.Reaction]], actor: Actor, written: Written, now: datetime
) -> None:
    """Carry the reactions out: states, reservations, conflicts, events."""
    give_back = [known["id"] for known, answer in answers if answer.release]
    if give_back:
        release_many(lines.ids_of(give_back))
    other = [known["id"] for known, answer in answers if answer.release and known["state"] == states.SHORT]
    if other:  # other goods than those that it waited for: rules may hold it now
        bulk.execute("UPDATE orders_order SET reason_code = '' WHERE id = ANY(%s)", [other])
    paid = [known["id"] for known, answer in answers if answer.paid and not answer.release]
    if paid:
        make_paid(lines.ids_of(paid))
    groups: dict[tuple[str, str, str], list[int]] = {}
    history: list[tuple[str, int, str, dict]] = []
    for known, answer in answers:
        if answer.target is not None and answer.target != known["state"]:
            groups.setdefault((known["state"], answer.target, answer.reason), []).append(known["id"])
            history.append(
                ("order", known["id"], f"order.to_{answer.target}", {"from": known["state"], "why": answer.reason})
            )
        if answer.conflict and known["conflict"] != answer.conflict:
            history.append(("order", known["id"], "order.conflict", {"conflict": answer.conflict}))
        if answer.route:
            written.to_route.append(known["id"])
        if answer.ask_cancel:
            written.ask_cancel.append(known["id"])
    for (source, target, reason), ids in groups.items():
        states.move(ids, target, expected=[source], reason_code=reason)
    stay_held([known["id"] for known, answer in answers if answer.reason and answer.target is None], actor)
    conflicts = [(known["id"], answer.conflict) for known, answer in answers if answer.conflict]
    bulk.update("orders_order", "id", [("conflict", "text")], conflicts)
    record_many(actor, history)


def reindex(order_ids: list[int]) -> None:
    """Write the search rows anew from what stands in the tables (after an edit, a booking, a revision)."""
    if not order_ids:
        return
    names = ("id", "external_id", "platform", "placed_at", *incoming.PERSONAL)
    rows = _dicts(
        bulk.fetch(f"SELECT {', '.join(names)} FROM orders_order WHERE id = ANY(%s)", [order_ids]),
        names,
    )
    codes: dict[int, list[str]] = {}
    for order_id, seller_sku, code in bulk.fetch(
        "SELECT l.order_id, l.seller_sku, coalesce(s.code, '') FROM orders_orderline l"
        " LEFT JOIN inventory_sku s ON s.id = l.sku_id WHERE l.order_id = ANY(%s)",
        [order_ids],
    ):
        codes.setdefault(order_id, []).extend([seller_sku, code])
    numbers: dict[int, list[str]] = {}
    for order_id, tracking, waybill in bulk.fetch(
        "SELECT c.order_id, s.tracking_number, s.waybill FROM orders_consignment c"
        " JOIN logistics_shipment s ON s.id = c.shipment_id WHERE c.order_id = ANY(%s)",
        [order_ids],
    ):
        numbers.setdefault(order_id, []).extend([tracking, waybill])
    by_hand = [row["id"] for row in rows if row["platform"] == MANUAL]
    if by_hand:
        for order_id, reference in bulk.fetch(
            "SELECT order_id, reference FROM orders_manualorder WHERE order_id = ANY(%s)", [by_hand]
        ):
            numbers.setdefault(order_id, []).append(reference)
    out = []
    for row in rows:
        grams, text = incoming.search_of(row, codes.get(row["id"], []), list(dict.fromkeys(numbers.get(row["id"], []))))
        out.append((row["id"], grams, text))
    bulk.insert(
        "orders_ordersearch",
        ("order_id", "grams", "text"),
        out,
        conflict="(order_id) DO UPDATE SET grams = EXCLUDED.grams, text = EXCLUDED.text",
    )
