"""What is kept for some seconds is made by one at a time, however many ask for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from time import sleep
from typing import Any

import pytest
from redis.exceptions import ConnectionError as NoCache

from core.cache import forget, kept

PEOPLE = 20


@pytest.fixture
def key() -> Iterator[str]:
    name = f"test.{uuid.uuid4().hex}"
    yield name
    forget(name)


class Maker:
    """Counts how often it is asked; takes its time."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.calls, self.seconds, self.lock = 0, seconds, Lock()

    def __call__(self) -> dict[str, int]:
        with self.lock:
            self.calls += 1
            mine = self.calls
        sleep(self.seconds)
        return {"made": mine}


def at_once(act: Callable[[], Any]) -> list[Any]:
    start = Barrier(PEOPLE)

    def one(_n: int) -> Any:
        start.wait(10)
        return act()

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(one, range(PEOPLE)))


def test_twenty_who_come_to_an_empty_cache_wait_for_one(key: str) -> None:
    make = Maker()
    assert at_once(lambda: kept(key, 60, make)) == [{"made": 1}] * PEOPLE
    assert make.calls == 1


def test_while_one_makes_it_anew_the_others_get_the_former_value(key: str) -> None:
    make = Maker()
    kept(key, 0.05, make)
    sleep(0.1)  # it is old now
    found = at_once(lambda: kept(key, 60, make))
    assert make.calls == 2 and found.count({"made": 2}) >= 1 and found.count({"made": 1}) >= 1
    assert kept(key, 60, make) == {"made": 2} and make.calls == 2


def test_one_that_fails_leaves_the_turn_to_the_next(key: str) -> None:
    def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept(key, 60, fails)
    assert kept(key, 60, lambda: 7) == 7


def test_what_is_forgotten_while_it_is_made_is_not_kept(key: str) -> None:
    """Somebody acts while the figures are counted: whoever asks next sees the act."""
    begun, go = Event(), Event()

    def slow() -> str:
        begun.set()
        go.wait(10)
        return "before the act"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept, key, 60, slow)
        begun.wait(10)
        forget(key)
        go.set()
        assert first.result(10) == "before the act"
    assert kept(key, 60, lambda: "after it") == "after it"


class Gone:
    """A cache that does not answer."""

    def __getattr__(self, _name: str) -> Any:
        def refuse(*_args: Any, **_more: Any) -> None:
            raise NoCache("nobody answers")

        return refuse


def test_without_a_cache_everybody_makes_his_own(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker(0)
    with monkeypatch.context() as without:
        without.setattr("core.cache.cache", Gone())
        assert kept(key, 60, make) == {"made": 1} and kept(key, 60, make) == {"made": 2}
        forget(key)
    assert kept(key, 60, make) == {"made": 3}
