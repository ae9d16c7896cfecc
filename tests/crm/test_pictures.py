"""Pictures go out with an answer: put up first, sent once, whatever is lost in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage

from channels.models import Account
from config.launch.places import ROOT
from core import files
from core.central import outbox
from core.errors import BusinessError
from core.records.models import StoredFile
from crm.models import Attachment, Conversation, Message
from crm.services import answers, pictures, sending
from tests.crm.conftest import ACTOR, LI, hurry
from tests.support.database import WorkerDatabase
from tests.support.ebay_wire import Seller
from tests.support.pictures import JPEG_BYTES, png

Ask = Callable[..., Conversation]
REPLY, UPLOAD = "AddMemberMessageRTQ", "createImageFromFile"
TWO = [("front.png", png(1)), ("side.jpeg", JPEG_BYTES)]


def write(found: Conversation, given: list[tuple[str, bytes]] = TWO, key: str = "k1", body: str = "Look") -> Message:
    return answers.answer(actor=LI, conversation_id=found.pk, body=body, key=key, given=given)


def send(account: Account) -> sending.Sent:
    return sending.send_due(account_id=account.pk, actor=ACTOR)


def there(seller: Seller) -> tuple[list[list[str]], int, int]:
    """(names of each answer's pictures, calls of the answer, pictures put up)."""
    told = seller.http.get(f"/_control/ebay/accounts/{seller.id}/messages").json()
    (found,) = told["messages"]
    return (
        [[one["name"] for one in sent["media"]] for sent in found["answers"]],
        found["answer_calls"],
        told["uploaded"],
    )


def test_pictures_are_put_up_and_sent_with_the_answer(ask: Ask, seller: Seller) -> None:
    made = write(ask("q"))
    assert write(Conversation.objects.get()).pk == made.pk  # the same form again
    assert Attachment.objects.count() == StoredFile.objects.count() == 2
    outbox.drain()
    made.refresh_from_db()
    assert (made.state, made.attempts) == (Message.SENT, 1)
    assert there(seller) == ([["front.png", "side.jpg"]], 1, 2)
    (known,) = seller.known("messages")
    urls = [one["url"] for one in known["answers"][0]["media"]]
    assert list(Attachment.objects.order_by("pk").values_list("source", flat=True)) == urls
    assert [seller.http.get(url).content for url in urls] == [png(1), JPEG_BYTES]


def test_an_answer_without_pictures_takes_no_turn_more(ask: Ask, inside: Account, seller: Seller) -> None:
    made = write(ask("q"), [])
    done = send(inside)
    assert (done.sent, done.put_off) == ([made.pk], 0) and there(seller) == ([[]], 1, 0)


def test_a_lost_upload_is_repeated_and_the_answer_sent_once(ask: Ask, inside: Account, seller: Seller) -> None:
    made = write(ask("q"))
    seller.faults({"kind": "timeout_after", "op": UPLOAD})
    assert send(inside).sent == []
    made.refresh_from_db()
    assert made.state == Message.QUEUED and there(seller) == ([], 0, 1)
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller) == ([["front.png", "side.jpg"]], 1, 3)


def test_what_was_put_up_is_not_put_up_again(
    ask: Ask, inside: Account, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write(ask("q"))
    real = pictures.put_up

    def one_by_one(adapter: Any, session: Any, shown: Any, urls: dict[int, str]) -> None:
        first = next(one for one in shown if not one.url)
        real(adapter, session, [first], urls)
        if sum(bool(one.url) for one in shown) == 0:
            seller.faults({"kind": "throttle", "op": UPLOAD})
            real(adapter, session, [one for one in shown if one.id != first.id], urls)

    monkeypatch.setattr(pictures, "put_up", one_by_one)
    assert send(inside).wait == 2
    assert [bool(one.source) for one in Attachment.objects.order_by("pk")] == [True, False]
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller) == ([["front.png", "side.jpg"]], 1, 2)


def test_time_out_after_the_answer_acted_is_looked_up(ask: Ask, inside: Account, seller: Seller) -> None:
    made = write(ask("q"))
    seller.faults({"kind": "timeout_after", "op": REPLY})
    assert send(inside).sent == [made.pk]
    assert there(seller) == ([["front.png", "side.jpg"]], 1, 2)


