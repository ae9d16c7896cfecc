"""The outbox on the real database: once, in order, fair, and none the worse for killed workers and lost hints."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from core import events
from core.central import leases, outbox
from core.central.models import Outbox
from core.clock import wall
from core.errors import LeaseLost, NoTenant, SampanError, Throttled
from core.records.models import TenantSetting
from core.tenancy import current_schema, tenant_context
from tenants.models import Tenant

Seen = list[tuple[str, Any]]


class Bench:
    """Handlers of one test, under names of its own."""

    def __init__(self) -> None:
        self.tag = uuid.uuid4().hex[:8]
        self.seen: Seen = []

    def handler(self, name: str = "h", body: Any = None, **options: Any) -> str:
        options.setdefault("stream", lambda payload: payload.get("stream", ""))

        def call(payload: dict[str, Any]) -> None:
            self.seen.append((current_schema(), payload.get("n")))
            if body is not None:
                body(payload)

        events.on(f"{self.tag}.{name}", name=f"{self.tag}.{name}", **options)(call)
        return f"{self.tag}.{name}"

    def emit(self, event: str, schema: str, *payloads: dict[str, Any]) -> None:
        with tenant_context(schema), transaction.atomic():
            events.emit_many(event, list(payloads))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    outbox._places = outbox._Places()
    yield made
    for table in (events._by_event, events._by_name):
        for name in [n for n in table if n.startswith(made.tag)]:
            del table[name]


def later(seconds: float = 3600) -> None:
    """Let so much time pass for every row: back-offs end and leases run out."""
    delta = timedelta(seconds=seconds)
    for row in Outbox.objects.exclude(state=Outbox.DEAD):
        row.available_at -= delta
        row.lease_until = row.lease_until and row.lease_until - delta
        row.save()


@pytest.mark.django_db
def test_emit_goes_with_the_callers_transaction(bench: Bench, acme: str) -> None:
    event = bench.handler()
    with pytest.raises(KeyError), tenant_context(acme), transaction.atomic():
        events.emit(event, {"n": 1})
        raise KeyError
    assert Outbox.objects.count() == 0
    bench.emit(event, acme, {"n": 2})
    assert outbox.drain() == 1
    assert bench.seen == [(acme, 2)]
    assert Outbox.objects.count() == 0


def test_emit_outside_a_transaction_is_refused(bench: Bench, acme: str, committed_db: Any) -> None:
    event = bench.handler()
    with pytest.raises(transaction.TransactionManagementError), tenant_context(acme):
        events.emit(event, {})


@pytest.mark.django_db
def test_emit_in_public_needs_a_tenant(bench: Bench, acme: str) -> None:
    event = bench.handler()
    with transaction.atomic():
        with pytest.raises(NoTenant):
            events.emit(event, {"n": 1})
        assert events.emit(event, {"n": 1}, schema=acme) == 1
    outbox.drain()
    assert bench.seen == [(acme, 1)]


@pytest.mark.django_db
def test_every_handler_gets_its_own_row(bench: Bench, acme: str) -> None:
    event = bench.handler("a")
    other: Seen = []
    events.on(event, name=f"{bench.tag}.second")(lambda payload: other.append(("second", payload["n"])))
    bench.emit(event, acme, {"n": 1})
    assert Outbox.objects.count() == 2
    outbox.drain()
    assert bench.seen == [(acme, 1)] and other == [("second", 1)]


@pytest.mark.django_db
def test_order_within_a_stream_and_none_across(bench: Bench, acme: str) -> None:
    event = bench.handler()
    bench.emit(event, acme, *[{"n": n, "stream": "xy"[n % 2]} for n in range(6)])
    first = outbox.claim(10)
    assert sorted((lease.stream, lease.payload["n"]) for lease in first) == [("x", 0), ("y", 1)]
    assert outbox.claim(10) == []  # both streams are held
    for lease in first:
        assert outbox.run(lease)
    outbox.drain()
    numbers = [n for _, n in bench.seen]
    assert [n for n in numbers if n % 2 == 0] == [0, 2, 4]
    assert [n for n in numbers if n % 2] == [1, 3, 5]


@pytest.mark.django_db
def test_tenants_take_turns(bench: Bench, acme: str, beta: str) -> None:
    event = bench.handler()
    bench.emit(event, acme, *[{"n": n, "stream": str(n % 7)} for n in range(100)])
    bench.emit(event, beta, {"n": 1000}, {"n": 1001})
    for _ in range(4):
        for lease in outbox.claim(1):
            outbox.run(lease)
    assert [schema for schema, _ in bench.seen].count(beta) == 2
    # … and in one claim of several
    bench.emit(event, beta, {"n": 1002})
    assert {lease.schema for lease in outbox.claim(2)} == {acme, beta}


@pytest.mark.django_db
def test_streams_of_a_tenant_take_turns(bench: Bench, acme: str) -> None:
    a, z = bench.handler("a"), bench.handler("z")
    bench.emit(a, acme, *[{"n": n} for n in range(20)])
    bench.emit(z, acme, {"n": 99})
    outbox.drain(max_seconds=0)  # one
    outbox.drain(max_seconds=0)  # two
    assert (acme, 99) in bench.seen


@pytest.mark.django_db
def test_tenants_that_are_not_active_wait(bench: Bench, acme: str, beta: str) -> None:
    event = bench.handler()
    bench.emit(event, acme, {"n": 1})
    bench.emit(event, beta, {"n": 2})
    Tenant.objects.filter(schema_name=acme).update(state=Tenant.PAUSED)
    outbox.drain()
    assert bench.seen == [(beta, 2)]
    Tenant.objects.filter(schema_name=acme).update(state=Tenant.ACTIVE)
    outbox.drain()
    assert bench.seen[1:] == [(acme, 1)]


def fails_on(number: int, error: Exception) -> Any:
    def body(payload: dict[str, Any]) -> None:
        if payload["n"] == number:
            raise error

    return body


@pytest.mark.django_db
def test_a_failed_head_holds_its_stream(bench: Bench, acme: str) -> None:
    event = bench.handler(body=fails_on(0, SampanError("x.y", item="k")), on_failure="hold", retries=3)
    bench.emit(event, acme, *[{"n": n} for n in range(3)])
    for _ in range(5):
        outbox.drain()
        later()
    assert [n for _, n in bench.seen] == [0, 0, 0]
    (row,) = outbox.dead(acme)
    assert (row.error_code, row.error_params, row.attempt) == ("x.y", {"item": "k"}, 3)
    assert Outbox.objects.filter(state=Outbox.READY).count() == 2  # held until a person decides
    assert outbox.drop(acme, [row.pk]) == 1
    outbox.drain()
    assert [n for _, n in bench.seen][3:] == [1, 2]


@pytest.mark.django_db
def test_a_failed_head_is_set_aside(bench: Bench, acme: str) -> None:
    event = bench.handler(body=fails_on(0, ValueError("Wang Fang")), on_failure="aside", retries=2)
    bench.emit(event, acme, *[{"n": n, "stream": "s"} for n in range(3)])
    outbox.drain()
    assert [n for _, n in bench.seen] == [0, 1, 2]
    later()
    outbox.drain()
    (row,) = outbox.dead(acme)
    assert row.error_code == "work.crashed" and row.attempt == 2
    assert row.error_params["error"] == "ValueError" and row.error_params["at"].startswith("tests/core/test_outbox")
    assert "Wang" not in str(row.error_params)
    assert outbox.retry(acme, [row.pk]) == 1
    outbox.drain()
    assert [n for _, n in bench.seen].count(0) == 3


@pytest.mark.django_db
def test_back_off_doubles_and_throttling_does_not_count(bench: Bench, acme: str) -> None:
    errors: list[Exception] = [SampanError(), SampanError(), Throttled(retry_after=40.0)]
    event = bench.handler(body=lambda payload: (_ for _ in ()).throw(errors[len(bench.seen) - 1]), on_failure="hold")
    bench.emit(event, acme, {"n": 0})
    waits, attempts = [], []
    for _ in range(3):
        outbox.drain()
        row = Outbox.objects.get()
        waits.append((row.available_at - wall()).total_seconds())
        attempts.append(row.attempt)
        later()
    assert 0.5 < waits[0] < 1.3 < 1.5 < waits[1] < 2.5 < 39 < waits[2] <= 40
    assert attempts == [1, 2, 2]


@pytest.mark.django_db
def test_a_handler_that_is_gone_ends_on_the_desk(bench: Bench, acme: str) -> None:
    event = bench.handler()
    bench.emit(event, acme, {"n": 1})
    Outbox.objects.update(handler="nobody.knows")
    for _ in range(10):
        outbox.drain()
        later()
    (row,) = outbox.dead(acme)
    assert (row.error_code, row.error_params) == ("work.handler_missing", {"handler": "nobody.knows"})


def count(schema: str, name: str = "n") -> int:
    with tenant_context(schema):
        row = TenantSetting.objects.filter(name=name).first()
        return int(row.value) if row else 0


def bump(name: str = "n") -> None:
    row, _ = TenantSetting.objects.get_or_create(name=name, defaults={"value": 0})
    row.value += 1
    row.save()


class Killed(BaseException):
    """The process ends here: nothing of ours may catch it."""


@pytest.mark.parametrize("where", ["before", "between", "inside", "after"])
def test_a_handler_killed_anywhere_has_its_effect_once(bench: Bench, acme: str, committed_db: Any, where: str) -> None:
    die = [True]

    def maybe(here: str) -> None:
        if here == where and die.pop() if die else False:
            raise Killed

    def body(payload: dict[str, Any]) -> None:
        maybe("before")
        with transaction.atomic():
            TenantSetting.objects.get_or_create(name="prepared", defaults={"value": 1})
        maybe("between")
        with events.close_row():
            bump()
            maybe("inside")
        maybe("after")

    event = bench.handler(body=body)
    bench.emit(event, acme, {"n": 1})
    with pytest.raises(Killed):
        outbox.drain()
    assert outbox.drain() == 0  # its lease still runs
    later()
    outbox.drain()
    assert count(acme) == 1
    assert Outbox.objects.count() == 0
    assert len(bench.seen) == (1 if where == "after" else 2)


def test_a_lost_lease_rolls_back(bench: Bench, acme: str, committed_db: Any) -> None:
    caught: list[Exception] = []

    def body(payload: dict[str, Any]) -> None:
        if len(bench.seen) == 1:
            later()
            outbox.drain()  # another worker takes it over and finishes
        try:
            with events.close_row():
                bump()
        except LeaseLost as error:
            caught.append(error)
            raise

    event = bench.handler(body=body)
    bench.emit(event, acme, {"n": 1})
    (lease,) = outbox.claim()
    assert outbox.run(lease) is False
    assert len(caught) == 1 and len(bench.seen) == 2
    assert count(acme) == 1
    assert Outbox.objects.count() == 0


@pytest.mark.django_db
def test_what_kills_its_worker_ends_dead(bench: Bench, acme: str) -> None:
    event = bench.handler(retries=3)
    bench.emit(event, acme, {"n": 1})
    for _ in range(3):
        assert len(outbox.claim()) == 1
        later()
    assert outbox.claim() == []
    (row,) = outbox.dead(acme)
    assert (row.error_code, row.attempt) == ("work.died", 3)


@pytest.mark.django_db
def test_close_row_outside_a_worker_is_a_plain_transaction(acme: str) -> None:
    with pytest.raises(KeyError), tenant_context(acme), events.close_row():
        bump()
        raise KeyError
    assert count(acme) == 0


def in_threads(number: int, work: Any) -> None:
    """Real workers: each thread has a connection of its own."""
    errors: list[BaseException] = []

    def one() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_many_workers_once_each_and_in_order(bench: Bench, acme: str, beta: str, committed_db: Any) -> None:
    busy: set[str] = set()
    guard = threading.Lock()
    clashes: list[str] = []

    def body(payload: dict[str, Any]) -> None:
        here = f"{current_schema()} {payload['stream']}"
        with guard:
            if here in busy:
                clashes.append(here)
            busy.add(here)
        with events.close_row():
            bump(payload["stream"])
        with guard:
            busy.discard(here)

    event = bench.handler(body=body)
    for schema in (acme, beta):
        bench.emit(event, schema, *[{"n": n, "stream": str(n % 3)} for n in range(30)])

    def until_all() -> None:
        while Outbox.objects.exists():
            outbox.drain()

    in_threads(4, until_all)
    assert clashes == []
    for schema in (acme, beta):
        assert [count(schema, str(stream)) for stream in range(3)] == [10, 10, 10]
        for stream in range(3):
            mine = [n for where, n in bench.seen if where == schema and n % 3 == stream]
            assert mine == sorted(mine)
    assert len(bench.seen) == 60


def test_a_row_that_commits_late_does_not_split_its_stream(bench: Bench, acme: str, committed_db: Any) -> None:
    """A smaller id can become visible after a larger one was leased: the stream stays with the one who holds it."""
    event = bench.handler()
    bench.emit(event, acme, {"n": 1}, {"n": 2})
    early, late = Outbox.objects.order_by("id")
    Outbox.objects.filter(pk=early.pk).update(stream="elsewhere", available_at=wall() + timedelta(hours=1))
    (lease,) = outbox.claim()
    assert lease.id == late.pk
    Outbox.objects.filter(pk=early.pk).update(stream="", available_at=wall())
    assert outbox.claim() == []
    outbox.run(lease)
    assert [lease.id for lease in outbox.claim()] == [early.pk]


@pytest.mark.django_db
def test_hints_are_not_needed_and_harm_nothing(bench: Bench, acme: str) -> None:
    from core.central import tasks

    event = bench.handler()
    bench.emit(event, acme, {"n": 1})
    for _ in range(3):
        tasks.drain.delay()
    tasks.tick.delay()
    assert bench.seen == [(acme, 1)]


def test_a_lease_is_renewed_while_its_holder_lives(bench: Bench, acme: str, committed_db: Any) -> None:
    event = bench.handler()
    bench.emit(event, acme, {"n": 1})
    (lease,) = outbox.claim()
    with leases.kept("public.central_outbox", lease.id, lease.token):
        before = Outbox.objects.get().lease_until
        assert before is not None
        leases.renew(list(leases._keeper.held.values()))
        after = Outbox.objects.get().lease_until
        assert after is not None and after > before
        with events.running(lease), tenant_context(acme), events.close_row():
            # Our own transaction has the row: another connection that renews must not wait for it.
            in_threads(1, lambda: leases.renew(list(leases._keeper.held.values())))
    assert leases._keeper.held == {}
    assert Outbox.objects.count() == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def test_claiming_stays_on_the_index(bench: Bench, acme: str, beta: str, committed_db: Any) -> None:
    event = bench.handler()
    for schema in (acme, beta):
        bench.emit(event, schema, *[{"n": n, "stream": str(n % 20)} for n in range(5000)])
    for analyzed in (False, True):
        if analyzed:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE public.central_outbox")
        plan = outbox.explain([acme, beta], 2)
        reads = [node for node in nodes(plan) if node.get("Relation Name") == "central_outbox"]
        assert {node["Node Type"] for node in reads} <= {"Index Scan", "Index Only Scan"}, reads
        assert sum(node["Index Name"] == "outbox_heads" for node in reads) == 4
    assert [n["Node Type"] for n in reads if n["Index Name"] == "outbox_heads"] == ["Index Only Scan"] * 4
    # The backlog fills some hundred pages; the walk touches a few for each stream it looks at.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60, plan


def test_closed_rows_leave_nothing_behind(bench: Bench, acme: str, committed_db: Any) -> None:
    event = bench.handler()
    bench.emit(event, acme, *[{"n": n, "stream": str(n % 5)} for n in range(200)])
    outbox.drain(limit=5)
    assert Outbox.objects.count() == 0 and len(bench.seen) == 200


@pytest.mark.django_db
@pytest.mark.parametrize("closes", [True, False])
def test_rows_of_a_merging_handler_are_handled_together(bench: Bench, acme: str, closes: bool) -> None:
    calls: list[list[int]] = []

    def body(payload: dict[str, Any]) -> None:
        calls.append(payload["ids"])
        if closes:
            with events.close_row():
                pass

    event = bench.handler(body=body, merge=True, stream=lambda payload: str(payload["ids"][0] % 2))
    bench.emit(event, acme, *({"ids": [number, number + 2]} for number in range(6)))
    assert outbox.drain(5) == 2
    assert sorted(calls) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert not Outbox.objects.filter(schema=acme).exists()


@pytest.mark.django_db
def test_a_bad_row_among_merged_ones_ends_alone(bench: Bench, acme: str) -> None:
    done: list[int] = []

    def body(payload: dict[str, Any]) -> None:
        if 3 in payload["ids"]:
            raise ValueError("three")
        done.extend(payload["ids"])

    event = bench.handler(body=body, merge=True, stream=lambda payload: "one", retries=3)
    bench.emit(event, acme, *({"ids": [number]} for number in range(1, 6)))
    for _ in range(30):
        outbox.drain(5)
        later()
    assert sorted(done) == [1, 2, 4, 5]
    (dead,) = Outbox.objects.filter(schema=acme)
    assert (dead.state, dead.payload) == (Outbox.DEAD, {"ids": [3]})
