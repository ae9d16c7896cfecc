"""The ship desk, one entry at a time: scan, weigh, hand over. It calls the services and says what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import BusinessError, SampanError
from core.permissions import Actor
from core.values import Parcel
from fulfilment import entry, finding, permissions, services
from fulfilment.entry import HAND, OUTSIDE, SCAN, WEIGH
from fulfilment.finding import Scanned
from logistics import states


@dataclass(frozen=True, slots=True)
class Problem:
    """Why it does not go on; ``code``/``params`` for ``core.words``."""

    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the desk shows. ``step``: what its field waits for. ``grams``: of a weighing that was not accepted yet.

    ``volumetric_g``, ``chargeable_g``, ``tolerance_g``: of the last weighing. ``handed``: the parcel has just left.
    """

    step: str = SCAN
    parcel: Scanned | None = None
    problem: Problem | None = None
    grams: int | None = None
    volumetric_g: int = 0
    chargeable_g: int | None = None
    handed: bool = False

    @property
    def sound(self) -> str:
        return "bad" if self.problem else "done" if self.handed else "good" if self.parcel else ""


def go(
    *, actor: Actor, text: str, step: str = SCAN, shipment_id: int | None = None, grams: int | None = None, direct: bool
) -> Desk:
    """Do what was typed or scanned. ``grams``: the weighing that waits to be accepted. ``direct``: a parcel whose weight
    is right is handed over at once. Refusals come back as a ``problem``, never as an exception.
    """
    actor.require(permissions.SHIP)
    step = step if step in entry.STEPS and shipment_id is not None else SCAN
    given = entry.read(text, step)
    if isinstance(given, entry.Undo):
        return undo_last(actor, shipment_id)
    if isinstance(given, entry.Code) or shipment_id is None:
        return scan(actor, text)
    match given:
        case entry.Weight(weight, size):
            return weigh(actor, shipment_id, weight, size, accept=False, direct=direct)
        case entry.Accept() if grams is not None:
            return weigh(actor, shipment_id, grams, None, accept=True, direct=direct)
        case _ if step == HAND:
            return hand_over(actor, shipment_id)
    shown = _show(actor, shipment_id)
    wanted = "desk.accept_or_weigh" if step == OUTSIDE else "desk.weight_wanted"
    return Desk(step, shown, Problem(wanted, {}), grams)


def scan(actor: Actor, text: str) -> Desk:
    try:
        parcel = finding.scan(actor=actor, code=text)
    except BusinessError as error:
        return Desk(SCAN, None, Problem(error.code, error.params))
    return _standing(parcel)


def _standing(parcel: Scanned, problem: Problem | None = None) -> Desk:
    """The desk for a parcel as it stands now."""
    if problem is None and parcel.problem is not None and parcel.state not in states.GONE:
        problem = Problem(*parcel.problem)
    if parcel.problem is not None:
        step = SCAN
    else:
        step = HAND if parcel.weight_g is not None else WEIGH
    volumetric = 0
    if parcel.weight_g is not None and parcel.size_mm is not None:
        volumetric = Parcel(parcel.weight_g, *parcel.size_mm).volumetric_g(parcel.divisor)
    return Desk(step, parcel, problem, None, volumetric, parcel.chargeable_g)


def weigh(
    actor: Actor, shipment_id: int, grams: int, size_mm: tuple[int, int, int] | None, *, accept: bool, direct: bool
) -> Desk:
    try:
        services.weigh(actor=actor, shipment=shipment_id, weight_g=grams, size_mm=size_mm, accept=accept)
    except BusinessError as error:
        shown = _show(actor, shipment_id)
        step = OUTSIDE if error.code == "weigh.outside" else WEIGH
        return Desk(step, shown, Problem(error.code, error.params), grams)
    if direct:
        return hand_over(actor, shipment_id)
    return _standing(finding.show(actor, shipment_id))


def hand_over(actor: Actor, shipment_id: int, *, despite_conflict: bool = False) -> Desk:
    try:
        handed = services.hand_over(actor=actor, shipment_ids=[shipment_id], despite_conflict=despite_conflict)
    except SampanError as error:
        return _standing(finding.show(actor, shipment_id), Problem(error.code, error.params))
    parcel = finding.show(actor, shipment_id)
    if handed.refused:
        code, params = next(iter(handed.refused.values()))
        return _standing(parcel, Problem(code, params))
    return Desk(SCAN, parcel, handed=True, chargeable_g=parcel.chargeable_g)


def undo_last(actor: Actor, shipment_id: int | None) -> Desk:
    """``-`` at the desk: take back what this person did last: the weighing of the parcel on the desk, else the hand-over."""
    shown = _show(actor, shipment_id) if shipment_id is not None else None
    try:
        if shown is not None and shown.state == states.PACKED:
            services.undo_weighing(actor=actor, shipment_id=shown.shipment_id)
            return _standing(finding.show(actor, shown.shipment_id))
        pk = services.last_handed(actor=actor)
        services.undo_hand_over(actor=actor, shipment_id=pk)
        return _standing(finding.show(actor, pk))
    except SampanError as error:
        return Desk(SCAN, shown, Problem(error.code, error.params))


def _show(actor: Actor, shipment_id: int) -> Scanned | None:
    try:
        return finding.show(actor, shipment_id)
    except BusinessError:
        return None
