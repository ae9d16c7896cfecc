"""A seller on the eBay simulator, connected to the tenant acme; rows are really committed, HTTP is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from channels.adapters.ebay.adapter import Ebay
from channels.models import Account
from channels.services import accounts, pull, reread
from core import clock
from core.central import outbox
from core.http import door
from core.permissions import CLERK, Actor, of_role, system
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from orders.services.ingest import ingest_pending
from tests.support.database import WorkerDatabase
from tests.support.ebay_wire import Seller, ago
from tests.support.simulators import simulators

__all__ = ["simulators"]
ACTOR = system("test")
LI = Actor("user", 7, "Li", of_role(CLERK))
WU = Actor("user", 8, "Wu", of_role(CLERK))


@pytest.fixture
def sandbox(simulators: str, settings: Any) -> str:
    """The simulators, as the one private address that the product may call. Breakers begin closed."""
    settings.SANDBOX_URL = simulators
    door.breaker._states.clear()
    door.budget._own.clear()
    return simulators


@pytest.fixture
def seller(sandbox: str) -> Seller:
    return Seller(sandbox)


@pytest.fixture
def account(
    committed_db: WorkerDatabase, acme: str, sandbox: str, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> Account:
    # Otherwise nothing of the last two minutes would be read.
    monkeypatch.setattr(Ebay, "lag_seconds", 0)
    with tenant_context(acme):
        return accounts.connect_account(
            actor=ACTOR,
            platform="ebay",
            name=seller.id,
            external_id=seller.credentials["user_id"],
            settings={"base_url": f"{sandbox}/ebay"},
            credentials=seller.credentials,
            marketplaces=["US"],
            read_from=clock.now() - timedelta(days=1),
        )


@pytest.fixture
def inside(account: Account, acme: str) -> Iterator[Account]:
    """The connected account, with its tenant current."""
    with tenant_context(acme):
        yield account


@pytest.fixture
def ask(seller: Seller, inside: Account) -> Callable[..., Conversation]:
    """A buyer asks; the message is read, and its conversation given back."""

    def make(body: str = "Where is it?", buyer: str = "buyer-7", ref: str = "", **plan: Any) -> Conversation:
        values = {"ref": ref or body[:40], "order_ref": None, "buyer_id": buyer, "subject": "Question", "body": body}
        said = seller.control("messages", messages=[{**values, "sent_at": ago(minutes=30), **plan}])["ids"]
        read(inside)
        return Conversation.objects.get(messages__external_id=said[values["ref"]])

    return make


def take_orders(account: Account, *external_ids: str) -> None:
    """Read orders by their ids: eBay's windows end two minutes ago."""
    reread.read_again(account_id=account.pk, external_ids=list(external_ids), actor=ACTOR)
    ingest_pending(account_id=account.pk, platform="ebay", actor=ACTOR)


def read(account: Account) -> None:
    """Pull messages and take them in."""
    again(account)
    pull.fetch_messages(account_id=account.pk, actor=ACTOR)
    outbox.drain()


def again(account: Account) -> None:
    """Set the reading of messages back, so that what was planned for the past is found."""
    pull.read_again_from(actor=ACTOR, account_id=account.pk, since=clock.now() - timedelta(hours=20), job="messages")


def hurry() -> None:
    """Let waits and leases be over, the door's own too."""
    door.budget._own.clear()
    Message.objects.exclude(next_at=None).update(next_at=clock.now() - timedelta(seconds=1))
    Message.objects.exclude(lease_until=None).update(lease_until=clock.wall() - timedelta(seconds=1))
