"""What is done to many parcels at once; the worker does the same when there are too many for a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import ngettext

from core.permissions import Actor
from core.ui import lists
from fulfilment import alarms, finding, permissions, services
from logistics import permissions as carriers
from logistics.services import booking

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Parcels that it was done to, and {parcel: (code, params)} of the others."""

    done: Sequence[int]
    refused: Mapping[int, tuple[str, Mapping[str, Any]]]


def _rest(ids: Sequence[int], done: Sequence[int], code: str) -> Outcome:
    """Of acts that say only what they did: the others have one reason."""
    went = set(done)
    return Outcome(list(done), {pk: (code, {}) for pk in ids if pk not in went})


def _hand(actor: Actor, ids: Sequence[int], given: Given) -> Outcome:
    out = services.hand_over(actor=actor, shipment_ids=ids)
    return Outcome(out.done, {int(pk): why for pk, why in out.refused.items()})


def _book(actor: Actor, ids: Sequence[int], given: Given) -> Outcome:
    # Logistics knows warehouses only; whose orders the parcels are is judged here.
    return _rest(ids, booking.retry(actor=actor, ids=finding.mine(actor, ids)), "shipment.not_failed")


def _settle(actor: Actor, ids: Sequence[int], given: Given) -> Outcome:
    rang = alarms.mark(actor=actor, shipment_ids=ids, sleep_hours=given["hours"], note=given["note"])
    return _rest(ids, rang, "alarm.silent")


def _act(
    name: str,
    operation: str,
    do: Callable[[Actor, Sequence[int], Given], Outcome],
    said: Callable[[int], str],
) -> lists.Act:
    return lists.act(
        lists.Act(
            f"parcels.{name}",
            operation,
            do,
            title_code=f"job.parcels.{name}",
            said=lambda n: said(n).format(n=n),
            label=lambda pk: f"P-{pk}",
            opens="fulfilment:parcel",
        )
    )


HAND = _act(
    "hand", permissions.SHIP, _hand, lambda n: ngettext("{n} parcel handed over.", "{n} parcels handed over.", n)
)
BOOK = _act(
    "book", carriers.BOOK, _book, lambda n: ngettext("{n} parcel is booked again.", "{n} parcels are booked again.", n)
)
SETTLE = _act("settle", permissions.SHIP, _settle, lambda n: ngettext("{n} alarm settled.", "{n} alarms settled.", n))
