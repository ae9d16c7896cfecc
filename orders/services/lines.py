"""Order lines in bulk: matching them to SKUs, writing them, and following a line that moves to another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels import canonical, finding
from channels.services import confirm
from core import bulk, clock
from core.audit import record_many
from core.permissions import Actor
from inventory.codes import code_key
from orders import states
from orders.incoming import clean

COLUMNS = (
    "order_id",
    "account_id",
    "external_line_id",
    "seller_sku",
    "external_item_id",
    "title",
    "sku_id",
    "quantity",
    "cancelled",
    "shipped",
    "units",
    "unit_price",
    "line_total",
    "tax",
    "discount",
)


@dataclass
class Catalogue:
    """{seller SKU: (sku id or None, units per sold piece)} of one account."""

    known: dict[str, tuple[int | None, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """A line that came under another order id: eBay's combined orders."""

    line_id: int
    old_order: int
    new_order: int


def match_listings(account_id: int, lines: Iterable[canonical.Line]) -> Catalogue:
    """Look the seller SKUs up; unknown ones become listings, matched by code where exactly one active SKU has it."""
    wanted: dict[str, canonical.Line] = {}
    for line in lines:
        wanted.setdefault(clean(line.seller_sku, 120), line)
    catalogue = Catalogue()
    for seller_sku, sku_id, units in bulk.fetch(
        "SELECT seller_sku, sku_id, units FROM channels_listing WHERE account_id = %s AND seller_sku = ANY(%s)",
        [account_id, list(wanted)],
    ):
        catalogue.known[seller_sku] = (sku_id, units)
    unknown = {name: line for name, line in wanted.items() if name not in catalogue.known}
    if unknown:
        _make_listings(account_id, unknown, catalogue)
    return catalogue


def _make_listings(account_id: int, unknown: dict[str, canonical.Line], catalogue: Catalogue) -> None:
    # A discontinued SKU is never linked by itself (Req. 70): only active ones match by code.
    by_key = dict(
        bulk.fetch(
            "SELECT code_key, id FROM inventory_sku WHERE state = 'active' AND code_key = ANY(%s)",
            [[code_key(name) for name in unknown if name]],
        )
    )
    now = clock.now()
    rows = []
    for name, line in unknown.items():
        sku_id = by_key.get(code_key(name)) if name else None
        catalogue.known[name] = (sku_id, 1)
        rows.append(
            (
                account_id,
                name,
                clean(line.external_item_id, 120),
                "",
                clean(line.title, 300),
                sku_id,
                1,
                "code" if sku_id else "",
                False,
                finding.grams_of(name, clean(line.external_item_id, 120), clean(line.title, 300)),
                now,
            )
        )
    bulk.insert(
        "channels_listing",
        (
            "account_id",
            "seller_sku",
            "external_id",
            "variation",
            "title",
            "sku_id",
            "units",
            "matched_by",
            "platform_fulfilled",
            "grams",
            "seen_at",
        ),
        rows,
        conflict="(account_id, seller_sku) DO NOTHING",
    )


def _row(account_id: int, order_id: int, line: canonical.Line, catalogue: Catalogue) -> tuple[Any, ...]:
    seller_sku = clean(line.seller_sku, 120)
    sku_id, per_piece = catalogue.known.get(seller_sku, (None, 1))
    return (
        order_id,
        account_id,
        line.external_line_id,
        seller_sku,
        clean(line.external_item_id, 120),
        clean(line.title, 300),
        sku_id,
        line.quantity,
        min(line.cancelled, line.quantity),
        min(line.shipped, line.quantity),
        line.quantity * per_piece,
        line.unit_price,
        line.line_total,
        line.tax,
        line.discount,
    )


def insert_lines(account_id: int, pairs: Sequence[tuple[int, canonical.Order]], catalogue: Catalogue) -> list[Moved]:
    """Write the lines of new orders. A line id known under another order moves here with all that hangs on it."""
    rows = [_row(account_id, order_id, line, catalogue) for order_id, order in pairs for line in order.lines]
    # The caller holds the account's ingest lock, so what is not there now will not be there at the COPY either.
    there = {
        row[0]
        for row in bulk.fetch(
            "SELECT external_line_id FROM orders_orderline WHERE account_id = %s AND external_line_id = ANY(%s)",
            [account_id, [row[2] for row in rows]],
        )
    }
    bulk.insert("orders_orderline", COLUMNS, [row for row in rows if row[2] not in there])
    left = [row for row in rows if row[2] in there]
    if not left:
        return []
    olds = bulk.fetch(
        "SELECT DISTINCT order_id FROM orders_orderline WHERE account_id = %s AND external_line_id = ANY(%s)",
        [account_id, [row[2] for row in left]],
    )
    _hold_orders({row[0] for row in olds})
    return _move_lines(account_id, left)


