"""An answer goes out once: two users, a time-out after acting, a kill between sending and saving, refusals."""

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
from django.db import connection

from channels.models import Account
from channels.services import accounts
from config.launch.places import ROOT
from core import clock
from core.central import outbox
from core.errors import BusinessError, NotAllowed
from core.permissions import VIEWER, Actor, of_role
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from crm.services import answers, sending
from tests.crm.conftest import ACTOR, LI, WU, hurry
from tests.support.database import WorkerDatabase
from tests.support.ebay_wire import Seller, ago

Ask = Callable[..., Conversation]
REPLY = "AddMemberMessageRTQ"


def there(seller: Seller, ref: str) -> tuple[list[str], int]:
    """What the platform has: the answers to a message, and how often it was called."""
    found = next(one for one in seller.known("messages") if one["ref"] == ref)
    return [answer["body"] for answer in found["answers"]], found["answer_calls"]


def write(found: Conversation, body: str = "On its way", key: str = "k1", actor: Actor = LI, **more: Any) -> Message:
    return answers.answer(actor=actor, conversation_id=found.pk, body=body, key=key, **more)


def send(account: Account) -> sending.Sent:
    return sending.send_due(account_id=account.pk, actor=ACTOR)


def test_written_sent_and_told(seller: Seller, ask: Ask) -> None:
    found = ask("q")
    made = write(found)
    assert made.state == Message.QUEUED and there(seller, "q") == ([], 0)
    found.refresh_from_db()
    assert found.waiting_since is not None  # until it is really there
    outbox.drain()
    made.refresh_from_db()
    found.refresh_from_db()
    assert there(seller, "q") == (["On its way"], 1)
    assert (made.state, made.attempts, made.next_at, made.lease_token) == (Message.SENT, 1, None, None)
    assert found.state == Conversation.ANSWERED and not found.waiting_since and not found.answer_by
    codes = list(AuditEntry.objects.filter(kind="conversation").order_by("pk").values_list("actor_label", "code"))
    assert codes == [("Li", "conversation.answer_written"), ("answers", "conversation.answered")]


def test_pressing_twice_is_one_answer(seller: Seller, ask: Ask) -> None:
    found = ask("q")
    assert write(found).pk == write(found).pk
    outbox.drain()
    assert write(found).state == Message.SENT
    outbox.drain()
    assert there(seller, "q") == (["On its way"], 1)


def test_two_users_at_once_one_is_refused_and_told_who(seller: Seller, ask: Ask, acme: str) -> None:
    found = ask("q")
    start, refused, written = threading.Barrier(8), [], []

    def work(n: int) -> None:
        try:
            with tenant_context(acme):
                start.wait()
                actor = LI if n % 2 else WU
                written.append(write(found, f"Answer {n}", f"key-{n}", actor))
        except BusinessError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1 and len(refused) == 7
    for error in refused:
        assert error.code == "message.answered_meanwhile" and error.params["who"] == written[0].actor_label
    outbox.drain()
    assert there(seller, "q") == ([written[0].body], 1)


def test_one_form_pressed_by_eight_requests_is_one_answer(seller: Seller, ask: Ask, acme: str) -> None:
    found = ask("q")
    start, keys = threading.Barrier(8), set()

    def work() -> None:
        try:
            with tenant_context(acme):
                start.wait()
                keys.add(write(found).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 1
    outbox.drain()
    assert there(seller, "q")[1] == 1


def test_several_workers_send_each_answer_once(seller: Seller, ask: Ask, inside: Account, acme: str) -> None:
    refs = [f"q{n}" for n in range(12)]
    asked = [ask(ref, buyer=f"b{n}") for n, ref in enumerate(refs)]
    for found, ref in zip(asked, refs, strict=True):
        write(found, f"For {ref}", key=ref)
    hurry()

    def work() -> None:
        try:
            with tenant_context(acme):
                send(inside)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [there(seller, ref) for ref in refs] == [([f"For {ref}"], 1) for ref in refs]
    assert set(Message.objects.values_list("direction", "state")) == {(Message.IN, ""), (Message.OUT, Message.SENT)}


def test_time_out_after_acting_is_looked_up(seller: Seller, ask: Ask, inside: Account) -> None:
    found = ask("q")
    made = write(found)
    seller.faults({"kind": "timeout_after", "op": REPLY})
    assert send(inside).sent == [made.pk]
    assert there(seller, "q") == (["On its way"], 1)
    found.refresh_from_db()
    assert found.state == Conversation.ANSWERED


def test_time_out_before_acting_is_sent_again_after_a_second_look(seller: Seller, ask: Ask, inside: Account) -> None:
    made = write(ask("q"))
    seller.faults({"kind": "timeout_before", "op": REPLY})
    assert send(inside).put_off == 1
    made.refresh_from_db()
    assert (made.state, made.error_code) == (Message.UNKNOWN, "http.no_answer")
    assert made.next_at is not None and made.next_at > clock.now() + timedelta(seconds=5)
    assert send(inside).sent == []
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller, "q") == (["On its way"], 1)


