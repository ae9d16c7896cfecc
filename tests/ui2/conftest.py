"""A seller at acme whose parcels come from a number pool, so that nothing leaves the house; signed-in clients."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from channels.models import Account, Confirmation, RawPayload
from core import clock
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from logistics.models import Shipment
from logistics.services import accounts as carriers
from orders.models import Order
from orders.services import booking
from orders.services.release import release
from tests.orders.conftest import Shop, line, order, take
from tests.support.database import ACME
from tests.support.parcels import ACTOR, SENDER, open_shop, parcel_of, settle
from tests.ui.conftest import cost, owner, sign_in

__all__ = ["cost", "owner", "sign_in"]
EXPECTED = 220  # a lamp and the packaging


def numbers(first: int, count: int) -> str:
    """Numbers of the Universal Postal Union's form with their check digit."""
    return "\n".join(f"SW{first + n:09d}" for n in range(count))


def make_floor(parcels: int = 3) -> tuple[Shop, list[int]]:
    """(shop, shipment ids) of parcels with label, one lamp each. Inside the tenant's schema."""
    account = carriers.connect_carrier(
        actor=ACTOR, carrier="pool", name="Swift", credentials={}, settings={"carrier_name": "Swift"}
    )
    shop = open_shop(account, code="SW", key="swift", name="Swift Post")
    assert shop.warehouse.sender == SENDER
    carriers.add_pool_numbers(actor=ACTOR, account_id=account.pk, text=numbers(1, parcels + 200))
    return shop, book(shop, parcels)


def book(shop: Shop, count: int, prefix: str = "FLOOR") -> list[int]:
    made = take(shop, *[order(f"{prefix}-{n}", line(f"{prefix}-{n}-1")) for n in range(count)]).created
    release(order_ids=made, actor=ACTOR)
    booking.book_orders(actor=ACTOR, order_ids=made)
    settle()
    return [parcel_of(pk).pk for pk in made]


@pytest.fixture
def floor(db: None, settings: Any, tmp_path: Any) -> tuple[Shop, list[int]]:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        shop, ids = make_floor()
        assert set(Shipment.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"ready"}
        return shop, ids


def make_account(platform: str = "ebay", name: str = "lampenhaus", **values: Any) -> Account:
    made: Account = Account.objects.create(
        platform=platform, name=name, external_id=uuid.uuid4().hex, created_at=clock.now(), **values
    )
    return made


def dead_payload(account: Account, external_id: str = "X-1", payload: str = "{}", **values: Any) -> RawPayload:
    now = clock.now()
    made: RawPayload = RawPayload.objects.create(
        account=account,
        kind="order",
        external_id=external_id,
        digest=uuid.uuid4().bytes,
        payload=payload,
        state=RawPayload.DEAD,
        attempts=1,
        error_code="payload.amount",
        error_params={"path": "Total"},
        fetched_at=now,
        purge_at=now + timedelta(days=30),
        **values,
    )
    return made


def refused_confirmation(account: Account, n: int = 1) -> Confirmation:
    now = clock.now()
    made: Confirmation = Confirmation.objects.create(
        account=account,
        order_external_id=f"ORD-{n}",
        reference=str(n),
        order_ref=n,
        carrier="Swift",
        tracking_number=f"SW{n}",
        lines=[],
        shipped_at=now,
        state=Confirmation.REFUSED,
        next_at=now,
        error_code="ebay.tracking_format",
    )
    return made


def ask(account: Account, body: str = "Where is it?", order_of: Order | None = None, hours: float = 2) -> Conversation:
    """A buyer's question that waits; its answer is due in ``hours``."""
    now = clock.now()
    made: Conversation = Conversation.objects.create(
        account=account,
        thread=uuid.uuid4().hex,
        buyer_id="h_weiss88",
        buyer_name="Hannah Weiss",
        subject="Delivery",
        order=order_of,
        waiting_since=now - timedelta(hours=1),
        answer_by=now + timedelta(hours=hours),
        last_at=now,
        messages_count=1,
        created_at=now,
    )
    Message.objects.create(
        conversation=made, account=account, direction="in", external_id=uuid.uuid4().hex, body=body, at=now
    )
    return made


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers or None)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


Post = Callable[..., str]


def post(client: Client, path: str, data: dict[str, Any] | None = None, *, htmx: bool = True, status: int = 200) -> str:
    """POST as htmx does (``htmx=False``: as a plain form); the body, or where it leads."""
    answer = client.post(path, data or {}, headers={"HX-Request": "true"} if htmx else None)
    assert answer.status_code == status, (path, answer.status_code, answer.content.decode()[:400])
    return answer.headers.get("HX-Redirect") or answer.headers.get("Location") or answer.content.decode()


@pytest.fixture
def inside(db: None) -> Any:
    with tenant_context(ACME):
        yield
