"""Reads of the inbox: who waits, by deadline; one conversation with its order beside it; counts.

Every function takes the actor and narrows to the accounts it may see; without the right to personal fields the buyer's
name and words are masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.personal import log_read
from crm import permissions
from crm.models import NEVER, MessageTemplate
from crm.services import attachments
from orders.queries import mask

TABS = ("open", "overdue", "near", "mine", "unassigned", "failed", "answered", "closed", "all")
BY_DEADLINE = ("open", "overdue", "near", "mine", "unassigned")
SOON = timedelta(hours=4)
NEAR = timedelta(hours=6)  # of the deadline: what Today names before it is too late
DUE, LAST = f"coalesce(c.answer_by, '{NEVER.isoformat()}')", "c.last_at"  # as the indexes have them
FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # behind an answered one comes the most urgent
LONGEST_THREAD = 500

_LIST = (
    "id account_id account platform buyer_id buyer_name subject state waiting_since answer_by last_at messages_count"
    " assignee_id order_id order_external_id order_state preview preview_direction under_way failed"
).split()
_SELECT = """
    SELECT c.id, c.account_id, a.name, a.platform, c.buyer_id, c.buyer_name, c.subject, c.state, c.waiting_since,
           c.answer_by, c.last_at, c.messages_count, c.assignee_id, c.order_id, o.external_id, o.state,
           left(m.body, 200), m.direction, w.under_way, w.failed
      FROM crm_conversation c
      JOIN channels_account a ON a.id = c.account_id
      LEFT JOIN orders_order o ON o.id = c.order_id
      LEFT JOIN LATERAL (SELECT body, direction FROM crm_message x WHERE x.conversation_id = c.id
                            AND x.direction <> 'note' ORDER BY x.at DESC, x.id DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT bool_or(x.next_at IS NOT NULL) AS under_way, bool_or(x.state = 'failed') AS failed
                           FROM crm_message x WHERE x.conversation_id = c.id AND x.direction = 'out') w ON true
"""


@dataclass(frozen=True)
class Filter:
    """``tab``: open (waiting, nearest deadline first), overdue, near (its deadline), mine, failed, answered, closed,
    all (newest first).
    """

    tab: str = "open"
    accounts: tuple[int, ...] = ()
    platforms: tuple[str, ...] = ()
    text: str = ""
    assignees: tuple[int, ...] = ()
    orders: tuple[str, ...] = ()  # with, without


@dataclass
class Page:
    """``next``: key for ``after``, '' at the end."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""


def inbox(actor: Actor, chosen: Filter, *, after: str = "", limit: int = 50) -> Page:
    """A page of conversations by keyset. ``limit`` 1 to 200. Raises NotAllowed, BusinessError ``list.bad_position``."""
    actor.require(permissions.VIEW)
    limit = max(1, min(limit, 200))
    conditions, params = _conditions(actor, chosen)
    column, order, sign = (
        (DUE, f"{DUE}, c.id", ">") if chosen.tab in BY_DEADLINE else (LAST, f"{LAST} DESC, c.id DESC", "<")
    )
    if after:
        conditions.append(f"({column}, c.id) {sign} (%s, %s)")
        params += _position(after)
    rows = _rows(conditions, params, order, limit + 1)
    page = Page([_shown(actor, row) for row in rows[:limit]])
    if len(rows) > limit:
        last = page.rows[-1]
        at = (last["answer_by"] or NEVER) if chosen.tab in BY_DEADLINE else last["last_at"]
        page.next = f"{at.isoformat()}~{last['id']}"
    return page


def _rows(conditions: list[str], params: list[Any], order: str, limit: int) -> list[dict[str, Any]]:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    ids = f"SELECT c.id FROM crm_conversation c{where} ORDER BY {order} LIMIT %s"
    sql = f"{_SELECT} WHERE c.id IN ({ids}) ORDER BY {order}"
    return [dict(zip(_LIST, row, strict=True)) for row in bulk.fetch(sql, [*params, limit])]


def _position(key: str) -> list[Any]:
    try:
        moment, _, number = key.partition("~")
        return [datetime.fromisoformat(moment).astimezone(UTC), int(number)]
    except (ValueError, OverflowError):  # the latter: a moment that is none in UTC
        raise BusinessError("list.bad_position") from None


