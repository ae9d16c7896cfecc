"""What orders do about their parcels: ready orders are booked, the carriers' news move them on."""

from __future__ import annotations

from core.events import Payload, close_row, on
from core.permissions import system
from orders.services import booking, carrier_answers, recall, shipping

LANES = 4  # handlers of one tenant that may run side by side; orders are locked in id order


def lane(payload: Payload) -> str:
    return str(payload["ids"][0] // 100 % LANES)


@on("orders.ready", name="orders.book", stream=lane)
def ready(payload: Payload) -> None:
    with close_row():
        booking.book_ready(order_ids=payload["ids"], actor=system("booking"))


@on("orders.cancel_wanted", name="orders.recall", stream=lane)
def cancel_wanted(payload: Payload) -> None:
    with close_row():
        recall.channel_cancelled(order_ids=payload["ids"], actor=system("cancellation"))


@on("shipments.booked", name="orders.booked", stream=lane)
def booked(payload: Payload) -> None:
    with close_row():
        carrier_answers.booked(shipment_ids=payload["ids"], actor=system("carrier"))
        shipping.told_at_label(shipment_ids=payload["ids"])


@on("shipments.numbered", name="orders.numbered", stream=lane, merge=True)
def numbered(payload: Payload) -> None:
    with close_row():
        carrier_answers.numbered(shipment_ids=payload["ids"], actor=system("carrier"))


@on("shipments.failed", name="orders.booking_failed", stream=lane)
def failed(payload: Payload) -> None:
    with close_row():
        carrier_answers.failed(shipment_ids=payload["ids"], actor=system("carrier"))


@on("shipments.cancelled", name="orders.parcel_cancelled", stream=lane)
def cancelled(payload: Payload) -> None:
    with close_row():
        recall.cancelled(shipment_ids=payload["ids"], actor=system("carrier"))


@on("shipments.cancel_refused", name="orders.parcel_kept", stream=lane)
def cancel_refused(payload: Payload) -> None:
    with close_row():
        recall.cancel_refused(shipment_ids=payload["ids"], actor=system("carrier"))


@on("shipments.handed_over", name="orders.handed", stream=lane, on_failure="aside", retries=12)
def handed(payload: Payload) -> None:
    with close_row():
        shipping.handed(shipment_ids=payload["ids"], actor=system("shipping"))


@on("shipments.delivered", name="orders.delivered", stream=lane, merge=True)
def delivered(payload: Payload) -> None:
    with close_row():
        shipping.delivered(shipment_ids=payload["ids"], actor=system("tracking"))
