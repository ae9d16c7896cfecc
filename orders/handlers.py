"""What orders do about news from below and from themselves."""

from __future__ import annotations

from core.events import Payload, close_row, on
from core.permissions import system
from orders.services import acts
from orders.services.release import release


def by_account(payload: Payload) -> str:
    """One account's pages are handled one after the other; different accounts side by side."""
    return str(payload.get("account", ""))


@on("orders.imported", name="orders.route", stream=by_account, on_failure="aside")
def route(payload: Payload) -> None:
    """New (or changed) orders are routed and their stock is set aside, in the transaction that closes the row."""
    with close_row():
        release(order_ids=payload["ids"], actor=system("routing"))


@on("inventory.available", name="orders.short_again", on_failure="aside")
def short_again(payload: Payload) -> None:
    """Units became available: short orders that want these SKUs are tried again, oldest promise first."""
    with close_row():
        acts.retry_short(sku_ids=payload["skus"], after=payload.get("after"), actor=system("routing"))
