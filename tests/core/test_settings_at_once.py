"""A setting that is read to be changed by two at once; and a wait that somebody else chose."""

from __future__ import annotations

from typing import Any

import pytest

from api import news
from api.services import endpoints
from core import settings_store
from core.central import due, outbox
from core.errors import LONGEST_WAIT, Throttled
from core.permissions import system
from core.tenancy import tenant_context
from fba import options
from fulfilment import alarms
from tests.core.test_outbox import Bench, bench, later
from tests.orders.test_lock_order import crossed
from tests.support.database import ACME, WorkerDatabase, back_to_public

__all__ = ["bench"]
ACTOR = system("test")


def test_two_endpoints_that_are_made_at_once_are_both_heard(committed_db: WorkerDatabase) -> None:
    """Else nothing would ever be written for what the first one listens to."""

    def make(event: str) -> None:
        endpoints.create(actor=ACTOR, url="https://example.com/hook", events=[event])

    with tenant_context(ACME):
        found = crossed(lambda: make("order.cancelled"), lambda: make("stock.changed"), lambda: None)
        assert found == [None]
        assert settings_store.get(news.SETTING) == ["order.cancelled", "stock.changed"]
    back_to_public()


def test_two_who_change_different_things_of_one_setting(committed_db: WorkerDatabase) -> None:
    one, two = sorted(alarms.TUNABLE)[:2]
    with tenant_context(ACME):
        with settings_store.remembered():
            alarms.hours()  # read before, as by the page that shows the form
            crossed(
                lambda: alarms.tune(actor=ACTOR, wanted={one: 5}),
                lambda: alarms.tune(actor=ACTOR, wanted={two: 6}),
                lambda: None,
            )
        assert (alarms.hours()[one], alarms.hours()[two]) == (5, 6)
        crossed(
            lambda: options.change(actor=ACTOR, domestic_days=11.0),
            lambda: options.change(actor=ACTOR, receiving_days=12.0),
            lambda: None,
        )
        assert (options.current().domestic_days, options.current().receiving_days) == (11.0, 12.0)
    back_to_public()


@pytest.mark.parametrize(
    ("told", "taken"), [("inf", LONGEST_WAIT), ("1e300", LONGEST_WAIT), ("31536000", LONGEST_WAIT), ("-5", 0.0),
                        ("nan", None), ("7.5", 7.5)],
)  # fmt: skip
def test_a_wait_that_no_clock_can_count_is_a_day(told: str, taken: float | None) -> None:
    assert Throttled(float(told)).retry_after == taken


@pytest.mark.django_db
def test_being_told_to_wait_for_ever_ends(bench: Bench, acme: str) -> None:
    def body(payload: dict[str, Any]) -> None:
        if len(bench.seen) == 1:
            raise Throttled(float("1e300"))

    event = bench.handler(body=body)
    bench.emit(event, acme, {"n": 1})
    assert outbox.drain() == 1
    later(LONGEST_WAIT + 1)
    assert outbox.drain() == 1
    assert len(bench.seen) == 2


@pytest.mark.django_db
def test_a_job_that_is_told_to_wait_for_ever_comes_again(acme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def job(key: str) -> None:
        raise Throttled(float("inf"))

    monkeypatch.setitem(due._jobs, "test.waits", job)
    due.schedule(acme, "test.waits", "", 60)
    for row_id, token in due.claim(500):
        if due.Due.objects.get(pk=row_id).job == "test.waits":
            assert due.run(row_id, token) is False
    row = due.state(acme, "test.waits", "")
    assert row is not None and row.lease_until is None and row.error_code == "adapter.throttled"
