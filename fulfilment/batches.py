"""Handing over many parcels by a list of their numbers, pasted or scanned one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import BusinessError
from core.permissions import Actor
from fulfilment import permissions, services
from fulfilment.services import Handed

MOST = 1000  # numbers of one list
_APART = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One number of the list. ``code``/``params``: why it may not go; '' when it may."""

    number: str
    shipment_id: int | None = None
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """``going``: what would be handed over. ``gone``: handed over already. ``refused``: with its reason."""

    going: Sequence[Line]
    gone: Sequence[Line]
    refused: Sequence[Line]
    twice: int


def numbers(text: str) -> list[str]:
    """The numbers of a pasted text, each once. Raises BusinessError ``batch.empty``, ``batch.too_many``."""
    found = list(dict.fromkeys(one for one in _APART.split(text.strip()) if one))
    if not found:
        raise BusinessError("batch.empty")
    if len(found) > MOST:
        raise BusinessError("batch.too_many", most=MOST)
    return found


def look(*, actor: Actor, text: str) -> Look:
    """What handing these over would do, without doing it. Raises as ``numbers``."""
    actor.require(permissions.SHIP)
    codes = numbers(text)
    found = services.foresee(actor=actor, codes=codes)
    lines = {
        group: [Line(code, pk) for code, pk in pairs] for group, pairs in (("going", found.going), ("gone", found.gone))
    }
    refused = [Line(str(code), None, reason, params) for code, (reason, params) in found.refused.items()]
    return Look(lines["going"], lines["gone"], refused, len(_APART.split(text.strip())) - len(codes))


def hand_over(*, actor: Actor, text: str) -> Handed:
    """Hand over what may go; the others are refused by their number with the reason."""
    return services.hand_over(actor=actor, codes=numbers(text))
