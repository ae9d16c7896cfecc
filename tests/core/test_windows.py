"""Windows between two statements in the middle of the house: what kills its worker, and calls that cannot be judged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core import clock
from core.central import hooks, outbox
from core.central.hooks import Handover, HookCall, Reply
from core.central.models import InboundHook
from core.errors import Transient
from core.tenancy import public_context
from tests.core.test_outbox import Bench, bench, later

__all__ = ["bench"]


@pytest.mark.django_db
@pytest.mark.parametrize(("on_failure", "others"), [("aside", [2, 3]), ("hold", [])])
def test_what_kills_its_worker_every_time_stops_nobody_behind_it(
    bench: Bench, acme: str, on_failure: str, others: list[int]
) -> None:
    event = bench.handler(retries=2, on_failure=on_failure)
    bench.emit(event, acme, {"n": 1}, {"n": 2}, {"n": 3})
    for _ in range(2):
        (lease,) = outbox.claim()
        assert lease.payload["n"] == 1  # a worker that is restarted once costs the order nothing
        later()
    outbox.drain()
    assert [n for _, n in bench.seen] == others
    (row,) = outbox.dead(acme)
    assert (row.error_code, row.payload["n"]) == ("work.died", 1)
    assert outbox.retry(acme, [row.pk]) == 1
    outbox.drain()
    assert sorted(n for _, n in bench.seen) == [1, 2, 3]


class Moody:
    """A platform's reader; ``answers`` by body: what it raises, or nothing for good news."""

    def __init__(self, schema: str, answers: dict[bytes, Exception | None]) -> None:
        self.schema, self.answers, self.read_bodies = schema, answers, []

    def greet(self, call: HookCall) -> Reply | None:
        return None

    def read(self, call: HookCall) -> list[Handover]:
        self.read_bodies.append(call.body)
        error = self.answers[call.body]
        if error is not None:
            raise error
        return [Handover(self.schema, "moody.news", {"ids": [1]})]


@pytest.fixture
def moody(acme: str) -> Iterator[Moody]:
    reader = Moody(acme, {})
    hooks.register("moody", reader)
    yield reader
    del hooks._readers["moody"]


def come(body: bytes) -> int:
    return hooks.receive(HookCall("moody", "one", body, {})).status


@pytest.mark.django_db
def test_one_call_that_breaks_its_reader_keeps_no_other_waiting(moody: Moody, bench: Bench) -> None:
    for body in (b"first", b"second"):
        moody.answers[body] = Transient("hook.key_unreachable")
        assert come(body) == 200
    old = InboundHook.objects.create(
        platform="moody", digest="0" * 64, state=InboundHook.HANDED, headers={}, received_at=clock.now(),
        purge_at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    moody.answers |= {b"first": ValueError("a defect"), b"second": None}
    with public_context():
        hooks.sweep()
    first, second = InboundHook.objects.exclude(pk=old.pk).order_by("pk")
    assert (first.state, first.error_code) == (InboundHook.NEW, "work.crashed")
    assert second.state != InboundHook.NEW
    assert not InboundHook.objects.filter(pk=old.pk).exists()


@pytest.mark.django_db
def test_calls_of_a_platform_that_is_gone_keep_no_other_waiting(moody: Moody, acme: str) -> None:
    moody.answers[b"x"] = Transient("hook.key_unreachable")
    come(b"x")
    InboundHook.objects.update(platform="left-us")
    come(b"x")
    moody.answers[b"x"] = None
    hooks.sweep()
    assert set(InboundHook.objects.exclude(state=InboundHook.NEW).values_list("platform", flat=True)) == {"moody"}


@pytest.mark.django_db
def test_a_call_that_can_never_be_judged_is_not_kept_for_ever(moody: Moody) -> None:
    moody.answers[b"x"] = Transient("hook.key_unreachable")
    come(b"x")
    InboundHook.objects.update(received_at=clock.now() - timedelta(days=31), purge_at=clock.now() - timedelta(days=1))
    hooks.sweep()
    assert not InboundHook.objects.exists()
