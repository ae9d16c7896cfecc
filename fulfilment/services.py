"""The warehouse floor: weighing against what was expected, handing parcels over, and taking mistakes back.

Orders are locked before shipments, as everywhere, so that the floor and the carriers' news never wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock, options
from core.audit import record, record_many
from core.errors import BusinessError
from core.events import emit_many
from core.permissions import Actor
from core.values import Parcel
from fulfilment import finding, permissions
from fulfilment.finding import Scanned, scan
from fulfilment.models import Weighing
from fulfilment.options import WeighingOptions
from logistics import progress, states
from logistics.services import tracking
from orders.services import shipping
from orders.services.of_parcels import lock_orders_of

__all__ = ["Foreseen", "Handed", "Scanned", "Weighed", "foresee", "hand_over", "scan", "undo_hand_over", "undo_weighing",
           "weigh", "weigh_and_hand_over"]  # fmt: skip

OK, OVER, UNDER = "ok", "over", "under"
HEAVIEST_G = 1_000_000
PAGE = 100  # shipments of one event
LATELY = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Grams. ``verdict``: ok, over or under; a parcel outside of the tolerance goes on only when it was accepted."""

    shipment_id: int
    weight_g: int
    expected_g: int
    tolerance_g: int
    volumetric_g: int
    chargeable_g: int
    verdict: str


@dataclass
class Handed:
    """``done``: shipment ids; ``refused``: {id or code as asked for: (code, params)}."""

    done: list[int] = field(default_factory=list)
    refused: dict[int | str, tuple[str, dict[str, Any]]] = field(default_factory=dict)


def tolerance(expected_g: int, grams: int, percent: float) -> int:
    """The larger of the fixed grams and the share of what was expected."""
    return max(grams, round(expected_g * percent / 100))


def judge(weight_g: int, expected_g: int, allowed_g: int) -> str:
    if weight_g > expected_g + allowed_g:
        return OVER
    return UNDER if weight_g < expected_g - allowed_g else OK


def _shipment(actor: Actor, which: int | str) -> int:
    return which if isinstance(which, int) else finding.find(actor, which)


def _only_mine(actor: Actor, shipment_id: int) -> None:
    if not finding.mine(actor, [shipment_id]):
        raise BusinessError("shipment.not_found")


