"""The inbox's pages with pictures: thumbnails, refusals in words, pictures with an answer; the inbox as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from python_calamine import CalamineWorkbook

from core import clock, files
from core.central import outbox
from core.permissions import OWNER, SEE_PERSONAL, Actor, of_role
from core.records.models import Job, StoredFile
from core.tenancy import tenant_context
from core.ui.lists import export
from crm import permissions
from crm.models import Attachment, Conversation, Message
from crm.outs import OUTS
from crm.pages import InboxList
from tests.support.database import ACME, BETA
from tests.support.pictures import png
from tests.ui2.conftest import ask, cost, make_account, post, text
from tests.ui2.test_inbox_work import answer_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(db: None) -> Conversation:
    with tenant_context(ACME):
        return ask(make_account(), "It came broken")


def attach(talk: Conversation, name: str, content: bytes = b"", media_type: str = files.PNG, **more: object) -> str:
    """A buyer's file in any state; the uid of what is kept."""
    with tenant_context(ACME):
        message = Message.objects.filter(conversation=talk, direction="in").get()
        file = None
        if content:
            file = files.store("attachment", name, content, media_type, permissions.VIEW, account_id=talk.account_id)
        Attachment.objects.create(
            conversation=talk,
            message=message,
            name=name,
            created_at=clock.now(),
            file_id=file.pk if file else None,
            media_type=media_type if file else "",
            size=len(content),
            **more,
        )
        return str(file.uid) if file else ""


def test_a_thread_shows_thumbnails_links_waiting_and_refused(owner: Client, talk: Conversation) -> None:
    before = len(cost(owner, f"/inbox/{talk.pk}/"))
    picture = attach(talk, "front.png", png())
    letter = attach(talk, "letter.pdf", b"%PDF-1.4 x", files.PDF)
    attach(talk, "late.png", state="wanted", source="https://i.ebayimg.com/z/1/a.PNG", error_code="http.timeout")
    attach(talk, "<b>bad</b>.png", state="refused", error_code="media.too_large", error_params={"megabytes": 12})
    page = text(owner, f"/inbox/{talk.pk}/")
    assert f'<img src="/files/{picture}"' in page or re.search(rf'<img src="[^"]*{picture}[^"]*" alt="front.png"', page)
    assert not re.search(rf"<img[^>]*{letter}", page) and f"{letter}" in page
    assert "is being fetched" in page and "It is larger than 12 MB" in page
    assert "&lt;b&gt;bad&lt;/b&gt;.png" in page and "<b>bad</b>" not in page
    assert "ebayimg.com" not in page  # never hot-linked
    assert len(cost(owner, f"/inbox/{talk.pk}/")) == before <= 15
    where = re.search(rf'href="([^"]*{picture}[^"]*)"', page)
    assert where is not None
    answer = owner.get(where[1])
    assert b"".join(answer) == png() and answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_is_served_to_members_of_the_tenant_and_the_account_only(
    owner: Client, sign_in, talk: Conversation
) -> None:
    uid = attach(talk, "front.png", png())
    (path,) = set(re.findall(rf'href="([^"]*{uid}[^"]*)"', text(owner, f"/inbox/{talk.pk}/")))
    assert sign_in("viewer").get(path).status_code == 404
    assert sign_in("service").get(path).status_code == 200
    with tenant_context(BETA):
        assert files.visible(Actor("user", 1, "B", of_role(OWNER)), StoredFile(uid=uid).uid) is None


def test_pictures_are_offered_only_where_the_platform_takes_them(owner: Client, talk: Conversation) -> None:
    page = text(owner, f"/inbox/{talk.pk}/")
    assert 'name="picture" multiple accept=".png,.jpg,.jpeg"' in page and "at most 5 of 10 MB" in page
    with tenant_context(ACME):
        other = ask(make_account("amazon", "am"), "From Amazon")
    page = text(owner, f"/inbox/{other.pk}/")
    assert 'name="picture"' not in page and 'name="body"' in page
    given = {**answer_form(page), "body": "Look", "picture": SimpleUploadedFile("a.png", png())}
    assert "Amazon takes no pictures" in post(owner, f"/inbox/{other.pk}/answer", given)


