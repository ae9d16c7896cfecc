"""The dead-letter desk: one list over all sources, opening, mending, retrying, dropping; who sees what."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from channels.models import Account, Confirmation, RawPayload
from config.launch.places import ROOT
from core import clock
from core.central import outbox
from core.central.models import Outbox
from core.records.models import AuditEntry, Job, PersonalRead
from core.tenancy import tenant_context
from crm.models import Message
from logistics.models import Shipment
from tests.support.database import ACME
from tests.ui2.conftest import ask, cost, dead_payload, make_account, post, refused_confirmation, text

pytestmark = pytest.mark.django_db
SAMPLES = ROOT / "channels" / "adapters" / "ebay" / "samples"
GOOD = (SAMPLES / "order_paid.xml").read_text(encoding="utf-8")
BAD = (SAMPLES / "bad_order_price.xml").read_text(encoding="utf-8")


@pytest.fixture
def account() -> Account:
    with tenant_context(ACME):
        return make_account()


@pytest.fixture
def dead(account: Account) -> RawPayload:
    with tenant_context(ACME):
        return dead_payload(account, "", BAD)


def dead_event(handler: str = "orders.route") -> Outbox:
    made: Outbox = Outbox.objects.create(
        schema=ACME,
        event="orders.imported",
        handler=handler,
        payload={"ids": [5, 6]},
        state=Outbox.DEAD,
        attempt=8,
        created_at=clock.wall(),
        available_at=clock.wall(),
        error_code="http.timeout",
        error_params={"host": "api.example"},
    )
    return made


def test_it_opens_at_the_first_tab_that_holds_something(owner: Client, account: Account) -> None:
    empty = text(owner, "/channels/desk/")
    assert "Nothing lies here" in empty
    with tenant_context(ACME):
        refused_confirmation(account)
    page = text(owner, "/channels/desk/")
    assert 'data-tab="confirm" aria-current="true"' in page and "ORD-1" in page
    assert "eBay does not take this tracking number" in page
    assert 'id="count-deadletters">1<' in page


def test_every_source_has_its_tab_with_cause_and_advice(owner: Client, floor, account: Account, dead) -> None:
    _shop, parcels = floor
    with tenant_context(ACME):
        dead_event()
        Shipment.objects.filter(pk=parcels[0]).update(
            state="failed", error_code="shipment.phone_missing", waybill="", tracking_number=""
        )
        talk = ask(account)
        Message.objects.create(
            conversation=talk,
            account=account,
            direction="out",
            body="secret words",
            at=clock.now(),
            state="failed",
            key="k1",
            attempts=3,
            error_code="ebay.refused",
            error_params={"number": "21919"},
            actor_label="Li Na",
        )
    raw = text(owner, "/channels/desk/?tab=raw")
    assert "An amount cannot be read (Total)." in raw and "correct what cannot be read" in raw
    event = text(owner, "/channels/desk/?tab=event")
    assert "Deciding warehouse and service" in event and "api.example" in event
    booking = text(owner, "/channels/desk/?tab=booking")
    assert "wants the receiver&#x27;s phone number" in booking and "/orders/" in booking
    message = text(owner, "/channels/desk/?tab=message")
    assert f"/inbox/{talk.pk}/" in message and "secret words" not in message


def test_number_of_queries(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        dead_payload(account, "one")
    few = cost(owner, "/channels/desk/?tab=raw")
    with tenant_context(ACME):
        for n in range(60):
            dead_payload(account, f"more-{n}")
    many = cost(owner, "/channels/desk/?tab=raw&size=100")
    assert len(many) == len(few) <= 8, "\n".join(many)


def test_a_payload_is_read_with_the_right_only_and_the_reading_is_noted(sign_in, dead: RawPayload) -> None:
    clerk = sign_in("clerk")
    page = text(clerk, f"/channels/desk/raw/{dead.pk}/")
    assert "•••" in page and "which your role does not show" in page
    assert clerk.post(f"/channels/desk/raw/{dead.pk}/payload").status_code == 403
    manager = sign_in("manager", name="Ma Li")
    shown = post(manager, f"/channels/desk/raw/{dead.pk}/payload")
    assert "OrderID" in shown and "<textarea" in shown
    with tenant_context(ACME):
        (seen,) = PersonalRead.objects.filter(kind="raw", object_id=dead.pk)
        assert (seen.actor_label, seen.field) == ("Ma Li", "payload")


def test_a_payload_is_mended_and_what_is_still_wrong_is_said_above_the_text(owner: Client, dead: RawPayload) -> None:
    typed = BAD + "<!-- mine -->"
    again = post(owner, f"/channels/desk/raw/{dead.pk}/mend", {"payload": typed}, status=422)
    assert 'role="alert"' in again and "mine" in again
    to = post(owner, f"/channels/desk/raw/{dead.pk}/mend", {"payload": GOOD})
    assert to == "/channels/desk/?tab=raw"
    with tenant_context(ACME):
        assert RawPayload.objects.get(pk=dead.pk).state == RawPayload.NEW
        assert AuditEntry.objects.filter(kind="raw", object_id=dead.pk, code="deadletter.mended").exists()
    assert owner.get(f"/channels/desk/raw/{dead.pk}/").status_code == 404


def test_many_are_tried_again_or_dropped_with_a_reason(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        ids = [dead_payload(account, f"n{n}").pk for n in range(4)]
    to = post(owner, "/channels/desk/retry", {"id": ids[:2], "view": "tab=raw"}, htmx=False, status=302)
    assert to == "/channels/desk/?tab=raw"
    assert "2 are tried again." in text(owner, to)
    assert "Write why" in post(owner, "/channels/desk/drop", {"id": ids[2:3], "view": "tab=raw"}, status=422)
    given = {"all": "1", "view": "tab=raw", "reason": "test order"}
    post(owner, "/channels/desk/drop", given)
    with tenant_context(ACME):
        states = dict(RawPayload.objects.values_list("pk", "state"))
        assert [states[pk] for pk in ids] == [0, 0, 3, 3]
        assert AuditEntry.objects.filter(code="deadletter.dropped").count() == 2
    # One that is off the desk already holds up no other, and has its reason.
    with tenant_context(ACME):
        fresh = dead_payload(account, "n9").pk
    post(owner, "/channels/desk/retry", {"id": [ids[0], fresh], "view": "tab=raw"})
    page = text(owner, to)
    assert "1 is tried again. 1 could not be done" in page and f">{ids[0]}</a>" in page
    with tenant_context(ACME):
        assert RawPayload.objects.get(pk=fresh).state == RawPayload.NEW


def test_more_than_two_hundred_are_tried_again_by_a_job(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        now = clock.now()
        RawPayload.objects.bulk_create(
            RawPayload(
                account=account,
                kind="order",
                external_id=f"b{n}",
                digest=uuid.uuid4().bytes,
                payload="{}",
                state=RawPayload.DEAD,
                attempts=1,
                error_code="payload.amount",
                error_params={},
                fetched_at=now,
                purge_at=now,
            )
            for n in range(230)
        )
    post(owner, "/channels/desk/retry", {"all": "1", "view": "tab=raw"})
    with tenant_context(ACME):
        job = Job.objects.get(kind="ui.bulk")
        assert job.params["given"] == {"kind": "raw"} and "ids" not in job.params
        assert RawPayload.objects.filter(state=RawPayload.DEAD).count() == 230
        outbox.drain()
        job.refresh_from_db()
        assert (job.state, job.done, job.failed) == (Job.DONE, 230, 0)
        assert AuditEntry.objects.filter(kind="raw", code="deadletter.retried").count() == 230


def test_a_confirmation_is_corrected(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        refused = refused_confirmation(account)
    page = text(owner, f"/channels/desk/confirm/{refused.pk}/")
    assert 'value="SW1"' in page
    post(owner, f"/channels/desk/confirm/{refused.pk}/correct", {"carrier": "Swift", "tracking_number": "SW2"})
    with tenant_context(ACME):
        found = Confirmation.objects.get(pk=refused.pk)
        assert (found.state, found.tracking_number) == ("unknown", "SW2")


def test_work_that_gave_up_is_opened_and_tried_again(owner: Client) -> None:
    row = dead_event()
    page = text(owner, f"/channels/desk/event/{row.pk}/")
    assert "orders.imported" in page and "5, 6" in page
    post(owner, f"/channels/desk/event/{row.pk}/retry")
    assert Outbox.objects.get(pk=row.pk).state == Outbox.READY


def test_what_is_out_of_scope_is_not_there(sign_in, account: Account, dead: RawPayload) -> None:
    row = dead_event()
    other = sign_in("clerk", accounts=[account.pk + 1])
    assert "Nothing lies here" in text(other, "/channels/desk/")
    assert other.get(f"/channels/desk/raw/{dead.pk}/").status_code == 404
    assert other.get(f"/channels/desk/event/{row.pk}/").status_code == 404
    assert sign_in("viewer").get("/channels/desk/").status_code == 403


def test_chinese(owner: Client, dead: RawPayload) -> None:
    owner.cookies["lang"] = "zh-hans"
    page = text(owner, "/channels/desk/")
    assert "异常处理" in page and "无法读取" in page and "打开并改正" in page