def _lock(shipment_ids: Sequence[int]) -> None:
    """Orders first, then the shipments, both in id order."""
    lock_orders_of(shipment_ids)
    bulk.fetch("SELECT id FROM logistics_shipment WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(shipment_ids)])


def weigh(
    *,
    actor: Actor,
    shipment: int | str,
    weight_g: int,
    size_mm: tuple[int, int, int] | None = None,
    accept: bool = False,
) -> Weighed:
    """Weigh a parcel (by id or scanned code) against what was expected; it is *packed* then.

    Every weighing is kept. Raises BusinessError ``weigh.outside`` with both figures when it is outside of the tolerance
    and not accepted, ``weigh.impossible``, ``ship.state_…`` when the parcel does not stand in the house.
    """
    actor.require(permissions.SHIP)
    sides = size_mm or ()
    if not 0 < weight_g <= HEAVIEST_G or any(not 0 < side <= 10_000 for side in sides):
        raise BusinessError("weigh.impossible", weight_g=weight_g)
    with transaction.atomic():
        pk = _shipment(actor, shipment)
        _lock([pk])
        parcel = finding.show(actor, pk)
        if parcel.state not in states.ON_FLOOR:
            raise BusinessError(f"ship.state_{parcel.state}")
        result = _measure(parcel, weight_g, size_mm)
        accepted = result.verdict == OK or (accept and actor.can(permissions.OVERRIDE))
        _keep(actor, result, size_mm or parcel.size_mm, accepted)
        if accepted:
            _pack(actor, parcel, result, size_mm)
    if not accepted:
        raise BusinessError(
            "weigh.outside",
            verdict=result.verdict,
            measured_g=weight_g,
            expected_g=result.expected_g,
            tolerance_g=result.tolerance_g,
        )
    return result


def _measure(parcel: Scanned, weight_g: int, size_mm: tuple[int, int, int] | None) -> Weighed:
    given = options.current(WeighingOptions)
    allowed = tolerance(parcel.expected_g, given.tolerance_g, given.tolerance_percent)
    box = Parcel(weight_g, *(size_mm or parcel.size_mm or (0, 0, 0)))
    return Weighed(
        shipment_id=parcel.shipment_id,
        weight_g=weight_g,
        expected_g=parcel.expected_g,
        tolerance_g=allowed,
        volumetric_g=box.volumetric_g(parcel.divisor),
        chargeable_g=box.chargeable_g(parcel.divisor),
        verdict=judge(weight_g, parcel.expected_g, allowed),
    )


def _keep(actor: Actor, result: Weighed, size: tuple[int, int, int] | None, accepted: bool) -> None:
    length, width, height = size or (None, None, None)
    Weighing.objects.create(
        shipment_id=result.shipment_id,
        weight_g=result.weight_g,
        length_mm=length,
        width_mm=width,
        height_mm=height,
        expected_g=result.expected_g,
        volumetric_g=result.volumetric_g,
        chargeable_g=result.chargeable_g,
        verdict=result.verdict,
        accepted=accepted,
        at=clock.now(),
        actor_id=actor.id,
        actor_label=actor.label,
    )


def _pack(actor: Actor, parcel: Scanned, result: Weighed, size_mm: tuple[int, int, int] | None) -> None:
    length, width, height = size_mm or parcel.size_mm or (None, None, None)
    states.move([parcel.shipment_id], states.PACKED, expected=[states.READY])
    bulk.execute(
        "UPDATE logistics_shipment SET weight_g = %s, length_mm = %s, width_mm = %s, height_mm = %s, chargeable_g = %s,"
        " weighed_at = %s WHERE id = %s",
        [result.weight_g, length, width, height, result.chargeable_g, clock.now(), parcel.shipment_id],
    )
    record(
        actor,
        "shipment",
        parcel.shipment_id,
        "shipment.weighed",
        weight_g=result.weight_g,
        expected_g=result.expected_g,
        verdict=result.verdict,
    )
    shipping.packed(shipment_ids=[parcel.shipment_id], actor=actor)


def hand_over(
    *,
    actor: Actor,
    shipment_ids: Sequence[int] = (),
    codes: Sequence[str] = (),
    despite_conflict: bool = False,
) -> Handed:
    """Give parcels to the carrier, many at once; stock, marketplace and orders follow by event.

    What may not leave is refused with its reason while the others go. A parcel that has left already counts as done.
    ``despite_conflict``: also parcels of orders that the buyer or the channel wants changed.
    """
    actor.require(permissions.SHIP)
    if despite_conflict:
        actor.require(permissions.OVERRIDE)
    out = Handed()
    asked = _asked(actor, shipment_ids, codes, out)
    with transaction.atomic():
        _lock(list(asked))
        going = _who_may_go(actor, asked, despite_conflict, out)
        now = clock.now()
        bulk.execute(
            "UPDATE logistics_shipment SET state = %s, handed_at = %s, poll_at = %s WHERE id = ANY(%s)",
            [states.HANDED, now, now + progress.FIRST_ASK, going],
        )
        ahead = bulk.fetch("SELECT id FROM logistics_shipment WHERE id = ANY(%s) AND track_main <> ''", [going])
        tracking.settle(shipment_ids=[row[0] for row in ahead])  # the carrier's scan came before ours
        record_many(actor, [("shipment", pk, "shipment.handed", {}) for pk in going])
        emit_many("shipments.handed_over", [{"ids": going[at : at + PAGE]} for at in range(0, len(going), PAGE)])
    out.done += going
    return out


def _asked(actor: Actor, shipment_ids: Sequence[int], codes: Sequence[str], out: Handed) -> dict[int, int | str]:
    """{shipment: as it was asked for}; codes that mean nothing are refused."""
    asked: dict[int, int | str] = {pk: pk for pk in shipment_ids}
    found, refused = finding.find_many(actor, codes)
    for code, pk in found.items():
        asked.setdefault(pk, code)
    out.refused.update(refused.items())
    return asked


@dataclass(frozen=True)
class Foreseen:
    """What a hand-over would do: (code, shipment) pairs that go and that have gone, and the refused as in ``Handed``."""

    going: Sequence[tuple[str, int]]
    gone: Sequence[tuple[str, int]]
    refused: dict[int | str, tuple[str, dict[str, Any]]]


def foresee(*, actor: Actor, codes: Sequence[str]) -> Foreseen:
    """What ``hand_over`` of these codes would do now, without doing it."""
    actor.require(permissions.SHIP)
    out = Handed()
    asked = _asked(actor, (), codes, out)
    going = _who_may_go(actor, asked, False, out)
    return Foreseen([(str(asked[pk]), pk) for pk in going], [(str(asked[pk]), pk) for pk in out.done], out.refused)


def _who_may_go(actor: Actor, asked: dict[int, int | str], despite_conflict: bool, out: Handed) -> list[int]:
    mine = set(finding.mine(actor, asked))
    must_weigh = options.current(WeighingOptions).must_weigh
    rows = bulk.fetch(
        "SELECT s.id, s.state, s.weighed_at, coalesce(o.conflict, '') FROM logistics_shipment s"
        " LEFT JOIN orders_consignment k ON k.shipment_id = s.id LEFT JOIN orders_order o ON o.id = k.order_id"
        " WHERE s.id = ANY(%s) ORDER BY s.id",
        [list(asked)],
    )
    going: list[int] = []
    for pk, state, weighed, conflict in rows:
        problem = finding.problem(state, "" if despite_conflict else conflict)
        if pk not in mine:
            out.refused[asked[pk]] = ("shipment.not_found", {})
        elif state in states.GONE:
            out.done.append(pk)
        elif problem is not None:
            out.refused[asked[pk]] = problem
        elif must_weigh and weighed is None:
            out.refused[asked[pk]] = ("ship.not_weighed", {})
        else:
            going.append(pk)
    for pk in set(asked) - {row[0] for row in rows}:
        out.refused[asked[pk]] = ("shipment.not_found", {})
    return going


def weigh_and_hand_over(
    *,
    actor: Actor,
    code: str,
    weight_g: int,
    size_mm: tuple[int, int, int] | None = None,
    accept: bool = False,
) -> Weighed:
    """One scan at the desk: weigh, then give away. Raises as ``weigh`` does, and what refuses the hand-over."""
    result = weigh(actor=actor, shipment=code, weight_g=weight_g, size_mm=size_mm, accept=accept)
    handed = hand_over(actor=actor, shipment_ids=[result.shipment_id])
    for reason, params in handed.refused.values():
        raise BusinessError(reason, **params)
    return result


@transaction.atomic
def undo_weighing(*, actor: Actor, shipment_id: int) -> None:
    """Take a weighing back while the parcel stands in the house.

    Raises BusinessError ``weigh.nothing_to_undo``, ``shipment.not_found`` (out of the actor's scope too).
    """
    actor.require(permissions.UNDO)
    _only_mine(actor, shipment_id)
    _lock([shipment_id])
    if not states.move([shipment_id], states.READY, expected=[states.PACKED]):
        raise BusinessError("weigh.nothing_to_undo")
    bulk.execute(
        "UPDATE logistics_shipment SET weight_g = NULL, chargeable_g = NULL, weighed_at = NULL WHERE id = %s",
        [shipment_id],
    )
    record(actor, "shipment", shipment_id, "shipment.weighing_undone")
    shipping.unpacked(shipment_ids=[shipment_id], actor=actor)


def last_handed(*, actor: Actor) -> int:
    """The parcel that this person handed over last, within the last hours. Raises BusinessError ``handover.nothing``."""
    actor.require(permissions.UNDO)
    rows = bulk.fetch(
        "SELECT a.object_id FROM records_auditentry a JOIN logistics_shipment s ON s.id = a.object_id"
        " WHERE a.kind = 'shipment' AND a.code = 'shipment.handed' AND a.actor_id = %s AND a.at >= %s"
        " AND s.state = 'handed' ORDER BY a.id DESC LIMIT 1",
        [actor.id, clock.now() - LATELY],
    )
    if not rows:
        raise BusinessError("handover.nothing")
    return int(rows[0][0])


@transaction.atomic
def undo_hand_over(*, actor: Actor, shipment_id: int) -> str:
    """Take a hand-over back while nothing followed from it: no stock issued, not on a manifest. Returns the state.

    Raises BusinessError ``handover.too_late``: then the goods come back as a return; ``shipment.not_found`` out of the
    actor's scope too.
    """
    actor.require(permissions.UNDO)
    _only_mine(actor, shipment_id)
    _lock([shipment_id])
    rows = bulk.fetch(
        "SELECT s.weighed_at IS NOT NULL FROM logistics_shipment s WHERE s.id = %s AND s.state = 'handed'"
        " AND s.manifest_id IS NULL AND NOT EXISTS (SELECT 1 FROM orders_consignment k"
        " WHERE k.shipment_id = s.id AND k.issued_at IS NOT NULL)",
        [shipment_id],
    )
    if not rows:
        raise BusinessError("handover.too_late")
    target = states.PACKED if rows[0][0] else states.READY
    states.move([shipment_id], target, expected=[states.HANDED])
    bulk.execute("UPDATE logistics_shipment SET handed_at = NULL, poll_at = NULL WHERE id = %s", [shipment_id])
    record(actor, "shipment", shipment_id, "shipment.handover_undone")
    return target
