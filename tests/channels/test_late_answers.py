"""Answers that come late or are refused: a consent that was given anew meanwhile, one order that cannot be read again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from channels.adapters.amazon.adapter import Amazon
from channels.canonical import RawItem
from channels.models import Account, RawPayload
from channels.services import accounts, confirm, inbox, pull, reread, tokens
from core import clock
from core.errors import AuthRevoked
from orders import jobs
from tests.channels.conftest import ACTOR
from tests.support.amazon import Seller, plan


def test_a_refusal_of_the_old_consent_does_not_end_the_new_one(
    shop: Seller, inside: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform refuses the old refresh token; while that answer is under way the seller agrees anew."""
    real, fresh = Amazon.refresh_token, shop.credentials | {"refresh_token": shop.credentials["refresh_token"] + "+"}
    shop.control("@/revoke", {})
    Account.objects.update(token=None, token_expires_at=None)
    late: list[str] = []

    def slow(self: Amazon, session: Any) -> Any:
        try:
            return real(self, session)
        except AuthRevoked:
            if not late:
                late.append("refused")
                shop.control("/accounts", shop.spec | {"credentials": fresh})
                accounts.reconnect(actor=ACTOR, account_id=inside.pk, credentials=fresh)
            raise

    monkeypatch.setattr(Amazon, "refresh_token", slow)
    first = pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    assert late == ["refused"] and first.wait is not None
    inside.refresh_from_db()
    assert (inside.health, inside.health_code) == (Account.OK, "")
    assert pull.fetch_orders(account_id=inside.pk, actor=ACTOR).done
    assert tokens.access(account_id=inside.pk, actor=ACTOR)[0]


@pytest.mark.parametrize("bad", ["no such id", "901-0000000-0000000"])
def test_one_order_that_the_platform_refuses_keeps_no_other_from_being_read_again(
    shop: Seller, inside: Account, bad: str
) -> None:
    ids = shop.plan(plan("one"))
    done = reread.read_again(account_id=inside.pk, external_ids=[bad, ids["one"]], actor=ACTOR)
    assert done.asked == [ids["one"]]


@pytest.mark.parametrize("work", ["read", "tell"])
def test_a_call_that_was_refused_for_the_old_consent_does_not_end_the_new_one(
    shop: Seller, inside: Account, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """As above, where the platform says so at the call itself."""

    def refused(*args: Any, **given: Any) -> Any:
        accounts.reconnect(actor=ACTOR, account_id=inside.pk, credentials=shop.credentials)
        raise AuthRevoked(operation=work)

    if work == "read":
        monkeypatch.setattr(Amazon, "fetch_orders", refused)
        pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    else:
        monkeypatch.setattr(Amazon, "confirm_shipment", refused)
        wanted = confirm.Wanted(inside.pk, "111-0000000-0000000", 1, "1", "UPS", "1Z999", clock.now(), (("1", 1),))
        with transaction.atomic():
            confirm.want([wanted])
        assert confirm.send_due(account_id=inside.pk, actor=ACTOR).put_off == 1
    inside.refresh_from_db()
    assert (inside.health, inside.health_code) == (Account.OK, "")


def test_an_account_whose_adapter_is_gone_keeps_no_others_orders_in_the_inbox(shop: Seller, inside: Account) -> None:
    gone = Account.objects.create(platform="left-us", name="old", external_id="x", created_at=clock.now())
    Account.objects.filter(pk=gone.pk).update(id=-1)  # it comes first
    for account_id in (-1, inside.pk):
        with transaction.atomic():
            inbox.store(account_id=account_id, kind=inbox.ORDER, items=[RawItem("1", "{}")])
    with pytest.raises(Exception, match="left-us"):
        jobs.sweep("")
    assert dict(RawPayload.objects.values_list("account_id", "state")) == {
        -1: RawPayload.NEW,
        inside.pk: RawPayload.DEAD,
    }
