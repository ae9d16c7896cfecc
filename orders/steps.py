"""Pure: the line of steps over an order's page, and the one next action. Codes only; the page puts them into words."""

from __future__ import annotations

from dataclasses import dataclass

from orders import states

DONE, CURRENT, STUCK, AHEAD = "done", "current", "stuck", "ahead"
STEPS = ("paid", "routed", "reserved", "booked", "packed", "handed", "confirmed", "delivered")

# How many steps an order has behind it, by its state.
_PASSED = {
    states.PENDING: 0,
    states.NEW: 1,
    states.UNMATCHED: 1,
    states.ADDRESS: 1,
    states.HELD: 1,
    states.SHORT: 2,
    states.READY: 3,
    states.BOOKING: 3,
    states.FAILED: 3,
    states.BOOKED: 4,
    states.PACKED: 5,
    states.HANDED: 6,
    states.DELIVERED: 8,
    states.RETURNED: 6,
}
_STUCK = frozenset(states.NEEDS_PERSON)

# What a person does next: (code of the action, name of the page's form or link).
NEXT = {
    states.PENDING: "paid",  # by hand only; others wait for their marketplace
    states.UNMATCHED: "match",
    states.ADDRESS: "address",
    states.HELD: "route",
    states.SHORT: "route",
    states.READY: "book",
    states.FAILED: "book",
    states.BOOKED: "label",
    states.PACKED: "label",
    states.ELSEWHERE: "route",
}


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    mark: str


def steps(state: str, *, reserved: bool, confirmed: bool, refused: bool, told: bool = True) -> list[Step]:
    """The steps with their marks; empty for orders that we do not ship (platform, elsewhere, cancelled, combined).

    ``told`` False: an order by hand, there is no marketplace to confirm it to.

    ``reserved``: stock is set aside (a held order keeps it). ``confirmed``: the marketplace knows of the parcel;
    ``refused``: it said no.
    """
    if state not in _PASSED:
        return []
    passed = _PASSED[state]
    out = []
    current_given = False
    for index, key in enumerate(STEPS):
        if key == "confirmed" and not told:
            continue
        done = index < passed
        if key == "reserved" and reserved:
            done = True
        if key == "confirmed":
            done = confirmed
        if done:
            out.append(Step(key, DONE))
            continue
        if key == "confirmed" and refused:
            out.append(Step(key, STUCK))
            current_given = True
        elif current_given:
            out.append(Step(key, AHEAD))
        else:
            out.append(Step(key, STUCK if state in _STUCK else CURRENT))
            current_given = True
    return out
