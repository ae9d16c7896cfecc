"""The due-table on the real database: one runner at a time, take-over after a death, back-off, run now."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from core.central import due, tasks
from core.central.models import Due
from core.clock import now, wall
from core.errors import AuthRevoked, Throttled
from core.tenancy import current_schema
from tenants.models import Tenant


class Jobs:
    def __init__(self) -> None:
        self.name = "test." + uuid.uuid4().hex[:8]
        self.runs: list[tuple[str, str]] = []
        self.body: Any = lambda key: None

    def __call__(self, key: str) -> float | None:
        self.runs.append((current_schema(), key))
        return self.body(key)

    def row(self) -> Due:
        return Due.objects.get(job=self.name)

    def due_in(self) -> float:
        return (self.row().due_at - now()).total_seconds()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    due.due_job(made.name)(made.__call__)
    yield made
    due._jobs.pop(made.name)
    due._defaults.pop(made.name, None)


@pytest.fixture(autouse=True)
def _only_ours(request: pytest.FixtureRequest) -> None:
    """Tenants come with rows of their own; here only a test's rows are due."""
    name = "committed_db" if "committed_db" in request.fixturenames else "db"
    request.getfixturevalue(name)
    Due.objects.all().delete()


def dead() -> None:
    """Whoever holds a lease has been dead for long."""
    Due.objects.exclude(lease_until=None).update(lease_until=wall() - timedelta(seconds=1))


def test_runs_in_the_tenant_and_again_after_its_time(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600)
    assert due.drain() == 1
    assert jobs.runs == [(acme, "k")]
    assert 595 < jobs.due_in() <= 600
    assert due.drain() == 0
    row = jobs.row()
    assert row.lease_until is None and row.failures == 0
    assert row.last_started_at is not None and row.last_finished_at is not None


def test_the_job_may_choose_its_next_time(jobs: Jobs, acme: str) -> None:
    jobs.body = lambda key: 30.0
    due.schedule(acme, jobs.name, "k", 600)
    due.drain()
    assert 25 < jobs.due_in() <= 30


def test_scheduling_twice_keeps_the_time_and_changes_the_interval(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600, first_at=now() + timedelta(seconds=50))
    due.schedule(acme, jobs.name, "k", 900)
    assert 45 < jobs.due_in() <= 50 and jobs.row().every == 900
    due.schedule(acme, jobs.name, "k", 900, first_at=now() + timedelta(seconds=10))
    assert jobs.due_in() <= 10
    due.unschedule(acme, jobs.name, "k")
    assert Due.objects.count() == 0


def test_one_lease_and_only_the_first_of_two_equal_messages_runs(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600)
    ((row_id, token),) = due.claim()
    assert due.claim() == []
    assert due.run(row_id, token) is True
    assert due.run(row_id, token) is False
    assert due.run(row_id, str(uuid.uuid4())) is False
    assert len(jobs.runs) == 1


def test_a_message_that_got_lost_is_made_up_for(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600)
    ((row_id, late),) = due.claim()
    dead()
    ((again, token),) = due.claim()
    assert again == row_id
    assert due.run(row_id, late) is False  # the lost message turns up after all
    assert due.run(row_id, token) is True


class Killed(BaseException):
    pass


def test_a_dead_runner_is_taken_over_after_its_lease(jobs: Jobs, acme: str) -> None:
    def die(key: str) -> None:
        if len(jobs.runs) == 1:
            raise Killed

    jobs.body = die
    due.schedule(acme, jobs.name, "k", 600)
    with pytest.raises(Killed):
        due.drain()
    assert due.drain() == 0
    dead()
    assert due.drain() == 1
    assert len(jobs.runs) == 2 and jobs.row().lease_until is None


def test_failures_back_off_and_are_forgotten_after_a_good_run(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 60)
    waits = []
    jobs.body = lambda key: (_ for _ in ()).throw(AuthRevoked(account=7))
    for _ in range(4):
        due.drain()
        waits.append(round(jobs.due_in()))
        Due.objects.update(due_at=now())
    assert waits == [15, 30, 60, 120]
    row = jobs.row()
    assert (row.failures, row.error_code, row.error_params) == (4, "adapter.auth_revoked", {"account": 7})
    jobs.body = lambda key: None
    due.drain()
    row = jobs.row()
    assert (row.failures, row.error_code) == (0, "") and 55 < jobs.due_in() <= 60


