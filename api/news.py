"""News for webhooks: which there are, who hears them, and how they wait to be told.

News is thin: what happened, when, to which object; ids only. Rows are written in the transaction that closes the outbox
row which told us, so none is lost and none stands twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from api.models import Delivery, Endpoint
from core import bulk, clock, settings_store
from core.central import due
from core.permissions import Actor
from core.tenancy import require_tenant

SETTING = "api.webhook_events"  # kept by api.services.endpoints: what anybody listens to
JOB = "api.deliver"
PING = "ping"
ORDER, SHIPMENT, SKU, CONVERSATION, WORK = "order", "shipment", "sku", "conversation", "job"

# type → kind of object; the sentence ``event.<type>`` explains each.
TYPES: dict[str, str] = {
    "order.created": ORDER,
    "order.changed": ORDER,
    "order.released": ORDER,
    "order.shipped": ORDER,
    "order.cancelled": ORDER,
    "shipment.booked": SHIPMENT,
    "shipment.handed_over": SHIPMENT,
    "shipment.delivered": SHIPMENT,
    "stock.changed": SKU,
    "conversation.message_received": CONVERSATION,
    "job.finished": WORK,
}
# As long as the first of them is not under way, one says what several would: read the object anew.
MERGED = frozenset({"order.changed", "stock.changed"})
SETTLE = timedelta(seconds=3)  # so long merged news waits for more of the same
PLACES = {ORDER: "orders", SHIPMENT: "shipments", SKU: "skus", CONVERSATION: "conversations", WORK: "jobs"}


@dataclass(frozen=True, slots=True)
class Item:
    """``account`` None: the object belongs to none. ``places``: warehouses where it is."""

    type: str
    kind: str
    object_id: int | None
    account: int | None = None
    places: tuple[int, ...] = ()


def wanted(*types: str) -> Callable[[], bool]:
    """For ``core.events.on``: whether anybody listens to one of ``types`` in this tenant."""
    asked = frozenset(types)

    def ask() -> bool:
        return not asked.isdisjoint(settings_store.get(SETTING, ()))

    return ask


def within(actor: Actor, endpoint: Endpoint) -> bool:
    """Whether everything that the endpoint hears of is the actor's to see."""
    for mine, theirs in ((actor.accounts, endpoint.accounts), (actor.warehouses, endpoint.warehouses)):
        if mine is not None and (theirs is None or not set(theirs) <= mine):
            return False
    return True


def hears(endpoint: Endpoint, item: Item) -> bool:
    """Whether the object lies within what the endpoint was narrowed to; long work belongs to nobody in particular."""
    if endpoint.accounts is not None and item.kind != SKU and item.account not in endpoint.accounts:
        return False
    if endpoint.warehouses is None or item.kind == CONVERSATION:
        return True
    if not item.places:  # an order that has no warehouse yet is everybody's; nothing else is
        return item.kind == ORDER
    return not set(endpoint.warehouses).isdisjoint(item.places)


def listeners(type_: str) -> list[Endpoint]:
    found = Endpoint.objects.filter(active=True, events__contains=[type_]).defer("secret", "former_secret")
    return list(found.order_by("pk"))


def tell(items: Sequence[Item]) -> int:
    """Write news for everybody who listens, in the caller's transaction. Returns how many deliveries wait now more."""
    written = 0
    for type_ in dict.fromkeys(item.type for item in items):
        endpoints = listeners(type_)
        if endpoints:
            written += write([item for item in items if item.type == type_], endpoints)
    return written


def write(items: Iterable[Item], endpoints: Sequence[Endpoint]) -> int:
    """As ``tell``, to these endpoints whatever they listen to."""
    todo = list(dict.fromkeys(items))
    waiting = _untouched(todo, endpoints)
    pairs: list[tuple[Item, list[Endpoint]]] = []
    for item in todo:
        ends = [
            one
            for one in endpoints
            if (item.kind == "endpoint" or hears(one, item)) and (one.pk, item.type, item.object_id) not in waiting
        ]
        if ends:
            pairs.append((item, ends))
    if not pairs:
        return 0
    now = clock.now()
    ids = bulk.ids("api_news", len(pairs))
    bulk.copy(
        "api_news",
        ("id", "uid", "type", "kind", "object_id", "at"),
        [
            (pk, uuid.uuid4(), item.type, item.kind, item.object_id, now)
            for pk, (item, _) in zip(ids, pairs, strict=True)
        ],
    )
    rows = [
        (pk, one.pk, item.type, item.kind, item.object_id, Delivery.WAITING, 0, _first(item, now), now)
        for pk, (item, ends) in zip(ids, pairs, strict=True)
        for one in ends
    ]
    columns = "news_id endpoint_id type kind object_id state attempts next_at created_at".split()
    bulk.copy("api_delivery", columns, rows)
    schema = require_tenant()
    # The runner's look for work is only a hint away; without it the row's own time comes.
    for pk in sorted({row[1] for row in rows}):
        due.run_now(schema, JOB, str(pk))
    return len(rows)


def _first(item: Item, now: object) -> object:
    return now + SETTLE if item.type in MERGED else now  # type: ignore[operator]


def _untouched(items: Sequence[Item], endpoints: Sequence[Endpoint]) -> set[tuple[int, str, int | None]]:
    """(endpoint, type, object) of merged news that waits and was never tried: what happens now is told by it too.

    Whoever sends marks the row before the call, and the receiver reads the object after it: nothing can fall between.
    """
    merged = [item for item in items if item.type in MERGED]
    if not merged:
        return set()
    rows = bulk.fetch(
        "SELECT endpoint_id, type, object_id FROM api_delivery WHERE state = 0 AND attempts = 0 AND type = ANY(%s)"
        " AND endpoint_id = ANY(%s) AND object_id = ANY(%s)",
        [sorted({item.type for item in merged}), [one.pk for one in endpoints], [item.object_id for item in merged]],
    )
    return {(row[0], row[1], row[2]) for row in rows}


def held(delivery_id: int) -> Delivery | None:
    return Delivery.objects.select_for_update().filter(pk=delivery_id).first()


def again(row: Delivery) -> None:
    """Let a delivery wait once more; the event id stays. In the caller's transaction, on a locked row."""
    row.state, row.attempts, row.next_at, row.closed_at = Delivery.WAITING, 0, clock.now(), None
    row.save(update_fields=["state", "attempts", "next_at", "closed_at"])
    schema, key = require_tenant(), str(row.endpoint_id)
    transaction.on_commit(lambda: due.run_now(schema, JOB, key))