def test_look_up_that_fails_too_leaves_it_unknown(seller: Seller, ask: Ask, inside: Account) -> None:
    made = write(ask("q"))
    seller.faults(
        {"kind": "timeout_after", "op": REPLY}, {"kind": "timeout_before", "op": "GetMemberMessages", "times": 9}
    )
    assert send(inside).put_off == 1
    made.refresh_from_db()
    assert made.state == Message.UNKNOWN
    seller.http.post("/_control/faults", json={"script": []})
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller, "q") == (["On its way"], 1)


KILLED = """
import os, signal, sys
import django
django.setup()
from core.permissions import system
from core.tenancy import tenant_context
from crm.services import sending

name = sys.argv[1]
real = getattr(sending, name)
def dies(*args, **kwargs):
    if name == "call":
        real(*args, **kwargs) if sys.argv[3] == "after" else None
    os.kill(os.getpid(), signal.SIGKILL)
setattr(sending, name, dies)
with tenant_context("t_acme"):
    sending.send_due(account_id=int(sys.argv[2]), actor=system("answers"))
"""


@pytest.mark.parametrize(("where", "when", "calls"), [("call", "before", 0), ("call", "after", 1), ("write", "", 1)])
def test_a_worker_killed_between_sending_and_saving(
    seller: Seller,
    ask: Ask,
    inside: Account,
    committed_db: WorkerDatabase,
    settings: Any,
    where: str,
    when: str,
    calls: int,
) -> None:
    made = write(ask("q"))
    env = os.environ | {
        "DATABASE_URL": committed_db.url,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED, where, str(inside.pk), when], cwd=ROOT, env=env, capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert there(seller, "q")[1] == calls
    made.refresh_from_db()
    assert made.state == Message.SENDING and made.lease_until is not None
    assert send(inside).sent == []  # its lease still runs
    hurry()
    assert send(inside).sent == [made.pk]
    assert there(seller, "q") == (["On its way"], 1)


def test_what_the_platform_refuses_is_told_and_can_be_retried(seller: Seller, ask: Ask, inside: Account) -> None:
    found = ask("q")
    made = write(found, "<p>Bold</p>")
    assert send(inside).failed == [made.pk]
    made.refresh_from_db()
    found.refresh_from_db()
    assert (made.state, made.error_code, made.next_at) == (Message.FAILED, "ebay.refused", None)
    assert found.state == Conversation.OPEN and found.waiting_since is not None
    answers.retry(actor=LI, message_id=made.pk)
    assert send(inside).failed == [made.pk]
    plain = write(found, "Bold", key="k2")
    assert send(inside).sent == [plain.pk]
    with pytest.raises(BusinessError, match=r"message\.answered_meanwhile"):
        answers.retry(actor=WU, message_id=made.pk)
    with pytest.raises(BusinessError, match=r"message\.not_failed"):
        answers.retry(actor=WU, message_id=plain.pk)


def test_a_dead_token_and_a_throttle_only_put_off(seller: Seller, ask: Ask, inside: Account) -> None:
    made = write(ask("q"))
    seller.faults({"kind": "token_dead", "op": REPLY}, {"kind": "throttle", "op": REPLY})
    for _ in range(4):
        hurry()
        send(inside)
    made.refresh_from_db()
    assert made.state == Message.SENT and there(seller, "q") == (["On its way"], 1)


