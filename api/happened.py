"""Which objects a piece of the house's news is about, with the account and warehouse that decide who may hear of it."""

from __future__ import annotations

from collections.abc import Sequence

from api.news import CONVERSATION, ORDER, SHIPMENT, SKU, Item
from core import bulk
from orders import states

_MOVES = {states.HANDED: "order.shipped", states.CANCELLED: "order.cancelled"}
MOVES = ("order.changed", *_MOVES.values())


def type_of(state: str) -> str:
    """What is told when orders move to ``state``."""
    return _MOVES.get(state, "order.changed")


def _places(warehouse: int | None) -> tuple[int, ...]:
    return () if warehouse is None else (warehouse,)


def orders(type_: str, ids: Sequence[int]) -> list[Item]:
    sql = "SELECT id, account_id, warehouse_id FROM orders_order WHERE id = ANY(%s) ORDER BY id"
    return [Item(type_, ORDER, pk, account, _places(place)) for pk, account, place in bulk.fetch(sql, [list(ids)])]


def shipments(type_: str, ids: Sequence[int]) -> list[Item]:
    rows = bulk.fetch(
        "SELECT s.id, o.account_id, s.warehouse_ref FROM logistics_shipment s"
        " LEFT JOIN orders_consignment c ON c.shipment_id = s.id LEFT JOIN orders_order o ON o.id = c.order_id"
        " WHERE s.id = ANY(%s) ORDER BY s.id",
        [list(ids)],
    )
    return [Item(type_, SHIPMENT, pk, account, _places(place)) for pk, account, place in rows]


def stock(type_: str, sku_ids: Sequence[int]) -> list[Item]:
    """One item a SKU; for endpoints of some warehouses it counts where the SKU lies in one of theirs."""
    rows = bulk.fetch(
        "SELECT sku_id, array_agg(warehouse_id) FROM inventory_stock WHERE sku_id = ANY(%s) GROUP BY sku_id ORDER BY sku_id",
        [list(sku_ids)],
    )
    return [Item(type_, SKU, sku, None, tuple(places)) for sku, places in rows]


def messages(type_: str, ids: Sequence[int]) -> list[Item]:
    """Conversations in which a buyer wrote."""
    rows = bulk.fetch(
        "SELECT DISTINCT conversation_id, account_id FROM crm_message WHERE id = ANY(%s) AND direction = 'in'"
        " ORDER BY conversation_id",
        [list(ids)],
    )
    return [Item(type_, CONVERSATION, pk, account) for pk, account in rows]
