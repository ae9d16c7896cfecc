"""What the goods of an order cost: as the ledger says of what has left, by the oldest layers of what has not.

In the base currency, by FIFO. An unknown cost is unknown, never 0. Only for those with SEE_COST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import bulk
from core.permissions import SEE_COST, Actor

METHOD = "fifo"
_UNIT = Decimal("0.0001")  # of a layer's value

_ISSUED = (
    "SELECT cl.line_id, -sum(v.amount), -sum(v.unvalued)::int FROM inventory_move m JOIN inventory_valuation v"
    " ON v.move_id = m.id AND v.method = %s JOIN orders_consignmentline cl ON cl.id = m.source_line"
    " JOIN orders_consignment k ON k.id = cl.consignment_id AND k.shipment_id = m.source_id"
    " WHERE m.source_kind = 'shipment' AND m.source_id = ANY(%s) GROUP BY cl.line_id"
)
_LAYERS = (
    "SELECT w.id, p.sku_id, p.layers FROM inventory_warehouse w JOIN inventory_poolstate p"
    " ON p.pool = w.pool_ref AND p.method = %s AND p.sku_id = ANY(%s) WHERE w.id = %s"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """``amount`` None: unknown. ``unknown``: units of it whose cost is open. ``actual``: it has left at that cost."""

    amount: Decimal | None
    unknown: int
    actual: bool


def costs(
    actor: Actor, lines: Sequence[Mapping[str, Any]], *, shipments: Sequence[int], warehouse_id: int | None
) -> dict[int, Cost]:
    """{line: cost} of the lines of one order (``queries.lines_of``); empty without the right. At most two queries."""
    if not actor.can(SEE_COST):
        return {}
    out: dict[int, Cost] = {}
    if shipments:
        for line, amount, unknown in bulk.fetch(_ISSUED, [METHOD, list(shipments)]):
            out[line] = Cost(amount if amount or not unknown else None, unknown, True)
    waiting = [line for line in lines if line["id"] not in out and line["sku_id"] and line["units"]]
    if not waiting:
        return out
    layers: dict[int, list[list[Any]]] = {}
    for _, sku, given in bulk.fetch(_LAYERS, [METHOD, [line["sku_id"] for line in waiting], warehouse_id]):
        layers[sku] = [list(one) for one in bulk.unpacked(given)]
    for line in waiting:
        out[line["id"]] = estimate(layers.get(line["sku_id"], []), line["units"])
    return out


def estimate(layers: list[list[Any]], units: int) -> Cost:
    """Pure: what ``units`` cost from the oldest layers ([move, units, value or None] with value in 0.0001), which are used
    up. Beyond the layers nothing is known."""
    amount, unknown, left = Decimal(0), 0, units
    while left and layers:
        move, there, value = layers[0]
        if there <= 0:
            break  # sold below zero: the next receipt is what it will cost
        took = min(left, there)
        if value is None:
            unknown += took
        else:
            part = Decimal(value) * took / there
            amount += part * _UNIT
            value -= int(part)
        left -= took
        if took == there:
            layers.pop(0)
        else:
            layers[0] = [move, there - took, value]
    unknown += left
    return Cost(None if unknown == units else amount.quantize(Decimal("0.01")), unknown, False)