def test_being_throttled_is_no_failure(jobs: Jobs, acme: str) -> None:
    jobs.body = lambda key: (_ for _ in ()).throw(Throttled(retry_after=7.0))
    due.schedule(acme, jobs.name, "k", 600)
    due.drain()
    assert jobs.row().failures == 0 and 5 < jobs.due_in() <= 7


def test_who_asks_again_and_again_sends_nothing_to_the_end_of_the_queue(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 60)
    before = now() - timedelta(minutes=5)
    Due.objects.filter(schema=acme, job=jobs.name).update(due_at=before)
    assert due.run_now(acme, jobs.name, "k") and due.run_now(acme, jobs.name, "k")
    assert due.state(acme, jobs.name, "k").due_at == before
    Due.objects.filter(schema=acme, job=jobs.name).update(due_at=now() + timedelta(hours=1))
    assert due.run_now(acme, jobs.name, "k") and due.state(acme, jobs.name, "k").due_at <= now()


def test_run_now_also_while_it_runs(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600, first_at=now() + timedelta(seconds=500))
    assert due.drain() == 0
    assert due.run_now(acme, jobs.name, "k") is True
    jobs.body = lambda key: due.run_now(acme, jobs.name, "k") and None if len(jobs.runs) == 1 else None
    assert due.drain() == 1
    assert due.drain() == 1  # asked for while it ran
    assert due.drain() == 0
    assert due.run_now(acme, jobs.name, "nothing") is False


def test_paused_rows_and_tenants_that_are_not_active_wait(jobs: Jobs, acme: str, beta: str) -> None:
    due.schedule(acme, jobs.name, "k", 600)
    due.schedule(beta, jobs.name, "k", 600)
    due.pause(acme, jobs.name, "k")
    Tenant.objects.filter(schema_name=beta).update(state=Tenant.PAUSED)
    assert due.drain() == 0
    due.resume(acme, jobs.name, "k")
    assert due.drain() == 1 and jobs.runs == [(acme, "k")]


def test_rows_of_public_run_in_public(jobs: Jobs) -> None:
    due.schedule("public", jobs.name, "", 600)
    due.drain()
    assert jobs.runs == [("public", "")]


def test_tenants_take_turns(jobs: Jobs, acme: str, beta: str) -> None:
    for n in range(20):
        due.schedule(acme, jobs.name, str(n), 600, first_at=now() - timedelta(hours=1))
    due.schedule(beta, jobs.name, "b", 600)
    assert due.drain(limit=2) == 2
    assert {schema for schema, _ in jobs.runs} == {acme, beta}


def test_a_job_of_a_removed_app_backs_off(acme: str) -> None:
    due.schedule(acme, "gone.job", "k", 600)
    due.drain()
    row = Due.objects.get()
    assert (row.error_code, row.error_params, row.failures) == ("work.handler_missing", {"handler": "gone.job"}, 1)


def test_every_tenant_gets_its_default_rows(acme: str) -> None:
    due.schedule_defaults(acme)
    due.schedule_defaults(acme)
    assert Due.objects.filter(schema=acme, job="records.upkeep", key="").count() == 1


def test_many_runners_once_each(jobs: Jobs, acme: str, committed_db: Any) -> None:
    for n in range(40):
        due.schedule(acme, jobs.name, str(n), 600)

    def one() -> None:
        try:
            while due.drain(limit=3):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for _, key in jobs.runs) == sorted(str(n) for n in range(40))


def test_the_task_runs_what_was_claimed(jobs: Jobs, acme: str) -> None:
    due.schedule(acme, jobs.name, "k", 600)
    ((row_id, token),) = due.claim()
    tasks.run_due.delay(row_id, token)
    tasks.run_due.delay(row_id, token)
    assert len(jobs.runs) == 1
