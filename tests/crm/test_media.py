"""Buyers' pictures: fetched once, from the platform alone, judged by their bytes, gone with the message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction

from channels.models import Account
from channels.services import pull
from config.launch.places import ROOT
from core import clock, files
from core.central import outbox
from core.http import door
from core.permissions import VIEWER, Actor, of_role
from core.records.models import StoredFile
from core.tenancy import tenant_context
from crm import queries
from crm.models import Attachment, Conversation, Message
from crm.services import erasing, incoming
from crm.services import media as fetching
from tests.crm.conftest import ACTOR, LI, again, read
from tests.support.database import WorkerDatabase
from tests.support.ebay_wire import Seller, ago
from tests.support.pictures import JPEG_BYTES, media, png

Ask = Callable[..., Conversation]


def hurry() -> None:
    door.breaker._states.clear()
    Attachment.objects.filter(state="wanted").update(next_at=clock.now() - timedelta(seconds=1))


def states() -> list[tuple[str, str]]:
    return list(Attachment.objects.order_by("pk").values_list("state", "error_code"))


def test_pictures_come_with_the_message_and_are_kept(ask: Ask, inside: Account) -> None:
    given = [media("front.png", png()), media("side", JPEG_BYTES), media("letter.html", b"%PDF-1.4 x")]
    found = ask("broken", media=given)
    rows = list(Attachment.objects.order_by("pk"))
    assert [(one.state, one.name, one.media_type) for one in rows] == [
        ("kept", "front.png", files.PNG),
        ("kept", "side.jpg", files.JPEG),
        ("kept", "letter.pdf", files.PDF),  # by its bytes, whatever it was called
    ]
    stored = [StoredFile.objects.get(pk=one.file_id) for one in rows]
    assert files.read(stored[0]) == png() and {one.account_id for one in stored} == {inside.pk}
    message = Message.objects.get()
    assert {one.purge_at for one in stored} == {message.purge_at} and message.purge_at is not None
    shown = queries.thread(LI, found.pk).messages[0]["files"]
    assert [(one["name"], one["state"], one["picture"]) for one in shown] == [
        ("front.png", "kept", True),
        ("side.jpg", "kept", True),
        ("letter.pdf", "kept", False),
    ]
    assert fetching.fetch_due().kept == []


def test_a_message_read_twice_has_its_pictures_once(ask: Ask, inside: Account) -> None:
    ask("broken", media=[media("a.png", png())])
    for _ in range(2):
        again(inside)
        read(inside)
    assert states() == [("kept", "")] and StoredFile.objects.count() == 1


def test_what_is_no_picture_is_refused_by_its_bytes(ask: Ask, inside: Account) -> None:
    html = b"<html><script>alert(1)</script></html>"
    found = ask("broken", media=[media("a.png", html, media_type="image/png"), media("b.png", b"GIF89a..")])
    assert states() == [("refused", "media.type")] * 2 and not StoredFile.objects.exists()
    assert [one["uid"] for one in queries.thread(LI, found.pk).messages[0]["files"]] == ["", ""]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/ebay/secret.png",
        "http://169.254.169.254/latest/meta-data/",
        "https://192.168.1.1/admin.png",
        "https://i.ebayimg.com.evil.example/a.png",
        "file:///etc/passwd",
        "x" * 2000,
    ],
)
def test_addresses_of_others_are_never_called(ask: Ask, url: str) -> None:
    with door.counting() as calls:
        ask("broken", media=[{"name": "a.png", "url": url}])
    assert calls["picture"] == 0
    assert states() == [("refused", "media.address")]


def test_a_name_that_leads_into_our_own_network_is_refused_where_it_is_connected(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever could make eBay's own name resolve to a private address gains nothing."""
    import socket

    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **more: Any) -> Any:
        return real("10.0.0.8" if host.endswith("ebayimg.com") else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    ask("broken", media=[{"name": "a.png", "url": "https://i.ebayimg.com/z/abc/a.png"}])
    assert states() == [("refused", "http.address_refused")]


def test_too_large_is_refused_with_the_limit(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 50)
    ask("broken", media=[media("a.png", png(size=400) + bytes(100))])
    assert states() == [("refused", "media.too_large")]


def test_what_fails_for_a_while_is_tried_again_and_given_up_in_the_end(ask: Ask, seller: Seller) -> None:
    seller.faults({"kind": "timeout_after", "op": "picture"})
    ask("broken", media=[media("a.png", png())])
    row = Attachment.objects.get()
    assert (row.state, row.attempts) == ("wanted", 1) and row.next_at is not None and row.next_at > clock.now()
    for kind, code, attempts in (
        ("html503", "ebay.server_error", 2),
        ("empty200", "media.empty", 3),
        ("throttle", "", 3),  # not its fault: no try is counted
    ):
        seller.faults({"kind": kind, "op": "picture"})
        assert fetching.fetch_due().put_off == []  # not before its time
        hurry()
        assert fetching.fetch_due().put_off == [row.pk]
        row.refresh_from_db()
        assert (row.error_code, row.attempts) == (code, attempts)
    hurry()
    assert fetching.fetch_due().kept == [row.pk]
    ask("again", media=[{"name": "a.png", "url": str(row.source).replace("/z/", "/z/x")}])
    assert states()[1] == ("refused", "media.gone")
    seller.faults({"kind": "html503", "op": "picture", "times": 99})
    ask("third", media=[media("c.png", png())])
    for _ in range(fetching.GIVE_UP_AFTER):
        hurry()
        fetching.fetch_due()
    assert states()[2] == ("refused", "media.gave_up")


KILLED = """
import os, signal, sys
import django
django.setup()
from core.tenancy import tenant_context
from crm.services import media

real = getattr(media, sys.argv[1])
def dies(*args, **kwargs):
    if sys.argv[2] == "after":
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(media, sys.argv[1], dies)
with tenant_context("t_acme"):
    media.fetch_due()
"""


@pytest.mark.parametrize(("where", "when"), [("_fetch", "before"), ("_write", "before"), ("_keep", "after")])
def test_a_worker_killed_on_the_way_does_no_harm(
    ask: Ask,
    seller: Seller,
    inside: Account,
    committed_db: WorkerDatabase,
    settings: Any,
    where: str,
    when: str,
) -> None:
    seller.faults({"kind": "html503", "op": "picture"})
    ask("broken", media=[media("a.png", png())])
    hurry()
    env = os.environ | {
        "DATABASE_URL": committed_db.url,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED, where, when], cwd=ROOT, env=env, capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    row = Attachment.objects.get()
    assert (row.state, row.attempts) == ("wanted", 2) and not StoredFile.objects.exists()
    assert fetching.fetch_due().kept == []  # claimed: its time comes
    hurry()
    assert fetching.fetch_due().kept == [row.pk] and StoredFile.objects.count() == 1


def test_one_that_kills_every_worker_is_given_up(ask: Ask, seller: Seller) -> None:
    seller.faults({"kind": "html503", "op": "picture"})
    ask("broken", media=[media("a.png", png())])
    Attachment.objects.update(attempts=fetching.GIVE_UP_AFTER)
    hurry()
    with door.counting() as calls:
        fetching.fetch_due()
    assert calls["all"] == 0 and states() == [("refused", "media.gave_up")]


def test_several_workers_keep_each_picture_once(ask: Ask, seller: Seller, acme: str) -> None:
    seller.faults({"kind": "html503", "op": "picture", "times": 9})
    ask("broken", media=[media(f"{n}.png", png(n)) for n in range(9)])
    seller.http.post("/_control/faults", json={"script": []})
    hurry()

    def work() -> None:
        try:
            with tenant_context(acme):
                fetching.fetch_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states() == [("kept", "")] * 9 and StoredFile.objects.count() == 9


def test_erased_while_it_is_fetched(ask: Ask, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    seller.faults({"kind": "html503", "op": "picture"})
    found = ask("broken", media=[media("a.png", png())])
    hurry()
    real = fetching._write

    def late(*args: Any) -> None:
        with transaction.atomic():
            erasing.forget([found.pk])
        real(*args)

    monkeypatch.setattr(fetching, "_write", late)
    fetching.fetch_due()
    assert not Attachment.objects.exists() and not StoredFile.objects.exists()


def test_files_go_with_the_text_and_with_the_person(ask: Ask, seller: Seller) -> None:
    first = ask("one", media=[media("a.png", png())])
    second = ask("two", buyer="b2", media=[media("b.png", png(1))])
    third = ask("three", buyer="b3", media=[media("c.png", png(2))])
    paths = dict(StoredFile.objects.order_by("pk").values_list("name", "path"))
    Message.objects.filter(conversation=first).update(purge_at=clock.now() - timedelta(seconds=1))
    assert erasing.expire() == 1
    with transaction.atomic():
        erasing.forget([second.pk])
    assert list(Attachment.objects.values_list("conversation_id", "name")) == [(third.pk, "c.png")]
    assert {name: default_storage.exists(path) for name, path in paths.items()} == {
        "a.png": False,
        "b.png": False,
        "c.png": True,
    }


def test_who_may_not_see_the_account_or_the_person_sees_no_file(ask: Ask, inside: Account) -> None:
    found = ask("broken", media=[media("a.png", png())])
    uid = StoredFile.objects.get().uid
    elsewhere = Actor("user", 9, "X", LI.operations, accounts=frozenset({inside.pk + 1}))
    masked = Actor("user", 9, "X", LI.operations - {"fields.personal"})
    assert files.visible(LI, uid) is not None
    assert files.visible(elsewhere, uid) is None
    assert files.visible(Actor("user", 9, "V", of_role(VIEWER)), uid) is None
    assert queries.thread(masked, found.pk).messages[0]["files"] == []


def test_another_tenant_cannot_read_the_file(ask: Ask, inside: Account, beta: str) -> None:
    ask("broken", media=[media("a.png", png())])
    uid = StoredFile.objects.get().uid
    with tenant_context(beta):
        assert files.visible(LI, uid) is None and not Attachment.objects.exists()


def test_a_page_of_messages_takes_the_same_statements_with_pictures(
    inside: Account, seller: Seller, django_assert_max_num_queries: Any
) -> None:
    messages = [
        {"ref": f"m{n}", "order_ref": None, "buyer_id": f"b{n}", "subject": "S", "body": "B",
         "sent_at": ago(minutes=30), "media": [media("a.png", png(n))]}
        for n in range(30)
    ]  # fmt: skip
    seller.control("messages", messages=messages)
    again(inside)
    pull.fetch_messages(account_id=inside.pk, actor=ACTOR)
    with django_assert_max_num_queries(30):
        incoming.ingest_pending(account_id=inside.pk)
    assert Attachment.objects.filter(state="wanted").count() == 30
    outbox.drain()
    assert set(states()) == {("kept", "")}
