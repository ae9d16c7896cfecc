"""What keeps orders tidy by itself: counts summed up, holds that end, unpaid stock given back, short orders tried again."""

from __future__ import annotations

from core import bulk
from core.central import due
from core.permissions import system
from orders.services import acts


@due.due_job("orders.upkeep", every_tenant=120)
def upkeep(key: str) -> None:
    """Each part is a transaction of its own; a kill in between costs nothing but the next run."""
    actor = system("upkeep")
    acts.wake_held(actor=actor)
    acts.expire_unpaid(actor=actor)
    acts.compact_counts()


@due.due_job("orders.short_sweep", every_tenant=900)
def short_sweep(key: str) -> None:
    """Short orders whose SKUs are available somewhere: news of stock may have been lost with a dead handler row."""
    rows = bulk.fetch(
        "SELECT DISTINCT l.sku_id FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id"
        " JOIN inventory_stock s ON s.sku_id = l.sku_id AND s.sellable > s.reserved WHERE o.state = 'short' LIMIT 2000"
    )
    if rows:
        with_stock = [row[0] for row in rows]
        acts.try_short_again(sku_ids=with_stock, actor=system("routing"))