def _hold_orders(order_ids: set[int]) -> None:
    """Before their lines are locked: whoever edits an order has it first and its lines afterwards."""
    if order_ids:
        bulk.execute("SELECT 1 FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [sorted(order_ids)])


def _move_lines(account_id: int, rows: list[tuple[Any, ...]]) -> list[Moved]:
    there = {
        external: (line_id, order_id, shipped)
        for external, line_id, order_id, shipped in bulk.fetch(
            "SELECT external_line_id, id, order_id, shipped FROM orders_orderline"
            " WHERE account_id = %s AND external_line_id = ANY(%s) ORDER BY id FOR UPDATE",
            [account_id, [row[2] for row in rows]],
        )
    }

    def gone(row: tuple[Any, ...]) -> int:
        """What we sent stays sent, even before the platform has heard of it."""
        return int(min(row[7], max(row[9], there[row[2]][2])))

    moved = [Moved(there[row[2]][0], there[row[2]][1], row[0]) for row in rows if there[row[2]][1] != row[0]]
    bulk.update(
        "orders_orderline",
        "id",
        [
            ("order_id", "bigint"),
            ("quantity", "int"),
            ("cancelled", "int"),
            ("shipped", "int"),
            ("unit_price", "numeric"),
            ("line_total", "numeric"),
            ("tax", "numeric"),
            ("discount", "numeric"),
        ],
        [(there[row[2]][0], row[0], row[7], row[8], gone(row), row[11], row[12], row[13], row[14]) for row in rows],
    )
    return moved


def close_combined(moved: Sequence[Moved], now: datetime, actor: Actor) -> dict[int, int]:
    """Orders whose lines all went elsewhere close as *combined into*; their consignments follow the lines.

    Returns {new order: its state as an old parcel gives it} for new orders whose every line already has a parcel: they
    take the least advanced state of the old ones instead of being routed again.
    """
    olds = sorted({item.old_order for item in moved})
    targets = {item.old_order: item.new_order for item in moved}
    _take_own_lines_along(targets)
    rows = bulk.fetch(
        "SELECT o.id, o.state, EXISTS (SELECT 1 FROM orders_orderline l WHERE l.order_id = o.id)"
        " FROM orders_order o WHERE o.id = ANY(%s) ORDER BY o.id FOR UPDATE",
        [olds],
    )
    empty = {order_id: state for order_id, state, has_lines in rows if not has_lines}
    names = dict(
        bulk.fetch("SELECT id, external_id FROM orders_order WHERE id = ANY(%s)", [sorted(set(targets.values()))])
    )
    history = []
    carried: dict[int, list[str]] = {}
    for order_id, state in empty.items():
        target = targets[order_id]
        bulk.execute("UPDATE orders_consignment SET order_id = %s WHERE order_id = %s", [target, order_id])
        confirm.follow(order_ref=order_id, into=target, external_id=names[target])
        history.append(("order", order_id, "order.combined", {"into": target, "from": state}))
        history.append(("order", target, "order.combined_from", {"order": order_id}))
        if state in states.IN_FLIGHT or state in states.GONE:
            carried.setdefault(target, []).append(state)
    bulk.update(
        "orders_order",
        "id",
        [("state", "text"), ("state_at", "timestamptz"), ("combined_into_id", "bigint")],
        [(order_id, states.COMBINED, now, targets[order_id]) for order_id in empty],
    )
    record_many(actor, history)
    return _carry(carried, now)


def _take_own_lines_along(targets: dict[int, int]) -> None:
    """Lines that persons added (a gift) go where the marketplace's lines of their order all went."""
    olds, news = bulk.columns(targets.items()) if targets else ([], [])
    bulk.execute(
        "UPDATE orders_orderline l SET order_id = t.new FROM unnest(%s::bigint[], %s::bigint[]) AS t(old, new)"
        " WHERE l.order_id = t.old AND l.account_id IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM orders_orderline x WHERE x.order_id = t.old AND x.account_id IS NOT NULL)",
        [olds, news],
    )


def _carry(carried: dict[int, list[str]], now: datetime) -> dict[int, int]:
    """New orders that are wholly covered by parcels of the old ones stand where the slowest of those stood."""
    if not carried:
        return {}
    progress = (states.BOOKING, states.BOOKED, states.PACKED, states.HANDED, states.DELIVERED, states.RETURNED)
    uncovered = {
        row[0]
        for row in bulk.fetch(
            "SELECT DISTINCT l.order_id FROM orders_orderline l WHERE l.order_id = ANY(%s) AND NOT EXISTS"
            " (SELECT 1 FROM orders_consignmentline c JOIN orders_consignment k ON k.id = c.consignment_id"
            "  WHERE c.line_id = l.id AND k.state = 'open')",
            [list(carried)],
        )
    }
    whole = {order: min(found, key=progress.index) for order, found in carried.items() if order not in uncovered}
    bulk.update(
        "orders_order",
        "id",
        [("state", "text"), ("state_at", "timestamptz")],
        [(order, state, now) for order, state in whole.items()],
    )
    return dict.fromkeys(whole, 1)


def known_lines(order_ids: Sequence[int]) -> dict[int, dict[str, tuple[Any, ...]]]:
    """{order: {external line id: (quantity, cancelled, shipped, unit price, line total, tax, discount)}}, of the lines
    that the marketplace knows."""
    out: dict[int, dict[str, tuple[Any, ...]]] = {}
    for order_id, external, *figures in bulk.fetch(
        "SELECT order_id, external_line_id, quantity, cancelled, shipped, unit_price, line_total, tax, discount"
        " FROM orders_orderline WHERE order_id = ANY(%s) AND account_id IS NOT NULL",
        [list(order_ids)],
    ):
        out.setdefault(order_id, {})[external] = tuple(figures)
    return out


_NO_LINE = (0, 0, 0)


def differ(known: dict[str, tuple[Any, ...]], order: canonical.Order) -> bool:
    told = {
        line.external_line_id: (
            line.quantity,
            min(line.cancelled, line.quantity),
            min(max(line.shipped, known.get(line.external_line_id, _NO_LINE)[2]), line.quantity),
            line.unit_price,
            line.line_total,
            line.tax,
            line.discount,
        )
        for line in order.lines
    }
    return told != known


def demand_differs(known: dict[str, tuple[Any, ...]], order: canonical.Order, *, ours: bool = False) -> bool:
    """True when the pieces to send changed, not only prices. What was sent without our knowing is not to be sent again;
    ``ours``: the marketplace says what we told it, perhaps before the parcel is handed over."""
    told, known_now = {}, {name: figures[0] - figures[1] for name, figures in known.items()}
    for line in order.lines:
        sent = 0 if ours else max(0, line.shipped - known.get(line.external_line_id, _NO_LINE)[2])
        told[line.external_line_id] = max(0, line.quantity - min(line.cancelled, line.quantity) - sent)
    return {k: n for k, n in told.items() if n} != {k: n for k, n in known_now.items() if n}


def upsert_lines(account_id: int, pairs: Sequence[tuple[int, canonical.Order]], catalogue: Catalogue) -> list[Moved]:
    """Lines of newer revisions: known ones take the new figures, new ones are added, vanished ones count as cancelled.

    What a person said about a line (its SKU, units a piece) stays; lines that persons added are none of this.
    """
    rows = [_row(account_id, order_id, line, catalogue) for order_id, order in pairs for line in order.lines]
    names = [(order_id, line.external_line_id) for order_id, order in pairs for line in order.lines]
    moved: list[Moved] = []
    there = {
        external: (line_id, order_id)
        for external, line_id, order_id in bulk.fetch(
            "SELECT external_line_id, id, order_id FROM orders_orderline"
            " WHERE account_id = %s AND external_line_id = ANY(%s) ORDER BY id",
            [account_id, [row[2] for row in rows]],
        )
    }
    new = [row for row in rows if row[2] not in there]
    if new:
        bulk.insert("orders_orderline", COLUMNS, new)
    changed = [row for row in rows if row[2] in there]
    if changed:
        _hold_orders({order_id for _, order_id in there.values()} - {order_id for order_id, _ in pairs})
        moved = _move_lines(account_id, changed)
        bulk.execute(
            "UPDATE orders_orderline l SET units = l.quantity * coalesce("
            "(SELECT e.per_piece FROM orders_lineedit e WHERE e.line_id = l.id), g.units, 1) FROM channels_listing g"
            " WHERE l.account_id = %s AND l.external_line_id = ANY(%s)"
            " AND g.account_id = l.account_id AND g.seller_sku = l.seller_sku",
            [account_id, [row[2] for row in changed]],
        )
    orders, externals = bulk.columns(names)
    bulk.execute(
        "UPDATE orders_orderline SET cancelled = quantity"
        " WHERE order_id = ANY(%s) AND external_line_id <> ALL(%s) AND account_id IS NOT NULL",
        [list(set(orders)), externals],
    )
    return moved


def ids_of(order_ids: Sequence[int]) -> list[int]:
    return [row[0] for row in bulk.fetch("SELECT id FROM orders_orderline WHERE order_id = ANY(%s)", [list(order_ids)])]
