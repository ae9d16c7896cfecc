"""What the floor's pages show besides ``fulfilment.queries``: what stands beside a scanned parcel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core import bulk, clock
from core.permissions import SEE_PERSONAL, Actor
from fulfilment import finding
from fulfilment.alarms import named
from fulfilment.queries import Filter, conditions
from logistics import permissions, states


def parcels_of_orders(actor: Actor, order_ids: Sequence[int]) -> dict[int, list[int]]:
    """{order: parcels that stand}, in the order given; an order of another account is left out, one without has none."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(
        "SELECT o.id, o.account_id, o.warehouse_id, c.shipment_id FROM orders_order o LEFT JOIN orders_consignment c"
        " ON c.order_id = o.id AND c.state = 'open' WHERE o.id = ANY(%s) ORDER BY c.id",
        [list(order_ids)],
    )
    found: dict[int, list[int]] = {}
    for order, account, place, shipment in rows:
        if actor.sees_account(account) and actor.sees_warehouse(place):
            found.setdefault(order, []).extend([shipment] if shipment else [])
    return {order: found[order] for order in dict.fromkeys(order_ids) if order in found}


# -- the desk -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beside:
    """What a clerk must know besides the parcel's own row."""

    note: str = ""
    state: str = ""
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    label: str = ""  # uid of the stored file


def beside(actor: Actor, parcel: finding.Scanned) -> Beside:
    """Note, state and reason of the order, the label's file. One query."""
    rows = bulk.fetch(
        "SELECT o.buyer_note, o.state, o.reason_code, o.reason_params, o.tags, f.uid FROM (SELECT 1) x"
        " LEFT JOIN orders_order o ON o.id = %s LEFT JOIN records_storedfile f ON f.id = %s",
        [parcel.order_id, parcel.label_file_id],
    )
    note, state, code, params, tags, label = rows[0]
    load = json.loads
    return Beside(
        note=(note or "") if actor.can(SEE_PERSONAL) else "",
        state=state or "",
        code=code or "",
        params=(load(params) if isinstance(params, str) else params) or {},
        tags=tuple((load(tags) if isinstance(tags, str) else tags) or ()),
        label=str(label or ""),
    )


def latest(actor: Actor, limit: int = 8) -> list[dict[str, Any]]:
    """The parcels that were handed over last, for the desk's side."""
    where, params = conditions(actor, Filter("handed_today"))
    rows = named(
        "SELECT s.id, coalesce(nullif(s.tracking_number, ''), s.waybill), s.weight_g, s.handed_at FROM logistics_shipment s"
        f" WHERE {where} ORDER BY s.handed_at DESC, s.id DESC LIMIT %(limit)s",
        {**params, "limit": limit},
    )
    return [dict(zip(("id", "number", "weight_g", "handed_at"), row, strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class Tally:
    """The desk's counters: what waits, and what was handed over today by all and by this person; grams."""

    ready: int = 0
    packed: int = 0
    failed: int = 0
    handed_today: int = 0
    mine: int = 0
    mine_g: int = 0
    mine_hour: int = 0


def tally(actor: Actor) -> Tally:
    """Two queries: by state over what stands, and over what went today."""
    where, params = conditions(actor, Filter("all"))
    params["states"] = [states.READY, states.PACKED, states.FAILED]
    stands = dict(named(f"SELECT s.state, count(*) FROM logistics_shipment s WHERE {where} GROUP BY s.state", params))
    where, params = conditions(actor, Filter("handed_today"))
    gone = named(
        "SELECT count(*), count(*) FILTER (WHERE own), coalesce(sum(grams) FILTER (WHERE own), 0),"
        " count(*) FILTER (WHERE own AND handed_at >= %(hour)s) FROM (SELECT s.handed_at,"
        " coalesce(s.weight_g, s.expected_weight_g) AS grams, EXISTS (SELECT 1 FROM records_auditentry a"
        " WHERE a.kind = 'shipment' AND a.object_id = s.id AND a.code = 'shipment.handed' AND a.actor_id = %(me)s) AS own"
        f" FROM logistics_shipment s WHERE {where}) x",
        {**params, "me": actor.id, "hour": clock.now() - timedelta(hours=1)},
    )[0]
    return Tally(*(stands.get(one, 0) for one in (states.READY, states.PACKED, states.FAILED)), *gone)
