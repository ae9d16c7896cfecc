"""An act on more rows than a request does: a job in batches, with what could not be done by item, cancel, and a kill."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from core.central import outbox
from core.central.models import Outbox
from core.permissions import OWNER
from core.records.models import Job
from core.tenancy import tenant_context
from core.ui.lists import bulk
from orders.bulk import HOLD
from orders.models import Order
from orders.services import acts
from orders.services.acts import Outcome
from tenants.models import Membership, Tenant, User
from tests.orders.conftest import order, take
from tests.support.database import ACME, WorkerDatabase
from tests.ui.conftest import HOST, House, make_house


@dataclass
class Busy:
    """A house with 230 more orders in Germany, and an owner at the desk."""

    house: House
    owner: Client

    def job(self) -> Job:
        with tenant_context(ACME):
            return Job.objects.get()

    def states(self, **narrow: object) -> set[str]:
        with tenant_context(ACME):
            return set(Order.objects.filter(external_id__startswith="MORE-", **narrow).values_list("state", flat=True))


@pytest.fixture
def busy(committed_db: WorkerDatabase, monkeypatch: pytest.MonkeyPatch) -> Busy:
    with tenant_context(ACME):
        house = make_house()
        take(house.shop, *[order(f"MORE-{n}") for n in range(230)])
    Outbox.objects.all().delete()  # their routing is of no interest here
    user = User.objects.create_user("owner-of-lists@acme.example", "long-enough-word", name="Li Na")
    tenant = Tenant.objects.get(schema_name=ACME)
    Membership.objects.create(user=user, tenant=tenant, role=OWNER, created_at=clock.now())
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    return Busy(house, client)


EVERYTHING = {"all": "1", "view": "tab=all&country=DE", "note": "count first"}


def test_everything_in_a_long_view_is_done_in_the_background(busy: Busy) -> None:
    answer = busy.owner.post("/orders/bulk/hold", EVERYTHING)
    assert (answer.status_code, answer["Location"]) == (302, "/orders/?tab=all&country=DE")
    assert "goes on in the background" in busy.owner.get("/orders/").content.decode()
    assert busy.states() == {"new"} and busy.job().state == Job.QUEUED
    outbox.drain()
    made = busy.job()
    assert busy.states() == {"held"}
    with tenant_context(ACME):
        german = Order.objects.filter(ship_country="DE")
        assert german.filter(state="held", reason_params={"note": "count first"}).count() == made.done
        assert made.done + made.failed == made.total == german.count() > 230
        assert not Order.objects.exclude(ship_country="DE").filter(state="held").exists()
    # the unpaid one could not be held: by number, reason, and a way to it
    assert made.state == Job.DONE and made.failed == len(made.log) == 1
    (left,) = made.log
    assert left["label"] == f"S-{busy.house.ids['unpaid']}" and left["href"] == busy.house.path("unpaid")
    assert left["code"] == "state.illegal_move"


def test_few_are_done_at_once_however_they_are_chosen(busy: Busy) -> None:
    busy.owner.post("/orders/bulk/hold", {"all": "1", "view": "tab=short", "note": ""})
    with tenant_context(ACME):
        assert busy.house.order("short").state == "held" and not Job.objects.exists()
        ids = list(Order.objects.filter(external_id__startswith="MORE-").values_list("pk", flat=True))
    busy.owner.post("/orders/bulk/hold", {"id": ids[:200]})
    with tenant_context(ACME):
        assert not Job.objects.exists()
    busy.owner.post("/orders/bulk/route", {"id": ids[:201]})
    assert busy.job().total == 201 and busy.job().params["ids"] == ids[:201]


def test_a_killed_one_goes_on_and_does_nothing_twice(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    hold = acts.hold

    def dies(*, actor, order_ids, note=""):
        calls.append(len(order_ids))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return hold(actor=actor, order_ids=order_ids, note=note)

    monkeypatch.setattr(acts, "hold", dies)
    busy.owner.post("/orders/bulk/hold", EVERYTHING)
    with pytest.raises(KeyboardInterrupt):
        outbox.drain()
    stopped = busy.job()
    assert (stopped.state, stopped.checkpoint) == (Job.RUNNING, 200) and stopped.done + stopped.failed == 200
    past = clock.wall() - timedelta(hours=1)
    Outbox.objects.filter(state=Outbox.LEASED).update(lease_until=past)
    with tenant_context(ACME):
        Job.objects.update(lease_until=past)
    outbox.drain()
    Outbox.objects.filter(state=Outbox.READY).update(available_at=past)
    outbox.drain()
    ended = busy.job()
    assert ended.state == Job.DONE and ended.done + ended.failed == ended.total
    assert busy.states() == {"held"}


def test_it_stops_when_asked_and_can_go_on(busy: Busy) -> None:
    busy.owner.post("/orders/bulk/hold", EVERYTHING)
    busy.owner.post(f"/jobs/{busy.job().pk}/cancel")
    outbox.drain()
    assert busy.job().state == Job.CANCELLED and busy.states() == {"new"}
    busy.owner.post(f"/jobs/{busy.job().pk}/resume")
    outbox.drain()
    assert busy.job().state == Job.DONE and busy.states() == {"held"}


def test_a_batch_that_is_refused_as_a_whole_is_tried_one_by_one(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    """One order that nobody foresaw holds up none of the others."""
    from core.errors import BusinessError

    hold = acts.hold
    with tenant_context(ACME):
        bad = Order.objects.get(external_id="MORE-7").pk

    def picky(*, actor, order_ids, note="") -> Outcome:
        if bad in order_ids:
            raise BusinessError("order.not_found")
        return hold(actor=actor, order_ids=order_ids, note=note)

    monkeypatch.setattr(acts, "hold", picky)
    busy.owner.post("/orders/bulk/hold", EVERYTHING)
    outbox.drain()
    made = busy.job()
    assert made.state == Job.DONE
    assert {entry["id"]: entry["code"] for entry in made.log}[bad] == "order.not_found"
    assert busy.states() == {"held", "new"} and made.done + made.failed == made.total


def test_it_acts_within_the_rights_of_who_asked(busy: Busy) -> None:
    user = User.objects.create_user("blind@acme.example", "long-enough-word", name="Wu")
    tenant = Tenant.objects.get(schema_name=ACME)
    Membership.objects.create(user=user, tenant=tenant, role="clerk", accounts=[999], created_at=clock.now())
    blind = Client(HTTP_HOST=HOST)
    blind.force_login(user)
    with tenant_context(ACME):
        ids = list(Order.objects.filter(external_id__startswith="MORE-").values_list("pk", flat=True))
    blind.post("/orders/bulk/hold", {"id": ids})
    outbox.drain()
    made = busy.job()
    assert (made.done, made.failed) == (0, len(ids)) and busy.states() == {"new"}
    assert {entry["code"] for entry in made.log} == {"order.not_found"}
    viewer = User.objects.create_user("viewer@acme.example", "long-enough-word", name="Xu")
    Membership.objects.create(user=viewer, tenant=tenant, role="viewer", created_at=clock.now())
    looking = Client(HTTP_HOST=HOST)
    looking.force_login(viewer)
    assert looking.post("/orders/bulk/hold", EVERYTHING).status_code == 403


def test_every_act_has_a_name_and_a_right() -> None:
    from core.permissions import operations
    from core.words import knows

    assert HOLD in bulk.acts()
    for one in bulk.acts():
        assert one.operation in operations() and knows(one.title_code), one.name
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", one.name)
