"""A day at the inbox: filters, many at once, next by next, who else is here, drafts, files beside notes, deadlines."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from core import clock
from core.erasure import ERASED
from core.errors import BusinessError
from core.records.models import StoredFile
from core.tenancy import tenant_context
from crm import queries
from crm import services as crm
from crm.models import Attachment, Conversation, Message, Visit
from crm.services import answers, deadlines, erasing, visits
from orders.models import Order
from tenants.models import User
from tests.orders.conftest import make_shop, order, take
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui2.conftest import ask, cost, make_account, post, text

PDF = b"%PDF-1.4 a letter"


@pytest.fixture
def talks(db: None) -> list[Conversation]:
    """Three that wait, the most urgent first; the first is about an order."""
    with tenant_context(ACME):
        shop = make_shop()
        take(shop, order("ORDER-1"))
        account = make_account()
        return [ask(account, f"question {n}", Order.objects.get() if n == 0 else None, hours=n + 1) for n in range(3)]


def answer_form(page: str) -> dict[str, str]:
    found = page.split('id="answer"')[1]
    names = re.findall(r'type="hidden" name="(key|seen|next)" value="(\w+)"', found)
    return dict(names)


@pytest.mark.django_db
def test_filters_and_search(owner: Client, talks) -> None:
    with tenant_context(ACME):
        me = User.objects.get(name="Li Na")
        Conversation.objects.filter(pk=talks[1].pk).update(assignee_id=me.pk, buyer_name="Otto Krause", subject="Lost?")

    def shown(query: str) -> list[int]:
        return [int(pk) for pk in re.findall(r'<tr data-id="(\d+)"', text(owner, f"/inbox/?{query}"))]

    assert shown("tab=open") == [one.pk for one in talks]
    assert shown("tab=unassigned") == [talks[0].pk, talks[2].pk]
    assert shown("tab=mine") == shown(f"tab=open&assignee={me.pk}") == [talks[1].pk]
    assert shown("tab=open&order=with") == [talks[0].pk]
    assert shown("tab=open&order=without") == [talks[1].pk, talks[2].pk]
    assert shown("tab=all&q=krause") == shown("tab=open&q=lost%3F") == [talks[1].pk]
    assert shown("tab=all&q=ORDER-1") == [talks[0].pk]
    assert shown("tab=all&q=%25") == []  # a wildcard is a letter
    with tenant_context(ACME):
        assert shown(f"tab=all&q=S-{Order.objects.get().pk}") == [talks[0].pk]


@pytest.mark.django_db
def test_queries_of_the_list_and_of_a_thread_are_fixed(owner: Client, talks) -> None:
    post(owner, f"/inbox/{talks[0].pk}/note", {"note": "first"})
    few, one = cost(owner, "/inbox/"), cost(owner, f"/inbox/{talks[0].pk}/?tab=open")
    with tenant_context(ACME):
        for n in range(500):
            ask(talks[0].account, f"more {n}")
        for n in range(40):
            Message.objects.create(
                conversation=talks[0], account=talks[0].account, direction="note", body=f"note {n}", at=clock.now()
            )
    assert len(few) <= 6 and len(cost(owner, "/inbox/?size=500")) <= 6, "\n".join(few)
    assert len(cost(owner, f"/inbox/{talks[0].pk}/?tab=open")) == len(one) <= 15, "\n".join(one)


@pytest.mark.django_db
def test_one_after_the_other(owner: Client, talks) -> None:
    first, second, third = (one.pk for one in talks)
    page = text(owner, f"/inbox/{second}/?tab=open")
    assert (
        f'href="/inbox/{first}/?tab=open" data-newer' in page and f'href="/inbox/{third}/?tab=open" data-older' in page
    )
    page = text(owner, f"/inbox/{first}/?tab=open")
    assert "data-newer" not in page and "Send, then the next" in page
    given = {**answer_form(page), "body": "On its way.", "and_next": "1"}
    assert post(owner, f"/inbox/{first}/answer?tab=open", given) == f"/inbox/{second}/?tab=open"
    given = {**answer_form(text(owner, f"/inbox/{second}/?tab=open")), "body": "Soon."}
    assert post(owner, f"/inbox/{second}/answer?tab=open", given) == f"/inbox/{second}/?tab=open"  # without the wish
    assert post(owner, f"/inbox/{second}/close?tab=open", status=422)  # its answer is under way
    assert "Send, then the next" not in text(owner, f"/inbox/{third}/?tab=open")
    assert post(owner, f"/inbox/{third}/close?tab=open", {"next": str(first)}) == f"/inbox/{first}/?tab=open"


@pytest.mark.django_db
def test_newest_first_lists_have_neighbours_too(talks) -> None:
    with tenant_context(ACME):
        for n, one in enumerate(talks):
            Conversation.objects.filter(pk=one.pk).update(last_at=clock.now() - timedelta(hours=n))
        row = queries.get(ACTOR, talks[1].pk)
        assert queries.neighbours(ACTOR, queries.Filter("all"), row) == (talks[0].pk, talks[2].pk)
        row = queries.get(ACTOR, talks[0].pk) | {"answer_by": None, "state": "answered"}
        assert queries.neighbours(ACTOR, queries.Filter("open"), row)[1] == talks[0].pk  # the most urgent


@pytest.mark.django_db
def test_many_at_once(owner: Client, sign_in, talks) -> None:
    ids = [one.pk for one in talks]
    post(owner, "/inbox/bulk/take", {"id": ids[:2], "view": "tab=open"})
    assert text(owner, "/inbox/?tab=mine").count("<tr data-id") == 2
    sign_in("service", name="Wu")
    wu = User.objects.get(name="Wu")
    post(owner, "/inbox/bulk/assign", {"all": "1", "view": "tab=open", "user": str(wu.pk)})
    with tenant_context(ACME):
        assert set(Conversation.objects.values_list("assignee_id", flat=True)) == {wu.pk}
    post(owner, "/inbox/bulk/assign", {"id": ids, "user": "987654"}, status=422)
    with tenant_context(ACME):
        crm.answer(actor=ACTOR, conversation_id=ids[1], body="under way", key="k1")
    page = text(owner, post(owner, "/inbox/bulk/close", {"id": ids, "view": "tab=open"}))
    assert "2 conversations closed. 1 could not be done" in page
    with tenant_context(ACME):
        assert [one.state for one in Conversation.objects.order_by("pk")] == ["closed", "open", "closed"]
    assert sign_in("viewer").post("/inbox/bulk/close", {"id": ids}).status_code == 403


@pytest.mark.django_db
def test_who_else_is_here_and_writing(owner: Client, sign_in, talks) -> None:
    path = f"/inbox/{talks[0].pk}/"
    wu = sign_in("service", name="Wu")
    assert "Wu" not in post(owner, path + "here")
    post(wu, path + "here")
    assert "Wu has this open too." in text(owner, path)
    post(wu, path + "here", {"writing": "1", "draft": "Dear Hannah"})
    assert "Wu is writing an answer here." in post(owner, path + "here")
    assert "Wu" not in post(wu, path + "here")  # not oneself
    with tenant_context(ACME):
        Visit.objects.update(seen_at=clock.wall() - timedelta(minutes=1))
    assert "Wu has this" not in text(owner, path) and "Wu is writing" not in text(owner, path)
    assert sign_in("service", name="Far", accounts=[987]).post(path + "here").status_code == 404


@pytest.mark.django_db
def test_a_draft_waits_for_its_writer_alone_and_goes_with_the_answer(owner: Client, sign_in, talks) -> None:
    path = f"/inbox/{talks[0].pk}/"
    post(owner, path + "here", {"writing": "1", "draft": "Dear Hannah, <b>"})
    post(owner, path + "here")  # a later sign of life says nothing of the draft
    page = text(owner, path)
    assert ">Dear Hannah, &lt;b&gt;</textarea>" in page and "Your draft was kept." in page
    assert "Dear Hannah" not in text(sign_in("service", name="Wu"), path)
    post(owner, path + "answer", {**answer_form(page), "body": "Dear Hannah, done."})
    assert "Your draft was kept." not in text(owner, path)
    with tenant_context(ACME):
        assert Visit.objects.get().draft == ""
        visits.be_here(actor=ACTOR, conversation_id=talks[0].pk, draft="x")  # no person: nothing is kept
        assert Visit.objects.count() == 1


@pytest.mark.django_db
def test_files_beside_a_note_are_kept_by_content_and_served_safely(
    owner: Client, sign_in, talks, settings, tmp_path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    path = f"/inbox/{talks[0].pk}/"

    def note(*given: tuple[str, bytes], status: int = 200) -> str:
        return post(
            owner,
            path + "note",
            {"note": "see file", "file": [SimpleUploadedFile(*one) for one in given]},
            status=status,
        )

    note(("letter.pdf", PDF), ("../list.csv", b"a,b\n1,2"))
    page = text(owner, path)
    assert (
        "letter.pdf" in page
        and "list.csv" in page
        and "Internal, never sent" in page
        and ".." not in page.split("list.csv")[0][-9:]
    )
    assert "is no PDF" in note(("page.html", b"<script>alert(1)</script>"), status=422)
    assert "is no PDF" in note(("fake.pdf", b"<html>"), status=422)
    assert "At most 5 files" in note(*[(f"{n}.txt", b"x") for n in range(6)], status=422)
    assert "larger than 10 MB" in note(("big.txt", b"x" * (10 * 1024 * 1024 + 1)), status=422)
    with tenant_context(ACME):
        assert Message.objects.filter(direction="note").count() == 1  # a refused file keeps no note
        uid = StoredFile.objects.get(name="letter.pdf").uid
    found = owner.get(f"/files/{uid}/")
    assert found["Content-Disposition"].startswith("attachment") and found["X-Content-Type-Options"] == "nosniff"
    assert sign_in("warehouse").get(f"/files/{uid}/").status_code == 404
    assert sign_in("service", name="Far", accounts=[987]).get(f"/files/{uid}/").status_code == 404
    with tenant_context(ACME):
        erasing.forget([talks[0].pk])
        assert not Attachment.objects.exists() and not StoredFile.objects.filter(uid=uid).exists()
        assert Conversation.objects.get(pk=talks[0].pk).thread.startswith(ERASED)


@pytest.mark.django_db
def test_each_account_has_its_deadline(owner: Client, sign_in, talks) -> None:
    account = talks[0].account
    assert "24 hours" in text(owner, "/inbox/deadlines/")
    assert post(owner, "/inbox/deadlines/", {f"hours_{account.pk}": "6"}) == "/inbox/"
    with tenant_context(ACME):
        for one in Conversation.objects.all():
            assert one.waiting_since is not None and one.answer_by == one.waiting_since + timedelta(hours=6)
        answers.close(actor=ACTOR, conversation_id=talks[0].pk)
        answers.reopen(actor=ACTOR, conversation_id=talks[0].pk)
        again = Conversation.objects.get(pk=talks[0].pk)
        assert again.waiting_since is not None and again.answer_by == again.waiting_since + timedelta(hours=6)
        assert deadlines.hours_of(account.pk, "ebay") == 6
    assert "Give whole hours" in post(owner, "/inbox/deadlines/", {f"hours_{account.pk}": "0"}, htmx=False)
    assert sign_in("service").get("/inbox/deadlines/").status_code == 403


@pytest.mark.django_db
def test_the_orders_next_act_stands_beside(owner: Client, talks) -> None:
    for state, act in (("short", "See what is missing"), ("booked", "Weigh and hand over")):
        with tenant_context(ACME):
            Order.objects.update(state=state)
        assert act in text(owner, f"/inbox/{talks[0].pk}/")


def test_two_answer_at_once_and_one_answer_is_written(committed_db) -> None:
    with tenant_context(ACME):
        talk = ask(make_account())
        seen = Message.objects.get().pk
    start, said = threading.Barrier(2), []

    def write(name: str) -> None:
        try:
            with tenant_context(ACME):
                start.wait(10)
                answers.answer(actor=ACTOR, conversation_id=talk.pk, body=f"answer of {name}", key=name, seen=seen)
                said.append("written")
        except BusinessError as error:
            said.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(said) == ["message.answered_meanwhile", "written"]
    with tenant_context(ACME):
        assert Message.objects.filter(direction="out").count() == 1