def _conditions(actor: Actor, chosen: Filter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    accounts = set(chosen.accounts) or None
    if actor.accounts is not None:
        accounts = (accounts or set(actor.accounts)) & actor.accounts
    if accounts is not None:
        conditions.append("c.account_id = ANY(%s)")
        params.append(sorted(accounts))
    if chosen.platforms:
        conditions.append("c.account_id IN (SELECT id FROM channels_account WHERE platform = ANY(%s))")
        params.append(list(chosen.platforms))
    if chosen.assignees:
        conditions.append("c.assignee_id = ANY(%s)")
        params.append(list(chosen.assignees))
    if set(chosen.orders) == {"with"}:
        conditions.append("c.order_id IS NOT NULL")
    elif set(chosen.orders) == {"without"}:
        conditions.append("c.order_id IS NULL")
    if chosen.text:
        _search(actor, chosen.text, conditions, params)
    match chosen.tab:
        case "open" | "overdue" | "near" | "mine" | "unassigned":
            conditions.append("c.state = 'open'")
            if chosen.tab == "overdue":
                conditions.append(f"{DUE} < %s")
                params.append(clock.now())
            elif chosen.tab == "near":
                conditions.append(f"{DUE} >= %s AND {DUE} < %s")
                params += [clock.now(), clock.now() + NEAR]
            elif chosen.tab == "mine":
                conditions.append("c.assignee_id = %s")
                params.append(actor.id)
            elif chosen.tab == "unassigned":
                conditions.append("c.assignee_id IS NULL")
        case "answered" | "closed":
            conditions.append("c.state = %s")
            params.append(chosen.tab)
        case "failed":
            conditions.append("c.id IN (SELECT conversation_id FROM crm_message WHERE state = 'failed')")
    return conditions, params


def _search(actor: Actor, text: str, conditions: list[str], params: list[Any]) -> None:
    """By order number (ours or the marketplace's) and item; by buyer and subject for those who may see them."""
    words = text.strip()[:100]
    like = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    own = re.fullmatch(r"[Ss]-?(\d{1,18})", words)
    either = ["c.order_external_id = %s", "c.item_ref = %s", "c.order_id = %s",
              "c.order_id IN (SELECT id FROM orders_order WHERE external_id = %s)"]  # fmt: skip
    params += [words, words, int(own[1]) if own else None, words]
    if actor.can(SEE_PERSONAL):
        either += ["c.buyer_id ILIKE %s", "c.buyer_name ILIKE %s", "c.subject ILIKE %s"]
        params += [like, like, like]
    conditions.append(f"({' OR '.join(either)})")


def ids(actor: Actor, chosen: Filter, limit: int) -> list[int]:
    """All conversations of a view, for an act on many."""
    actor.require(permissions.VIEW)
    conditions, params = _conditions(actor, chosen)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return [
        row[0]
        for row in bulk.fetch(f"SELECT c.id FROM crm_conversation c{where} ORDER BY c.id LIMIT %s", [*params, limit])
    ]


def neighbours(actor: Actor, chosen: Filter, row: dict[str, Any]) -> tuple[int | None, int | None]:
    """(previous, next) conversation in the list one came from, also when this one has left it meanwhile. One query."""
    conditions, params = _conditions(actor, chosen)
    if chosen.tab in BY_DEADLINE:
        here = row["answer_by"] or (NEVER if row["state"] == "open" else FIRST)
        column, signs = DUE, (("<", "DESC"), (">", "ASC"))
    else:
        here, column, signs = row["last_at"], LAST, ((">", "ASC"), ("<", "DESC"))
    order = f"{column} {{0}}, c.id {{0}}"
    parts, values = [], []
    for sign, way in signs:
        where = " AND ".join([*conditions, f"({column}, c.id) {sign} (%s, %s)"])
        parts.append(f"(SELECT c.id FROM crm_conversation c WHERE {where} ORDER BY {order.format(way)} LIMIT 1)")
        values += [*params, here, row["id"]]
    before, after = bulk.fetch(f"SELECT {', '.join(parts)}", values)[0]
    return before, after


def _shown(actor: Actor, row: dict[str, Any]) -> dict[str, Any]:
    row["under_way"], row["failed"] = bool(row["under_way"]), bool(row["failed"])
    row["order_number"] = f"S-{row['order_id']}" if row["order_id"] else ""
    row["urgency"] = urgency(row["answer_by"])
    if not actor.can(SEE_PERSONAL):
        for name in ("buyer_id", "buyer_name", "subject", "preview"):
            row[name] = mask(row[name] or "")
    return row


def urgency(answer_by: datetime | None) -> str:
    """late, now (within hours), soon; '' where nothing waits."""
    if answer_by is None:
        return ""
    left = answer_by - clock.now()
    return "late" if left < timedelta(0) else "now" if left < SOON else "soon"


def counts(actor: Actor) -> dict[str, int]:
    """{tab: how many} of the tabs that ask for a person: open, overdue, near, mine, unassigned, failed. Two index scans."""
    actor.require(permissions.VIEW)
    scope, params = _conditions(actor, Filter("all"))
    where = "".join(f" AND {condition}" for condition in scope)
    now = clock.now()
    row = bulk.fetch(
        "SELECT count(*), count(*) FILTER (WHERE c.answer_by < %s),"
        " count(*) FILTER (WHERE c.answer_by >= %s AND c.answer_by < %s),"
        " count(*) FILTER (WHERE c.assignee_id = %s), count(*) FILTER (WHERE c.assignee_id IS NULL)"
        f" FROM crm_conversation c WHERE c.state = 'open'{where}",
        [now, now, now + NEAR, actor.id, *params],
    )[0]
    failed = bulk.fetch(
        "SELECT count(DISTINCT c.conversation_id) FROM crm_message c WHERE c.state = 'failed'" + where, params
    )[0][0]
    return dict(zip(("open", "overdue", "near", "mine", "unassigned", "failed"), (*row, failed), strict=True))


def nearest(actor: Actor) -> tuple[datetime | None, datetime | None]:
    """Since when the longest waiting one waits, (of those past their deadline, of those near it). One range of an index."""
    actor.require(permissions.VIEW)
    scope, params = _conditions(actor, Filter("all"))
    where = "".join(f" AND {condition}" for condition in scope)
    now = clock.now()
    late, near = bulk.fetch(
        "SELECT min(c.waiting_since) FILTER (WHERE c.answer_by < %s),"
        " min(c.waiting_since) FILTER (WHERE c.answer_by >= %s)"
        f" FROM crm_conversation c WHERE c.state = 'open' AND {DUE} < %s{where}",
        [now, now, now + NEAR, *params],
    )[0]
    return late, near


@dataclass
class Thread:
    """A conversation with everything beside it. ``seen``: hand it back with the answer's form.

    ``pending``: the answer that is under way, so that nobody writes a second one.
    """

    conversation: dict[str, Any]
    messages: list[dict[str, Any]]
    order: dict[str, Any] | None
    lines: list[dict[str, Any]]
    shipments: list[dict[str, Any]]
    other_orders: list[dict[str, Any]]
    pending: dict[str, Any] | None
    seen: int


def thread(actor: Actor, conversation_id: int) -> Thread:
    """Raises BusinessError ``conversation.not_found`` outside the actor's scope too. That a person read it is logged."""
    actor.require(permissions.VIEW)
    row = get(actor, conversation_id)
    names = "id direction external_id body at state attempts error_code error_params actor_label".split()
    found = bulk.fetch(
        f"SELECT {', '.join(names)} FROM crm_message WHERE conversation_id = %s ORDER BY at DESC, id DESC LIMIT %s",
        [conversation_id, LONGEST_THREAD],
    )
    messages = [dict(zip(names, one, strict=True)) for one in reversed(found)]
    see = actor.can(SEE_PERSONAL)
    if see and actor.kind != "system":
        log_read(actor, "conversation", conversation_id, "messages", always=False)
    for one in messages:
        if isinstance(one["error_params"], str):
            one["error_params"] = json.loads(one["error_params"])
        if not see:
            one["body"] = mask(one["body"])
    kept = attachments.of([one["id"] for one in messages]) if see else {}
    for one in messages:
        one["files"] = kept.get(one["id"], [])
    pending = next((one for one in messages if one["state"] in ("queued", "sending", "unknown")), None)
    orders = _orders(actor, row)
    order = next((one for one in orders if one["id"] == row["order_id"]), None)
    others = [one for one in orders if one["id"] != row["order_id"]]
    lines, shipments = _beside(row["order_id"]) if order else ([], [])
    seen = max((one["id"] for one in messages), default=0)
    return Thread(row, messages, order, lines, shipments, others, pending, seen)


def get(actor: Actor, conversation_id: int) -> dict[str, Any]:
    """One row of the inbox."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(f"{_SELECT} WHERE c.id = %s", [conversation_id])
    if not rows or not actor.sees_account(rows[0][1]):
        raise BusinessError("conversation.not_found")
    return _shown(actor, dict(zip(_LIST, rows[0], strict=True)))


_ORDER = (
    "id external_id state channel_status placed_at ship_by currency grand_total ship_name ship_city ship_country"
    " reason_code reason_params conflict"
).split()


def _orders(actor: Actor, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation's order and the latest others of the same buyer at the same account, of the actor's warehouses."""
    mine = "" if actor.warehouses is None else " AND (o.warehouse_id IS NULL OR o.warehouse_id = ANY(%s))"
    scope = [] if actor.warehouses is None else [sorted(actor.warehouses)]
    columns = ", ".join(f"o.{name}" for name in _ORDER)
    rows = bulk.fetch(
        f"""
        (SELECT {columns} FROM orders_order o WHERE o.id = %s{mine})
        UNION
        (SELECT {columns} FROM crm_conversation c JOIN orders_order o ON o.customer_id = c.customer_id
          WHERE c.id = %s AND o.account_id = c.account_id{mine} ORDER BY o.placed_at DESC LIMIT 6)
        """,
        [row["order_id"], *scope, row["id"], *scope],
    )
    found = [dict(zip(_ORDER, one, strict=True)) for one in rows]
    for one in found:
        one["number"] = f"S-{one['id']}"
        if isinstance(one["reason_params"], str):
            one["reason_params"] = json.loads(one["reason_params"])
        if not actor.can(SEE_PERSONAL):
            one["ship_name"], one["ship_city"] = mask(one["ship_name"]), ""
    return sorted(found, key=lambda one: one["placed_at"], reverse=True)


def _beside(order_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    lines = bulk.fetch(
        "SELECT l.seller_sku, l.title, l.quantity, l.cancelled, l.line_total, s.code FROM orders_orderline l"
        " LEFT JOIN inventory_sku s ON s.id = l.sku_id WHERE l.order_id = %s ORDER BY l.id",
        [order_id],
    )
    shipments = bulk.fetch(
        "SELECT s.state, s.tracking_number, s.waybill, s.track_main, s.track_at, v.name, s.id FROM orders_consignment c"
        " JOIN logistics_shipment s ON s.id = c.shipment_id JOIN logistics_service v ON v.id = s.service_id"
        " WHERE c.order_id = %s ORDER BY c.id",
        [order_id],
    )
    return (
        _dicts("seller_sku title quantity cancelled line_total sku", lines),
        _dicts("state tracking_number waybill track_main track_at service id", shipments),
    )


def _dicts(names: str, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def of_order(actor: Actor, order_id: int, *, limit: int = 5) -> list[dict[str, Any]]:
    """Conversations about an order, newest first: for the panel on the order's page."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(f"{_SELECT} WHERE c.order_id = %s ORDER BY c.last_at DESC LIMIT %s", [order_id, limit])
    found = [dict(zip(_LIST, row, strict=True)) for row in rows]
    return [_shown(actor, row) for row in found if actor.sees_account(row["account_id"])]


def templates(actor: Actor) -> list[dict[str, Any]]:
    """All templates by position and name; texts of one name in different languages stand together."""
    actor.require(permissions.VIEW)
    names = ("id", "name", "language", "subject", "body", "position")
    return list(MessageTemplate.objects.order_by("position", "name", "language").values(*names))


def history(actor: Actor, conversation_id: int) -> list[dict[str, Any]]:
    """Audit entries of a conversation, newest first: codes and parameters for the page to put into words."""
    actor.require(permissions.VIEW)
    get(actor, conversation_id)
    rows = bulk.fetch(
        "SELECT id, at, actor_kind, actor_label, code, params FROM records_auditentry"
        " WHERE kind = 'conversation' AND object_id = %s ORDER BY id DESC LIMIT 200",
        [conversation_id],
    )
    out = _dicts("id at actor_kind actor_label code params", rows)
    for entry in out:
        if isinstance(entry["params"], str):
            entry["params"] = json.loads(entry["params"])
    return out
