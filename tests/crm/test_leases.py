"""A batch of answers that takes longer than a lease is renewed while its worker lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from channels.models import Account
from core import clock
from core.central import leases
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from crm.services import sending
from tests.crm.conftest import ACTOR
from tests.crm.test_answers import send, there, write
from tests.support.ebay_wire import Seller


def test_a_slow_platform_does_not_make_a_second_worker_send_the_same_answer(
    seller: Seller, ask: Callable[..., Conversation], inside: Account, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker has the answer in its batch and has not begun with it; two minutes go by at the others' calls."""
    made = write(ask("q"))
    real, others = sending._call_all, []

    def two_minutes_later(*args: Any) -> Any:
        monkeypatch.setattr(sending, "_call_all", real)
        Message.objects.filter(pk=made.pk).update(lease_until=clock.wall() - timedelta(seconds=1))
        apart(lambda: leases.renew(list(leases._keeper.held.values())))  # as the renewing thread does all the while
        apart(lambda: others.extend(send(inside).sent))
        return real(*args)

    def apart(work: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                with tenant_context(acme):
                    work()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(60)

    monkeypatch.setattr(sending, "_call_all", two_minutes_later)
    sent = sending.send_due(account_id=inside.pk, actor=ACTOR).sent
    assert there(seller, "q") == (["On its way"], 1)
    assert (sent, others) == ([made.pk], [])
    assert leases._keeper.held == {}
