"""Pure: where a parcel stands by its milestones, in whatever order they are told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.values import TrackEvent
from logistics import canonical as c
from logistics import states
from logistics.progress import Milestone, ask_again_in, event_key, standing
from orders.services.customs import split

T = datetime(2026, 11, 2, 8, tzinfo=UTC)


def at(hours: float, main: str, sub: str = "") -> Milestone:
    return Milestone(T + timedelta(hours=hours), main, sub)


@pytest.mark.parametrize(
    ("miles", "main", "ended", "reopened"),
    [
        ([], "", False, False),
        ([at(1, c.INFO_RECEIVED), at(2, c.IN_TRANSIT)], c.IN_TRANSIT, False, False),
        ([at(1, c.INFO_RECEIVED), at(1, c.IN_TRANSIT)], c.IN_TRANSIT, False, False),
        ([at(1, c.IN_TRANSIT), at(5, c.DELIVERED), at(3, c.OUT_FOR_DELIVERY)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(6, c.DELIVERED)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(5, c.IN_TRANSIT)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(6, c.INFO_RECEIVED)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(6, c.NOT_FOUND)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(6, c.EXPIRED)], c.DELIVERED, True, False),
        ([at(5, c.DELIVERED), at(6, c.EXCEPTION, "returning")], c.EXCEPTION, False, True),
        ([at(5, c.DELIVERED), at(6, c.IN_TRANSIT), at(9, c.RETURNED)], c.RETURNED, True, True),
        ([at(5, c.DELIVERED), at(7, c.RETURNED)], c.RETURNED, True, True),
        ([at(1, c.IN_TRANSIT), at(9, c.EXPIRED)], c.EXPIRED, False, False),
    ],
)
def test_the_newest_counts_and_an_end_holds_until_contradicted(miles, main, ended, reopened) -> None:
    for seed in range(6):
        shuffled = list(miles)
        random.Random(seed).shuffle(shuffled)
        found = standing(shuffled)
        assert (found.main, found.ended_at is not None, found.reopened_at is not None) == (main, ended, reopened)


def test_an_end_keeps_its_first_moment() -> None:
    assert standing([at(5, c.DELIVERED), at(8, c.DELIVERED)]).ended_at == T + timedelta(hours=5)


def test_no_source_is_asked_after_the_end() -> None:
    assert [ask_again_in(main) for main in (c.DELIVERED, c.RETURNED, c.EXPIRED)] == [None, None, None]
    assert all(ask_again_in(main) is not None for main in c.MAINS if main not in (c.DELIVERED, c.RETURNED, c.EXPIRED))


def test_the_same_milestone_has_one_key_whatever_its_spacing() -> None:
    one = TrackEvent(T, c.IN_TRANSIT, "", "A", "Arrived  at\thub", "Köln")
    same = TrackEvent(T, c.IN_TRANSIT, "", "A", " arrived at hub ", "KÖLN")
    assert event_key("x", one) == event_key("x", same)
    others = [
        TrackEvent(T + timedelta(seconds=1), c.IN_TRANSIT, "", "A", "Arrived at hub", "Köln"),
        TrackEvent(T, c.IN_TRANSIT, "", "B", "Arrived at hub", "Köln"),
        TrackEvent(T, c.IN_TRANSIT, "", "A", "Arrived at hub", "Bonn"),
    ]
    assert len({event_key("x", event) for event in [one, *others]} | {event_key("y", one)}) == 5


def test_every_state_has_its_moves_and_all_are_states() -> None:
    assert set(states.MOVES) == set(states.ALL)
    assert set().union(*states.MOVES.values()) <= set(states.ALL)
    assert all(len(state) <= 12 for state in states.ALL)


@pytest.mark.parametrize(
    ("total", "units", "places"), [("10.00", 3, 2), ("0.01", 3, 2), ("9.99", 1, 2), ("1000", 7, 0), ("0.00", 2, 2)]
)
def test_declared_values_add_up_to_what_was_paid(total, units, places) -> None:
    parts = split(Decimal(total), units, places)
    assert sum(n for n, _ in parts) == units
    assert sum(n * value for n, value in parts) == Decimal(total)
    assert len({value for _, value in parts}) <= 2
