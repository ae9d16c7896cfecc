"""Jobs: progress in the step's own transaction, cancel, slices, resume after a kill."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import jobs, settings_store
from core.central import outbox
from core.central.models import Outbox
from core.clock import wall
from core.errors import BusinessError, NotAllowed, SampanError
from core.jobs import JobRun
from core.permissions import CLERK, MANAGER, OWNER, Actor, of_role, system
from core.records.models import Job
from core.tenancy import tenant_context
from core.ui.views.jobs import _visible

SYSTEM = system("test")


class Killed(BaseException):
    pass


class Kind:
    """A kind of job of one test: numbers up to ``params['to']``, five a step."""

    def __init__(self) -> None:
        self.name = "test." + uuid.uuid4().hex[:8]
        self.before: Any = lambda job, n: None
        self.inside: Any = lambda job, n: None
        self.actors: list[Actor] = []

    def __call__(self, job: JobRun) -> None:
        self.actors.append(job.actor)
        for n in range(job.checkpoint or 0, job.params["to"], 5):
            self.before(job, n)
            with job.step(checkpoint=n + 5, total=job.params["to"]) as step:
                settings_store.put(SYSTEM, "sum", settings_store.get("sum", 0) + 5)
                self.inside(job, n)
                step.done = 5

    def start(self, actor: Actor = SYSTEM, to: int = 20) -> Job:
        return jobs.start(actor, self.name, "job.test", {"to": to}, {"to": to})


@pytest.fixture
def kind() -> Iterator[Kind]:
    made = Kind()
    jobs.job(made.name)(made.__call__)
    yield made
    jobs._runners.pop(made.name)


@pytest.fixture(autouse=True)
def _inside(acme: str, committed_db: Any) -> Iterator[None]:
    with tenant_context(acme):
        yield


def dead() -> None:
    """Whoever holds a lease has been dead for long."""
    past = wall() - timedelta(hours=1)
    Outbox.objects.filter(state=Outbox.LEASED).update(lease_until=past)
    Outbox.objects.filter(state=Outbox.READY).update(available_at=past)
    Job.objects.exclude(lease_until=None).update(lease_until=past)


def test_a_job_runs_to_its_end(kind: Kind) -> None:
    made = kind.start()
    assert made.state == Job.QUEUED
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done, made.total, made.failed, made.checkpoint) == (Job.DONE, 20, 20, 0, 20)
    assert made.started_at and made.finished_at and made.lease_until is None
    assert settings_store.get("sum") == 20
    assert Outbox.objects.count() == 0


def test_it_acts_with_the_rights_of_who_started_it(kind: Kind) -> None:
    actor = Actor("user", 7, "Li", of_role(CLERK), accounts=frozenset({1, 2}), language="zh-hans")
    made = kind.start(actor)
    outbox.drain()
    assert kind.actors == [actor]
    assert made.params == {"to": 20} | {jobs.ACTOR: made.params[jobs.ACTOR]}


@pytest.mark.parametrize("where", ["before", "inside"])
def test_a_killed_job_goes_on_where_it_was(kind: Kind, where: str) -> None:
    died = []

    def die(job: JobRun, n: int) -> None:
        if n == 10 and not died:
            died.append(n)
            raise Killed

    setattr(kind, where, die)
    made = kind.start()
    with pytest.raises(Killed):
        outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done, made.checkpoint) == (Job.RUNNING, 10, 10)
    assert outbox.drain() == 0
    dead()
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done) == (Job.DONE, 20)
    assert settings_store.get("sum") == 20


def test_a_runner_that_lost_the_job_rolls_back_its_step(kind: Kind) -> None:
    def stolen(job: JobRun, n: int) -> None:
        if n == 5:
            Job.objects.update(lease_token=uuid.uuid4())

    kind.before = stolen
    made = kind.start()
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done) == (Job.RUNNING, 5) and settings_store.get("sum") == 5


def test_cancel_after_the_present_step(kind: Kind) -> None:
    made = kind.start()
    kind.before = lambda job, n: jobs.cancel(SYSTEM, made.pk) if n == 5 else None
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done) == (Job.CANCELLED, 10)
    kind.before = lambda job, n: None
    jobs.resume(SYSTEM, made.pk)
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done) == (Job.DONE, 20)
    with pytest.raises(BusinessError):
        jobs.resume(SYSTEM, made.pk)


def test_a_queued_job_is_cancelled_at_once(kind: Kind) -> None:
    made = kind.start()
    jobs.cancel(SYSTEM, made.pk)
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done) == (Job.CANCELLED, 0) and settings_store.get("sum") is None


def test_long_work_is_done_in_slices(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0.0)
    made = kind.start()
    states = []
    for _ in range(4):
        outbox.drain(max_seconds=0)
        made.refresh_from_db()
        states.append((made.state, made.done))
    assert states == [(Job.QUEUED, 5), (Job.QUEUED, 10), (Job.QUEUED, 15), (Job.QUEUED, 20)]
    outbox.drain()
    made.refresh_from_db()
    assert made.state == Job.DONE and settings_store.get("sum") == 20


def test_what_fails_is_told_and_resumable(kind: Kind) -> None:
    def refuse(job: JobRun, n: int) -> None:
        if n == 10:
            raise SampanError("order.gone", order=3)

    kind.before = refuse
    made = kind.start()
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.error_code, made.error_params) == (Job.FAILED, "order.gone", {"order": 3})
    kind.before = lambda job, n: None
    jobs.resume(SYSTEM, made.pk)
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.done, made.error_code) == (Job.DONE, 20, "")


def test_items_that_could_not_be_done_are_listed_up_to_a_limit(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_LOG", 6)

    def body(job: JobRun) -> None:
        for n in range(4):
            with job.step() as step:
                for item in range(3):
                    step.fail(item, f"SO-{item}", "order.on_hold", n=n)
        job.progress(done=1, total=13)

    jobs._runners[kind.name] = body
    made = kind.start()
    outbox.drain()
    made.refresh_from_db()
    assert (made.failed, made.done, made.total, len(made.log)) == (12, 1, 13, 6)
    assert made.log[0] == {"id": 0, "label": "SO-0", "code": "order.on_hold", "params": {"n": 0}}


def test_a_job_that_nobody_will_start_again_is_shown_as_interrupted(kind: Kind) -> None:
    made = kind.start()
    assert jobs.mark_interrupted() == 0
    Outbox.objects.all().delete()
    assert jobs.mark_interrupted() == 1
    made.refresh_from_db()
    assert made.state == Job.INTERRUPTED
    jobs.resume(SYSTEM, made.pk)
    outbox.drain()
    made.refresh_from_db()
    assert made.state == Job.DONE


def test_only_the_starter_and_managers_may_stop_it(kind: Kind) -> None:
    made = kind.start(Actor("user", 7, "Li", of_role(CLERK)))
    with pytest.raises(NotAllowed):
        jobs.cancel(Actor("user", 8, "Wu", of_role(CLERK)), made.pk)
    jobs.cancel(Actor("user", 7, "Li", of_role(CLERK)), made.pk)


def test_who_is_narrowed_manages_no_others_jobs(kind: Kind) -> None:
    """A job runs with the rights of who started it: resumed, it would do what the manager of one account may not."""
    made = kind.start(Actor("user", 7, "Li", of_role(OWNER)))
    jobs.cancel(Actor("user", 7, "Li", of_role(OWNER)), made.pk)
    for scope in ({"accounts": frozenset({1})}, {"warehouses": frozenset({1})}):
        narrow = Actor("user", 8, "Wu", of_role(MANAGER), **scope)
        with pytest.raises(NotAllowed):
            jobs.resume(narrow, made.pk)
        assert [one.pk for one in _visible(narrow)] == []
    assert Job.objects.get(pk=made.pk).state == Job.CANCELLED
    own = kind.start(Actor("user", 8, "Wu", of_role(MANAGER), accounts=frozenset({1})))
    jobs.cancel(Actor("user", 8, "Wu", of_role(MANAGER), accounts=frozenset({1})), own.pk)
    whole = Actor("user", 9, "Zhao", of_role(MANAGER))
    assert {one.pk for one in _visible(whole)} == {made.pk, own.pk}
    jobs.resume(whole, made.pk)
    assert Job.objects.get(pk=made.pk).state == Job.QUEUED


def test_unknown_kinds_are_refused(kind: Kind) -> None:
    with pytest.raises(ValueError):
        jobs.start(SYSTEM, "no.such", "job.test", {}, {})