def test_revoked_consent_stops_the_account_and_loses_nothing(seller: Seller, ask: Ask, inside: Account) -> None:
    made = write(ask("q"))
    seller.control("revoke")
    send(inside)
    inside.refresh_from_db()
    made.refresh_from_db()
    assert inside.health == Account.RECONNECT and made.state == Message.QUEUED
    assert send(inside) == sending.Sent()
    seller.credentials["refresh_token"] = "v^1.1#new"
    seller.http.post(
        "/_control/ebay/accounts", json={"account_id": seller.id, "site": "US", "credentials": seller.credentials}
    )
    accounts.reconnect(actor=ACTOR, account_id=inside.pk, credentials=seller.credentials)
    hurry()
    assert send(inside).sent == [made.pk]


def test_answers_of_one_conversation_go_in_their_order(seller: Seller, ask: Ask, inside: Account) -> None:
    found = ask("q")
    first = write(found, "First", "k1")
    write(found, "Second", "k2", seen=first.pk)
    Message.objects.filter(pk=first.pk).update(next_at=clock.now() + timedelta(minutes=5))
    assert send(inside).sent == []
    hurry()
    send(inside)
    assert there(seller, "q") == (["First", "Second"], 2)


def test_what_the_form_showed_decides(ask: Ask) -> None:
    found = ask("One")
    one = Message.objects.get()
    ask("Two", sent_at=ago(minutes=10))
    two = Message.objects.get(body="Two")
    made = write(found, "To the first", "k1", seen=one.pk)
    assert made.parent_external_id == one.external_id
    outbox.drain()
    found.refresh_from_db()
    assert found.waiting_since == two.at  # nobody has read it yet
    with pytest.raises(BusinessError, match=r"message\.answered_meanwhile"):
        write(found, "Late", "k2", WU, seen=one.pk)
    assert write(found, "To the second", "k3", WU, seen=made.pk).parent_external_id == two.external_id


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [("  \n", "k", "message.empty"), ("x", "", "message.no_key"), ("x" * 20_001, "k", "message.too_long")],
)
def test_bad_answers_are_refused(ask: Ask, body: str, key: str, code: str) -> None:
    found = ask("q")
    with pytest.raises(BusinessError, match=code.replace(".", r"\.")):
        write(found, body, key)
    assert Message.objects.count() == 1


def test_the_same_text_twice_to_the_same_message_is_refused(ask: Ask, inside: Account) -> None:
    found = ask("q")
    made = write(found, "Thanks  a lot")
    send(inside)
    with pytest.raises(BusinessError, match=r"message\.same_text"):
        write(found, "Thanks a lot\n", "k2", seen=made.pk)


def test_rights_and_scope(ask: Ask, inside: Account) -> None:
    found = ask("q")
    with pytest.raises(NotAllowed):
        write(found, actor=Actor("user", 9, "Guest", of_role(VIEWER)))
    elsewhere = Actor("user", 9, "Far", LI.operations, accounts=frozenset({inside.pk + 1}))
    with pytest.raises(BusinessError, match=r"conversation\.not_found"):
        write(found, actor=elsewhere)
    with pytest.raises(BusinessError, match=r"conversation\.not_found"):
        answers.note(actor=elsewhere, conversation_id=found.pk, body="x")


def test_notes_stay_here_and_do_not_count(seller: Seller, ask: Ask) -> None:
    found = ask("q")
    answers.note(actor=LI, conversation_id=found.pk, body="Call the carrier")
    answers.assign(actor=LI, conversation_id=found.pk, user_id=8, label="Wu")
    outbox.drain()
    found.refresh_from_db()
    assert (found.messages_count, found.assignee_id, found.state) == (1, 8, Conversation.OPEN)
    assert there(seller, "q") == ([], 0)


def test_closing_while_an_answer_is_under_way_is_refused(ask: Ask) -> None:
    found = ask("q")
    write(found)
    with pytest.raises(BusinessError, match=r"message\.answered_meanwhile"):
        answers.close(actor=WU, conversation_id=found.pk)


def test_it_gives_up_after_many_tries_and_says_so(seller: Seller, ask: Ask, inside: Account) -> None:
    made = write(ask("q"))
    Message.objects.filter(pk=made.pk).update(attempts=sending.GIVE_UP_AFTER)
    seller.faults({"kind": "server_error", "op": REPLY, "times": 9})
    assert send(inside).failed == [made.pk]
    made.refresh_from_db()
    assert made.error_code == sending.GAVE_UP and made.error_params["reason"]
    seller.http.post("/_control/faults", json={"script": []})
    answers.retry(actor=LI, message_id=made.pk)
    assert send(inside).sent == [made.pk]
    assert there(seller, "q") == (["On its way"], 1)
