"""News of the house becomes news for webhooks, and what the interface does by itself: telling it, throwing old things away.

Where nobody listens to a kind of news, ``emit`` writes no row for it.
"""

from __future__ import annotations

from datetime import timedelta

from api import happened, news
from api.models import KeptAnswer
from api.services import delivering
from core import clock
from core.central import due
from core.events import Payload, close_row, on
from core.jobs import FINISHED

LOG_DAYS = timedelta(days=30)
PURGE_EVERY = 3 * 3600


@on("orders.created", name="api.order_created", wanted=news.wanted("order.created"))
def order_created(payload: Payload) -> None:
    with close_row():
        news.tell(happened.orders("order.created", payload["ids"]))


@on("orders.changed", name="api.order_changed", wanted=news.wanted("order.changed"))
def order_changed(payload: Payload) -> None:
    with close_row():
        news.tell(happened.orders("order.changed", payload["ids"]))


@on("orders.edited", name="api.order_edited", wanted=news.wanted("order.changed"))
def order_edited(payload: Payload) -> None:
    """By a person, or by the rules that led it elsewhere than to *ready*."""
    with close_row():
        news.tell(happened.orders("order.changed", payload["ids"]))


@on("orders.moved", name="api.order_moved", wanted=news.wanted(*happened.MOVES))
def order_moved(payload: Payload) -> None:
    with close_row():
        news.tell(happened.orders(happened.type_of(payload["state"]), payload["ids"]))


@on("orders.ready", name="api.order_released", wanted=news.wanted("order.released"))
def order_released(payload: Payload) -> None:
    with close_row():
        news.tell(happened.orders("order.released", payload["ids"]))


@on("shipments.booked", name="api.shipment_booked", wanted=news.wanted("shipment.booked"))
def shipment_booked(payload: Payload) -> None:
    with close_row():
        news.tell(happened.shipments("shipment.booked", payload["ids"]))


@on("shipments.handed_over", name="api.shipment_handed_over", wanted=news.wanted("shipment.handed_over"))
def shipment_handed_over(payload: Payload) -> None:
    with close_row():
        news.tell(happened.shipments("shipment.handed_over", payload["ids"]))


@on("shipments.delivered", name="api.shipment_delivered", wanted=news.wanted("shipment.delivered"))
def shipment_delivered(payload: Payload) -> None:
    with close_row():
        news.tell(happened.shipments("shipment.delivered", payload["ids"]))


@on("inventory.stock_changed", name="api.stock_changed", merge=True, wanted=news.wanted("stock.changed"))
def stock_changed(payload: Payload) -> None:
    with close_row():
        news.tell(happened.stock("stock.changed", payload["ids"]))


@on("messages.stored", name="api.message_received", wanted=news.wanted("conversation.message_received"))
def message_received(payload: Payload) -> None:
    with close_row():
        news.tell(happened.messages("conversation.message_received", payload["ids"]))


@on(FINISHED, name="api.job_finished", wanted=news.wanted("job.finished"))
def job_finished(payload: Payload) -> None:
    with close_row():
        news.tell([news.Item("job.finished", news.WORK, payload["id"])])


@due.due_job(news.JOB)
def deliver(key: str) -> float | None:
    return delivering.deliver(int(key))


@due.due_job("api.purge", every_tenant=PURGE_EVERY)
def purge(key: str) -> None:
    """Kept answers after their day, news and its log after a month."""
    KeptAnswer.objects.filter(purge_at__lt=clock.now()).delete()
    while delivering.purge(clock.now() - LOG_DAYS) >= 2000:
        pass