def test_an_answer_takes_its_pictures_along(owner: Client, talk: Conversation) -> None:
    given = {**answer_form(text(owner, f"/inbox/{talk.pk}/")), "body": "Look here"}
    wrong = {
        **given,
        "picture": [SimpleUploadedFile("page.png", b"<html><script>"), SimpleUploadedFile("b.png", png())],
    }
    page = post(owner, f"/inbox/{talk.pk}/answer", wrong)
    assert "page.png is no PNG or JPEG picture" in page and "Choose its pictures again." in page
    assert ">Look here</textarea>" in page
    with tenant_context(ACME):
        assert not Message.objects.filter(direction="out").exists() and not StoredFile.objects.exists()
    for _ in range(2):  # pressed twice
        right = [SimpleUploadedFile("a.jpeg", png()), SimpleUploadedFile("b.png", png(9))]
        assert post(owner, f"/inbox/{talk.pk}/answer", {**given, "picture": right}).startswith(f"/inbox/{talk.pk}/")
    with tenant_context(ACME):
        (made,) = Message.objects.filter(direction="out")
        assert list(made.attachments.order_by("pk").values_list("name", "state")) == [
            ("a.png", "kept"),
            ("b.png", "kept"),
        ]
    assert text(owner, f"/inbox/{talk.pk}/").count("<img src=") == 2


def test_other_conversations_of_the_buyer_are_beside_it(owner: Client, talk: Conversation) -> None:
    assert "Other conversations of this buyer" not in text(owner, f"/inbox/{talk.pk}/")
    with tenant_context(ACME):
        same = ask(talk.account, "Me again")
        stranger = ask(talk.account, "Somebody")
        Conversation.objects.filter(pk=stranger.pk).update(buyer_id="another")
        elsewhere = ask(make_account("ebay", "second"), "Same name, other shop")
    page = text(owner, f"/inbox/{talk.pk}/").split("Other conversations of this buyer")[1]
    assert f"/inbox/{same.pk}/" in page
    assert f"/inbox/{stranger.pk}/" not in page and f"/inbox/{elsewhere.pk}/" not in page


def test_the_tile_of_today_opens_a_list_of_as_many(owner: Client, talk: Conversation) -> None:
    with tenant_context(ACME):
        Conversation.objects.filter(pk=talk.pk).update(answer_by=clock.now() + timedelta(hours=5))
        for hours in (-2, 3, 7):
            ask(talk.account, f"in {hours}", hours=hours)
    page = text(owner, "/")
    tile = re.search(r'<a class="tile now" href="(/inbox/\?tab=near)">.*?<b>(\d+)</b>', page, re.S)
    assert tile is not None and tile[2] == "2" and "the oldest came" in page
    assert text(owner, tile[1]).count("<tr data-id") == 2
    late = re.search(r'<a class="tile late" href="(/inbox/\?tab=overdue)">.*?<b>(\d+)</b>', page, re.S)
    assert late is not None and late[2] == "1" == str(text(owner, late[1]).count("<tr data-id"))


def test_the_inbox_goes_out_as_a_file(owner: Client, sign_in, talk: Conversation) -> None:
    with tenant_context(ACME):
        for n in range(230):
            ask(talk.account, f"=cmd{n}")
    assert "/ui/lists/inbox/export" in text(owner, "/inbox/")

    def file(form: str) -> bytes:
        assert owner.post("/ui/lists/inbox/export", {"format": form, "view": "tab=all"}).status_code == 302
        outbox.drain()
        with tenant_context(ACME):
            job = Job.objects.latest("pk")
            return files.read(StoredFile.objects.get(pk=job.result_file_id))

    rows = list(csv.reader(io.StringIO(file("csv").decode("utf-8-sig"))))
    assert len(rows) == 232 and rows[0][:4] == ["Buyer", "Messages", "Subject", "Last message"]
    assert {row[0] for row in rows[1:]} == {"Hannah Weiss"} and not any(row[3].startswith("=") for row in rows[1:])
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(file("xlsx"))).get_sheet_by_index(0).to_python()
    assert len(sheet) == 232
    assert sign_in("viewer").post("/ui/lists/inbox/export", {"format": "csv", "view": ""}).status_code == 403


def test_without_the_right_the_file_names_nobody(talk: Conversation) -> None:
    with tenant_context(ACME):
        masked = Actor("user", 1, "M", of_role(OWNER) - {SEE_PERSONAL})
        page = InboxList()
        columns = list(page.table.base_columns)
        labels = {str(one.label) for one in export.outs_of(page, masked, columns)}
        assert labels == {str(one.label) for one in OUTS} - {"Buyer", "Subject", "Last message"}
        (row,) = page.rows(masked, page.state(QueryDict("tab=all"))).rows
        values = " ".join(str(one.value(row)) for one in OUTS)
        assert "Weiss" not in values and "broken" not in values