KILLED = """
import os, signal, sys
import django
django.setup()
from core.permissions import system
from core.tenancy import tenant_context
from crm.services import pictures, sending

place = pictures if sys.argv[1] == "put_up" else sending
real, turns = getattr(place, sys.argv[1]), []
def dies(*args, **kwargs):
    turns.append(1)
    if len(turns) < int(sys.argv[3]):
        return real(*args, **kwargs)
    if sys.argv[1] != "write":
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, sys.argv[1], dies)
with tenant_context("t_acme"):
    sending.send_due(account_id=int(sys.argv[2]), actor=system("answers"))
"""


@pytest.mark.parametrize(
    ("where", "turn", "calls", "uploaded"),
    [("put_up", 1, 0, 2), ("write", 1, 0, 2), ("_call", 2, 1, 2), ("write", 2, 1, 2)],
)
def test_a_worker_killed_between_uploading_sending_and_saving(
    ask: Ask,
    seller: Seller,
    inside: Account,
    committed_db: WorkerDatabase,
    settings: Any,
    where: str,
    turn: int,
    calls: int,
    uploaded: int,
) -> None:
    made = write(ask("q"))
    env = os.environ | {
        "DATABASE_URL": committed_db.url,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "-c", KILLED, where, str(inside.pk), str(turn)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert there(seller)[1:] == (calls, uploaded)
    made.refresh_from_db()
    assert made.state == Message.SENDING and send(inside).sent == []  # leased still
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller)[:2] == ([["front.png", "side.jpg"]], 1)


def test_a_picture_that_the_platform_refuses_fails_the_answer_and_a_retry_puts_up_anew(
    ask: Ask, inside: Account, seller: Seller
) -> None:
    made = write(ask("q"))
    send(inside)
    other = ask("other", buyer="b2")
    second = write(other, key="k2", body="Second")
    Attachment.objects.filter(message=second).update(source="https://i.ebayimg.com/z/expired/$_57.PNG")
    assert send(inside).failed == [second.pk]
    second.refresh_from_db()
    assert second.error_code == "ebay.refused" and second.error_params["field"] == "MediaURL"
    answers.retry(actor=LI, message_id=second.pk)
    assert send(inside).sent == [second.pk] and made.pk != second.pk


def test_a_file_that_is_gone_fails_the_answer(ask: Ask, inside: Account, seller: Seller) -> None:
    made = write(ask("q"))
    default_storage.delete(StoredFile.objects.order_by("pk")[0].path)
    assert send(inside).failed == [made.pk]
    made.refresh_from_db()
    assert made.error_code == "attachment.lost" and there(seller) == ([], 0, 0)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([("a.png", b"<html>")], "attachment.picture"),
        ([("a.pdf", b"%PDF-1.4")], "attachment.picture"),
        ([("a.png", b"")], "file.empty"),
        ([(f"{n}.png", png()) for n in range(6)], "attachment.too_many"),
        ([("a.png", files.BEGINS[files.PNG] + bytes(pictures.LIMITS.bytes))], "attachment.too_large"),
    ],
)
def test_what_an_answer_cannot_carry(ask: Ask, given: list[tuple[str, bytes]], code: str) -> None:
    found = ask("q")
    with pytest.raises(BusinessError) as refused:
        write(found, given)
    assert refused.value.code == code
    assert not Message.objects.filter(direction="out").exists() and not StoredFile.objects.exists()


def test_where_the_platform_takes_none(ask: Ask, inside: Account) -> None:
    found = ask("q")
    Account.objects.filter(pk=inside.pk).update(platform="amazon")
    assert pictures.limits_of("amazon") is None and pictures.limits_of("ebay") == pictures.Limits(
        5, pictures.LIMITS.bytes, ".png,.jpg,.jpeg"
    )
    with pytest.raises(BusinessError) as refused:
        write(found)
    assert refused.value.code == "attachment.not_here" and refused.value.params == {"platform": "Amazon"}
