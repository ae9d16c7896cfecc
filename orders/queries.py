"""Reads of orders: tabs with kept counts, the keyset list, search, one order with all that hangs on it.

Every function takes the actor and narrows to the accounts it may see; personal fields are masked without the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.textnorm import query_grams, squash
from orders import finding, permissions, states
from orders.listed import Filter, scope
from orders.models import Order
from tenants.models import User

TABS: dict[str, tuple[str, ...]] = {
    "to_ship": states.TO_SHIP,
    "new": (states.NEW, states.PENDING),
    "attention": (states.UNMATCHED, states.ADDRESS, states.FAILED),
    "unmatched": (states.UNMATCHED,),
    "address": (states.ADDRESS,),
    "failed": (states.FAILED,),
    "held": (states.HELD,),
    "short": (states.SHORT,),
    "ready": (states.READY, states.BOOKING),
    "booked": (states.BOOKED, states.PACKED),
    "handed": (states.HANDED,),
    "delivered": (states.DELIVERED, states.RETURNED),
    "platform": (states.PLATFORM, states.ELSEWHERE),
    "cancelled": (states.CANCELLED, states.COMBINED),
    "all": states.ALL,
}
LIST = (
    "id",
    "external_id",
    "account_id",
    "account_name",
    "platform",
    "state",
    "reason_code",
    "reason_params",
    "conflict",
    "channel_status",
    "placed_at",
    "ship_by",
    "currency",
    "grand_total",
    "lines_count",
    "units",
    "first_sku",
    "first_title",
    "ship_name",
    "ship_city",
    "ship_country",
    "tags",
    "warehouse",
    "service",
    "version",
    "service_zh",
    "assignee_id",
    "noted",
)
# Names by subqueries: PostgreSQL plans them at once, where joins of four tables cost more to plan than the page to read.
_COLUMNS = (
    "o.id, o.external_id, o.account_id, coalesce((SELECT name FROM channels_account WHERE id = o.account_id), ''),"
    " o.platform, o.state, o.reason_code, o.reason_params, o.conflict, o.channel_status, o.placed_at, o.ship_by,"
    " o.currency, o.grand_total, o.lines_count, o.units, o.first_sku, o.first_title, o.ship_name, o.ship_city,"
    " o.ship_country, o.tags, (SELECT name FROM inventory_warehouse WHERE id = o.warehouse_id),"
    " (SELECT name FROM logistics_service WHERE id = o.service_id), o.version,"
    " (SELECT name_zh FROM logistics_service WHERE id = o.service_id), o.assignee_id,"
    " EXISTS (SELECT 1 FROM orders_ordernote n WHERE n.order_id = o.id)"
)
_FROM = " FROM orders_order o"


@dataclass
class Page:
    """Rows newest first. ``next``/``prev`` are keys ``<iso time>~<id>`` for ``after``/``before``; '' at the ends."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""
    prev: str = ""


def tabs(actor: Actor) -> dict[str, int]:
    """{tab: number of orders} from the kept counts; never a scan of orders."""
    actor.require(permissions.VIEW)
    where, params = "", []
    if actor.accounts is not None:
        where, params = " WHERE account_id = ANY(%s)", [sorted(actor.accounts)]
    by_state = dict(bulk.fetch(f"SELECT state, sum(n)::int FROM orders_ordercount{where} GROUP BY state", params))
    return {tab: sum(by_state.get(state, 0) for state in members) for tab, members in TABS.items()}


def key_of(row: dict[str, Any]) -> str:
    return f"{row['placed_at'].isoformat()}~{row['id']}"


def _position(key: str) -> tuple[datetime, int]:
    try:
        moment, _, number = key.partition("~")
        return datetime.fromisoformat(moment).astimezone(UTC), int(number)
    except (ValueError, OverflowError):  # the latter: a moment that is none in UTC
        raise BusinessError("list.bad_position") from None


