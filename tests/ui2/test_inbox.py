"""The inbox: by deadline, the thread with its order, answering once, templates, notes, closing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from core.tenancy import tenant_context
from crm import services as crm
from crm.models import Conversation, Message
from orders.models import Order
from tenants.models import User
from tests.orders.conftest import make_shop, order, take
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui2.conftest import ask, cost, make_account, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(db: None) -> Conversation:
    """A question about an order."""
    with tenant_context(ACME):
        shop = make_shop()
        take(shop, order("ORDER-1"))
        return ask(make_account(), order_of=Order.objects.get())


def form(page: str) -> dict[str, str]:
    found = page.split('id="answer"')[1]
    return {name: re.findall(rf'name="{name}" value="(\w+)"', found)[0] for name in ("key", "seen")}


def test_by_deadline_with_a_clock(owner: Client, talk: Conversation) -> None:
    with tenant_context(ACME):
        late = ask(talk.account, "Now I am angry", hours=-3)
    page = text(owner, "/inbox/")
    assert page.index(f"/inbox/{late.pk}/") < page.index(f"/inbox/{talk.pk}/")
    assert "overdue 3 h" in page and "Where is it?" in page and 'id="count-inbox">2<' in page
    assert text(owner, "/inbox/?tab=overdue").count("<tr data-id") == 1
    assert "No conversation here." in text(owner, "/inbox/?tab=closed")


def test_the_list_costs_a_fixed_number_of_queries(owner: Client, talk: Conversation) -> None:
    few = cost(owner, "/inbox/")
    with tenant_context(ACME):
        for n in range(40):
            ask(talk.account, f"question {n}")
    many = cost(owner, "/inbox/?size=100")
    assert len(few) <= 6 and len(many) <= 6, "\n".join(many)


def test_the_thread_has_its_order_beside_it(owner: Client, talk: Conversation) -> None:
    page = text(owner, f"/inbox/{talk.pk}/")
    assert "Where is it?" in page and "ORDER-1" in page and "Hannah Weiss" in page and "LAMP" in page
    assert "Send through lampenhaus" in page
    spent = cost(owner, f"/inbox/{talk.pk}/")
    assert len(spent) <= 15, "\n".join(spent)


def test_without_the_right_names_and_words_are_masked(sign_in, talk: Conversation) -> None:
    assert sign_in("viewer").get("/inbox/").status_code == 403
    assert "Where is it?" in text(sign_in("service"), f"/inbox/{talk.pk}/")


def test_an_answer_is_written_once(owner: Client, talk: Conversation) -> None:
    given = {**form(text(owner, f"/inbox/{talk.pk}/")), "body": "It is on its way."}
    to = post(owner, f"/inbox/{talk.pk}/answer", given)
    assert to.startswith(f"/inbox/{talk.pk}/")
    post(owner, f"/inbox/{talk.pk}/answer", given)  # the same form again, e.g. a double click
    with tenant_context(ACME):
        (sent,) = Message.objects.filter(direction="out")
        assert (sent.body, sent.state, sent.actor_label) == ("It is on its way.", "queued", "Li Na")
    page = text(owner, to)
    assert "An answer by Li Na is on its way." in page and "to be sent" in page


def test_somebody_else_was_quicker_and_what_was_typed_stays(owner: Client, sign_in, talk: Conversation) -> None:
    mine = form(text(owner, f"/inbox/{talk.pk}/"))
    wu = sign_in("service", name="Wu")
    post(wu, f"/inbox/{talk.pk}/answer", {**form(text(wu, f"/inbox/{talk.pk}/")), "body": "Wu's answer"})
    page = post(owner, f"/inbox/{talk.pk}/answer", {**mine, "body": "My long answer"})
    assert "What you wrote is kept below" in page and ">My long answer</textarea>" in page
    assert "Wu&#x27;s answer" in page and "Somebody answered while you were writing" in page
    with tenant_context(ACME):
        assert Message.objects.filter(direction="out").count() == 1


def test_an_empty_answer_is_refused(owner: Client, talk: Conversation) -> None:
    page = post(owner, f"/inbox/{talk.pk}/answer", {**form(text(owner, f"/inbox/{talk.pk}/")), "body": "  "})
    assert 'role="alert"' in page


def test_a_template_is_shown_filled_in_with_what_is_missing(owner: Client, talk: Conversation) -> None:
    with tenant_context(ACME):
        body = "Dear {buyer.name}, {order.number} has {order.tracking}."
        crm.save_template(actor=ACTOR, name="Where", language="en", body=body)
    assert 'value="Where"' in text(owner, f"/inbox/{talk.pk}/")
    page = text(owner, f"/inbox/{talk.pk}/preview?template=Where")
    assert "ORDER-1 has {order.tracking}." in page and "not known here: order.tracking" in page
    assert "data-fill" in page
    assert owner.get(f"/inbox/{talk.pk}/preview?template=Nothing").status_code == 404


def test_templates_are_edited_with_errors_beside_the_text(owner: Client, sign_in) -> None:
    given = {"name": "Thanks", "language": "de", "body": "Danke {buyer.nam}"}
    page = post(owner, "/inbox/templates/new", given, htmx=False)
    assert "buyer.nam" in page and "Danke {buyer.nam}" in page and 'class="error"' in page
    assert post(owner, "/inbox/templates/new", given | {"body": "Danke {buyer.name}"}) == "/inbox/templates/"
    page = text(owner, "/inbox/templates/")
    (pk,) = re.findall(r"/inbox/templates/(\d+)/", page)
    post(owner, f"/inbox/templates/{pk}/", given | {"body": "Vielen Dank {buyer.name}"})
    assert "Vielen Dank" in text(owner, "/inbox/templates/")
    assert sign_in("clerk").post(f"/inbox/templates/{pk}/delete").status_code == 403
    post(owner, f"/inbox/templates/{pk}/delete")
    assert "Answers that you write often" in text(owner, "/inbox/templates/")


def test_note_assign_close_and_open_again(owner: Client, talk: Conversation) -> None:
    path = f"/inbox/{talk.pk}/"
    post(owner, path + "note", {"note": "asked the warehouse"})
    assert "asked the warehouse" in text(owner, path) and "Internal, never sent" in text(owner, path)
    me = User.objects.get(name="Li Na")
    post(owner, path + "assign", {"user": str(me.pk)})
    assert text(owner, "/inbox/?tab=mine").count("<tr data-id") == 1
    assert "cannot answer here" in post(owner, path + "assign", {"user": "999999"}, status=422)
    post(owner, path + "close")
    assert "Nobody waits for an answer" in text(owner, "/inbox/")
    post(owner, path + "reopen")
    assert text(owner, "/inbox/").count("<tr data-id") == 1


def test_a_failed_answer_is_sent_again(owner: Client, talk: Conversation) -> None:
    with tenant_context(ACME):
        failed = Message.objects.create(
            conversation=talk,
            account=talk.account,
            direction="out",
            body="lost",
            at=clock.now() - timedelta(minutes=5),
            state="failed",
            key="k",
            error_code="ebay.refused",
            error_params={"number": "1"},
        )
    page = text(owner, f"/inbox/{talk.pk}/")
    assert "not sent" in page and "Send again" in page
    assert text(owner, "/inbox/?tab=failed").count("<tr data-id") == 1
    post(owner, f"/inbox/{talk.pk}/retry/{failed.pk}")
    with tenant_context(ACME):
        assert Message.objects.get(pk=failed.pk).state == "queued"


def test_another_accounts_conversations_are_not_there(sign_in, talk: Conversation) -> None:
    other = sign_in("service", accounts=[talk.account_id + 50])
    assert other.get(f"/inbox/{talk.pk}/").status_code == 404
    assert "Nobody waits" in text(other, "/inbox/")


def test_chinese(owner: Client, talk: Conversation) -> None:
    owner.cookies["lang"] = "zh-hans"
    assert "待回复" in text(owner, "/inbox/")
    assert "内部备注" in text(owner, f"/inbox/{talk.pk}/")
