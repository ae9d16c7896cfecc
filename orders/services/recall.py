"""Taking parcels back: a person changes their mind, or the channel cancels while the parcel is on its way to the carrier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from core import bulk
from core.audit import record_many
from core.errors import BusinessError
from core.permissions import Actor
from inventory.reservation import release_many
from logistics.services import booking as parcels
from orders import permissions, states
from orders.services import carrier_answers, lines
from orders.services.acts import Outcome
from orders.services.pages import reindex

# A person asked for it: shown until the carrier has answered, then the order closes.
CANCELLING_PARCEL = "cancelling_parcel"
# A person who takes the parcel back and cancels has answered these.
OPEN_QUESTIONS = ["", "cancel_requested", "address_changed", "lines_changed"]
# With the parcel gone these have no question left: what the channel changed stands on the order already.
ANSWERED = (CANCELLING_PARCEL, "cancelled_in_flight", "cancel_requested", "address_changed", "lines_changed")


def cancel_shipment(*, actor: Actor, order_ids: Sequence[int], close: bool = False) -> Outcome:
    """Take the parcels of orders back at the carrier. ``close``: the orders are cancelled then, else they are held.

    Asked for here, answered by the carrier later: until then the order shows the conflict *cancelling_parcel*.
    """
    actor.require(permissions.CANCEL)
    out = Outcome()
    with transaction.atomic():
        # First the locks, then a statement that sees what those before us did.
        bulk.execute("SELECT 1 FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(order_ids)])
        rows = bulk.fetch(
            "SELECT o.id, o.account_id, o.warehouse_id, o.state, array_remove(array_agg(k.shipment_id), NULL)"
            " FROM orders_order o LEFT JOIN orders_consignment k ON k.order_id = o.id AND k.state = 'open'"
            " WHERE o.id = ANY(%s) GROUP BY o.id ORDER BY o.id",
            [list(order_ids)],
        )
        asked: dict[int, list[int]] = {}
        for pk, account, place, state, shipments in rows:
            if not actor.sees_account(account) or not actor.sees_warehouse(place):
                out.refused[pk] = ("order.not_found", {})
            elif state in states.GONE:
                out.refused[pk] = ("shipment.too_late", {"state": state})
            elif not shipments:
                out.refused[pk] = ("order.no_parcel", {})
            else:
                asked[pk] = list(shipments)
        answer = parcels.cancel_many(actor=actor, ids=[pk for shipments in asked.values() for pk in shipments])
        for pk, shipments in asked.items():
            late = next((answer.refused[shipment] for shipment in shipments if shipment in answer.refused), None)
            if late is not None:
                out.refused[pk] = late
            else:
                out.done.append(pk)
        if close:
            bulk.execute(
                "UPDATE orders_order SET conflict = %s, version = version + 1 WHERE id = ANY(%s) AND conflict = ANY(%s)",
                [CANCELLING_PARCEL, out.done, OPEN_QUESTIONS],
            )
        record_many(actor, [("order", pk, "order.parcel_cancel_asked", {"close": close}) for pk in out.done])
    return out


def channel_cancelled(*, order_ids: Sequence[int], actor: Actor) -> Outcome:
    """The channel cancelled orders whose parcel was in flight: try to take it back; where that fails the conflict stays.

    In the caller's transaction. An order whose booking has failed meanwhile has no parcel and simply closes.
    """
    out = cancel_shipment(actor=actor, order_ids=order_ids, close=True)
    without = [pk for pk, (code, _) in out.refused.items() if code == "order.no_parcel"]
    rows = bulk.fetch(
        "SELECT id, state FROM orders_order WHERE id = ANY(%s) AND channel_status = 'cancelled' AND state = ANY(%s)",
        [without, sorted(states.BEFORE_BOOKING)],
    )
    by_state: dict[str, list[int]] = defaultdict(list)
    for pk, state in rows:
        by_state[state].append(pk)
    for state, ids in by_state.items():
        moved = states.move(ids, states.CANCELLED, expected=[state], reason_code="order.cancelled_by_channel")
        record_many(
            actor,
            [("order", pk, "order.to_cancelled", {"from": state, "why": "order.cancelled_by_channel"}) for pk in moved],
        )
        bulk.execute("UPDATE orders_order SET conflict = '' WHERE id = ANY(%s)", [moved])
        release_many(lines.ids_of(moved))
    return out


def cancelled(*, shipment_ids: Sequence[int], actor: Actor) -> None:
    """Parcels are off at the carrier. Orders without any parcel left are cancelled, or held for a person.

    In the caller's transaction. A cancelled order gives its stock back.
    """
    found = carrier_answers.held(shipment_ids)
    carrier_answers.close(consignment for consignment, _, _, _ in found)
    order_ids = sorted({order for _, order, _, _ in found})
    rows = bulk.fetch(
        "SELECT o.id, o.state, o.channel_status, o.conflict FROM orders_order o WHERE o.id = ANY(%s) AND NOT EXISTS"
        " (SELECT 1 FROM orders_consignment k WHERE k.order_id = o.id AND k.state = 'open')",
        [order_ids],
    )
    closing = [
        (pk, state) for pk, state, status, conflict in rows if status == "cancelled" or conflict == CANCELLING_PARCEL
    ]
    staying = [(pk, state) for pk, state, *_ in rows if pk not in {pk for pk, _ in closing}]
    gone: list[int] = []
    for pk_state, target, reason in (
        (closing, states.CANCELLED, "order.parcel_cancelled"),
        (staying, states.HELD, "order.parcel_cancelled"),
    ):
        by_state: dict[str, list[int]] = defaultdict(list)
        for pk, state in pk_state:
            by_state[state].append(pk)
        for state, ids in by_state.items():
            # An order that was still being booked cannot be held; it shows as failed with the same reason.
            aim = target if target in states.MOVES[state] else states.FAILED
            if aim not in states.MOVES[state]:
                continue
            moved = states.move(ids, aim, expected=[state], reason_code=reason)
            record_many(actor, [("order", pk, f"order.to_{aim}", {"from": state, "why": reason}) for pk in moved])
            gone += moved if aim == states.CANCELLED else []
    release_many(lines.ids_of(gone))
    bulk.execute(
        "UPDATE orders_order SET conflict = '', version = version + 1 WHERE id = ANY(%s) AND conflict = ANY(%s)",
        [order_ids, list(ANSWERED)],
    )
    reindex(order_ids)


def cancel_refused(*, shipment_ids: Sequence[int], actor: Actor) -> None:
    """The carrier keeps the parcel. The channel's cancellation stays as a conflict; a person's wish is dropped."""
    found = carrier_answers.held(shipment_ids)
    order_ids = sorted({order for _, order, _, _ in found})
    why = dict(
        bulk.fetch(
            "SELECT id, error_code FROM logistics_shipment WHERE id = ANY(%s)",
            [[shipment for _, _, shipment, _ in found]],
        )
    )
    bulk.execute(
        "UPDATE orders_order SET conflict = '' WHERE id = ANY(%s) AND conflict = %s", [order_ids, CANCELLING_PARCEL]
    )
    record_many(
        actor,
        [("order", order, "order.parcel_cancel_refused", {"why": why[shipment]}) for _, order, shipment, _ in found],
    )


def accept_number(*, actor: Actor, order_id: int) -> None:
    """A person says that a number which its format refuses is right: the parcel goes on, and the order with it.

    Raises BusinessError ``order.not_found``, ``shipment.nothing_to_accept``.
    """
    with transaction.atomic():
        rows = bulk.fetch(
            "SELECT o.account_id, o.warehouse_id, s.id FROM orders_order o"
            " LEFT JOIN orders_consignment k ON k.order_id = o.id AND k.state = 'open'"
            " LEFT JOIN logistics_shipment s ON s.id = k.shipment_id AND s.state = 'failed' AND s.tracking_number <> ''"
            " WHERE o.id = %s ORDER BY s.id NULLS LAST",
            [order_id],
        )
        if not rows or not (actor.sees_account(rows[0][0]) and actor.sees_warehouse(rows[0][1])):
            raise BusinessError("order.not_found")
        if rows[0][2] is None:
            raise BusinessError("shipment.nothing_to_accept")
        parcels.accept_number(actor=actor, shipment_id=rows[0][2])