def page(actor: Actor, chosen: Filter, *, after: str = "", before: str = "", limit: int = 50) -> Page:
    """A page of the list by keyset: as quick at any depth. ``limit`` 1 to 500."""
    actor.require(permissions.VIEW)
    limit = max(1, min(limit, 500))
    rows = _found(actor, chosen, after, before, limit + 1) if chosen.text.strip() else None
    if rows is None:
        rows = _listed(actor, chosen, after, before, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    if before:
        rows.reverse()
    out = Page([_shown(actor, row) for row in rows])
    _name_assignees(out.rows)
    if rows:
        has_next = more if not before else True
        has_prev = bool(after) if not before else more
        out.next = key_of(rows[-1]) if has_next else ""
        out.prev = key_of(rows[0]) if has_prev else ""
    return out


def _name_assignees(rows: list[dict[str, Any]]) -> None:
    """``assignee``: the name; one query, and none where nobody has anything."""
    ids = {row["assignee_id"] for row in rows if row["assignee_id"] is not None}
    found = User.objects.filter(pk__in=ids).values_list("pk", "name", "email") if ids else ()
    names = {pk: name or email for pk, name, email in found}
    for row in rows:
        row["assignee"] = names.get(row["assignee_id"], "")


def _keyset(after: str, before: str) -> tuple[str, list[Any], str]:
    if before:
        return "(o.placed_at, o.id) > (%s, %s)", list(_position(before)), "o.placed_at, o.id"
    if after:
        return "(o.placed_at, o.id) < (%s, %s)", list(_position(after)), "o.placed_at DESC, o.id DESC"
    return "", [], "o.placed_at DESC, o.id DESC"


def _listed(actor: Actor, chosen: Filter, after: str, before: str, limit: int) -> list[dict[str, Any]]:
    """Each state (and account) gives its first rows by index; the few are merged. No sort over many."""
    accounts, conditions, params = scope(actor, chosen)
    if accounts is not None and not accounts:
        return []
    key, position, order = _keyset(after, before)
    wanted = TABS.get(chosen.tab, states.TO_SHIP)
    every = len(wanted) == len(states.ALL) and accounts is None
    inner = [*conditions, *([key] if key else [])]
    values: list[Any] = []
    if every:
        where = f" WHERE {' AND '.join(inner)}" if inner else ""
        picked = f"SELECT o.id FROM orders_order o{where} ORDER BY {order} LIMIT %s"
        values = [*params, *position, limit]
    else:
        inner.insert(0, "o.state = g.state")
        source = "unnest(%s::varchar[]) AS g(state)"
        values.append(list(wanted))
        if accounts is not None:
            inner.insert(0, "o.account_id = h.account_id")
            source += ", unnest(%s::bigint[]) AS h(account_id)"
            values.append(accounts)
        picked = (
            f"SELECT x.id FROM {source}, LATERAL (SELECT o.id, o.placed_at FROM orders_order o"
            f" WHERE {' AND '.join(inner)} ORDER BY {order} LIMIT %s) x ORDER BY {order.replace('o.', 'x.')} LIMIT %s"
        )
        values += [*params, *position, limit, limit]
    sql = f"SELECT {_COLUMNS}{_FROM} WHERE o.id = ANY(ARRAY({picked})) ORDER BY {order} LIMIT %s"
    return [dict(zip(LIST, row, strict=True)) for row in bulk.fetch(sql, [*values, limit])]


# A word of the search in what is not personal.
_IN_PLAIN = (
    "(lower(o.external_id) LIKE %s"
    " OR EXISTS (SELECT 1 FROM orders_orderline l LEFT JOIN inventory_sku k ON k.id = l.sku_id"
    " WHERE l.order_id = o.id AND (lower(l.seller_sku) LIKE %s OR lower(k.code) LIKE %s))"
    " OR EXISTS (SELECT 1 FROM orders_consignment c JOIN logistics_shipment p ON p.id = c.shipment_id"
    " WHERE c.order_id = o.id AND (lower(p.tracking_number) LIKE %s OR lower(p.waybill) LIKE %s)))"
)


def _found(actor: Actor, chosen: Filter, after: str, before: str, limit: int) -> list[dict[str, Any]]:
    """Search by receiver, phone, order and tracking number, SKU: grams narrow, the text decides; newest months first."""
    text = chosen.text.strip()
    accounts, conditions, params = scope(actor, chosen)
    if accounts is not None:
        conditions.append("o.account_id = ANY(%s)")
        params.append(accounts)
    number = text.upper().removeprefix("S-")
    by_number = text.upper().startswith("S-") and number.isdecimal()
    if by_number:
        conditions.append("o.id = %s")
        params.append(int(number))
    else:
        words = [word for word in squash(text).split() if word]
        if not actor.can(SEE_PERSONAL):  # whether there is such a buyer is personal too
            conditions += [_IN_PLAIN] * len(words)
            params += [f"%{_like(word)}%" for word in words for _ in range(_IN_PLAIN.count("%s"))]
    if chosen.tab != "all":
        conditions.append("o.state = ANY(%s)")
        params.append(list(TABS.get(chosen.tab, states.TO_SHIP)))
    key, position, order = _keyset(after, before)
    if key:
        conditions.append(key)
        params += position
    if by_number:
        return _rows(conditions, params, order, limit)
    found = f"SELECT order_id FROM orders_ordersearch WHERE grams @> %s::int[]{' AND text LIKE %s' * len(words)}"
    given: list[Any] = [query_grams(text), *(f"%{_like(word)}%" for word in words)]
    ends = {"before" if before else "after": position[0]} if position else {}
    span: int | None = finding.SPAN
    for _ in range(2):
        if span is None:
            break
        within = f"o.id IN ({found} AND grams && %s::int[])"
        months = list(finding.marks(span, clock.now(), **ends))
        rows = _rows([within, *conditions], [*given, months, *params], order, limit)
        if len(rows) == limit:
            return rows
        span = finding.wider(span, len(rows), limit)
    return _rows([f"o.id IN ({found})", *conditions], [*given, *params], order, limit)


def _rows(conditions: Sequence[str], params: Sequence[Any], order: str, limit: int) -> list[dict[str, Any]]:
    sql = f"SELECT {_COLUMNS}{_FROM} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT %s"
    return [dict(zip(LIST, row, strict=True)) for row in bulk.fetch(sql, [*params, limit])]


def _like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _shown(actor: Actor, row: dict[str, Any]) -> dict[str, Any]:
    import json

    if isinstance(row["reason_params"], str):
        row["reason_params"] = json.loads(row["reason_params"])
    row["number"] = f"S-{row['id']}"
    if not actor.can(SEE_PERSONAL):
        row["ship_name"] = mask(row["ship_name"])
        row["ship_city"] = ""
    return row


def mask(text: str) -> str:
    """First letter and dots: enough to tell two rows apart, not enough to know anybody."""
    return f"{text[0]}•••" if text else ""


def matching_ids(actor: Actor, chosen: Filter, *, limit: int = 100_000) -> list[int]:
    """Ids of everything in the view, for a bulk act over the whole result."""
    ids: list[int] = []
    after = ""
    while len(ids) < limit:
        found = page(actor, chosen, after=after, limit=500)
        ids += [row["id"] for row in found.rows]
        if not found.next:
            break
        after = found.next
    return ids[:limit]


def get(actor: Actor, order_id: int) -> Order:
    """One order; raises BusinessError ``order.not_found`` outside the actor's scope too."""
    actor.require(permissions.VIEW)
    order = (
        Order.objects.select_related("account", "warehouse", "service", "customer", "combined_into")
        .filter(pk=order_id)
        .first()
    )
    if order is None or not actor.sees_account(order.account_id) or not actor.sees_warehouse(order.warehouse_id):
        raise BusinessError("order.not_found")
    return order


def lines_of(order_id: int) -> list[dict[str, Any]]:
    """Lines with SKU and what is reserved for them where. ``to_send``: sold pieces that are sent (not cancelled, not kept
    back by a person), ``units`` of the SKU in them; ``own``: no marketplace knows of the line; ``free``: units of the SKU
    that nobody has reserved."""
    names = (
        "id",
        "external_line_id",
        "seller_sku",
        "title",
        "sku_id",
        "sku_code",
        "sku_title",
        "sku_title_zh",
        "weight_g",
        "quantity",
        "cancelled",
        "shipped",
        "units",
        "unit_price",
        "line_total",
        "reserved",
        "warehouse",
        "listing_id",
        "to_send",
        "own",
        "edited",
        "sku_was",
        "free",
    )
    rows = bulk.fetch(
        "SELECT l.id, l.external_line_id, l.seller_sku, l.title, l.sku_id, s.code, s.title, s.title_zh, s.weight_g,"
        " l.quantity, l.cancelled, l.shipped, l.units, l.unit_price, l.line_total, r.quantity, w.name, g.id,"
        " least(l.quantity - l.cancelled, coalesce(e.most, l.quantity)), l.account_id IS NULL, e.line_id IS NOT NULL,"
        " (SELECT code FROM inventory_sku WHERE id = e.sku_was_id AND id <> l.sku_id),"
        " (SELECT sum(k.sellable - k.reserved)::int FROM inventory_stock k WHERE k.sku_id = l.sku_id)"
        " FROM orders_orderline l LEFT JOIN inventory_sku s ON s.id = l.sku_id"
        " LEFT JOIN inventory_reservation r ON r.owner_kind = 'order_line' AND r.owner_id = l.id AND r.closed_at IS NULL"
        " LEFT JOIN inventory_warehouse w ON w.id = r.warehouse_id"
        " LEFT JOIN channels_listing g ON g.account_id = l.account_id AND g.seller_sku = l.seller_sku"
        " LEFT JOIN orders_lineedit e ON e.line_id = l.id"
        " WHERE l.order_id = %s ORDER BY l.id",
        [order_id],
    )
    out = [dict(zip(names, row, strict=True)) for row in rows]
    for line in out:
        line["per_piece"] = line["units"] // line["quantity"]
        line["units"] = line["to_send"] * line["per_piece"]  # that are sent
        line["kept_back"] = line["quantity"] - line["cancelled"] - line["to_send"]
    return out


def neighbours(actor: Actor, chosen: Filter, order: Order) -> tuple[int | None, int | None]:
    """(previous, next) order of the list one came from."""
    key = key_of({"placed_at": order.placed_at, "id": order.pk})
    newer = page(actor, chosen, before=key, limit=1).rows
    older = page(actor, chosen, after=key, limit=1).rows
    return (newer[0]["id"] if newer else None), (older[0]["id"] if older else None)


def history(order_id: int, *, limit: int = 200) -> list[dict[str, Any]]:
    """Audit entries of the order, newest first: codes and parameters for the page to put into words."""
    import json

    rows = bulk.fetch(
        "SELECT id, at, actor_kind, actor_label, code, params FROM records_auditentry"
        " WHERE kind = 'order' AND object_id = %s ORDER BY id DESC LIMIT %s",
        [order_id, limit],
    )
    names = ("id", "at", "actor_kind", "actor_label", "code", "params")
    out = [dict(zip(names, row, strict=True)) for row in rows]
    for entry in out:
        if isinstance(entry["params"], str):
            entry["params"] = json.loads(entry["params"])
    return out


def tracking_numbers(order_ids: Sequence[int]) -> dict[int, list[str]]:
    out: dict[int, list[str]] = {}
    for order_id, number in bulk.fetch(
        "SELECT c.order_id, s.tracking_number FROM orders_consignment c JOIN logistics_shipment s ON s.id = c.shipment_id"
        " WHERE c.order_id = ANY(%s) AND s.tracking_number <> '' ORDER BY c.id",
        [list(order_ids)],
    ):
        out.setdefault(order_id, []).append(number)
    return out
