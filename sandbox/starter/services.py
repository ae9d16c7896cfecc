"""Adding a sandbox store, and what it sells, to a company that wants to try. Everything goes through the services."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from channels import permissions
from channels.models import Account
from channels.registry import adapter_of
from channels.services import accounts
from core import clock
from core.errors import BusinessError
from core.permissions import Actor
from inventory import permissions as stock_permissions
from inventory import services as stock
from inventory.models import Sku, Warehouse
from logistics.models import Service, Tracker
from logistics.services import accounts as carriers
from sandbox.demo.house import name_products
from sandbox.rehearse import seeding
from sandbox.rehearse.control import Control, ControlRefused
from sandbox.rehearse.plan import json_by_account

from .story import StoreStory, products, tell

CARRIER, TRACKER = "yunexpress", "17track"
SERVICE_KEY = "yun-standard"
HOOK_EVENTS = ["FixedPriceTransaction", "ItemMarkedPaid", "AskSellerQuestion"]
SHELF, COST_SHARE = 60, Decimal("0.4")  # units of each product; what one cost, as a share of its price


def available() -> bool:
    """Whether simulators run with this installation."""
    return bool(settings.SANDBOX_URL)


def add_store(*, actor: Actor, platform: str, web_url: str) -> Account:
    """A seller at the simulators with waiting orders and questions, connected; a carrier and a tracker where none is.

    ``web_url``: where the simulators reach this installation. It makes calls, so not inside of a transaction. Raises
    BusinessError ``account.no_sandbox``, ``account.sandbox_down``, ``channel.unknown``; NotAllowed.
    """
    actor.require(permissions.CONNECT)
    if not available():
        raise BusinessError("account.no_sandbox")
    adapter = adapter_of(platform)
    control = Control(settings.SANDBOX_URL, tries=2)
    key = uuid.uuid4().hex[:8]
    story = tell(platform, key, clock.now())
    with _answering():
        hook = {"url": f"{web_url}/hooks/ebay", "events": HOOK_EVENTS} if platform == "ebay" else None
        seeding.make_seller(control, story.account, hook)
        _carrier(actor, control, key)
        _tracker(actor, control, key, web_url)
    taken = Account.objects.filter(platform=platform, external_id__startswith="sandbox-").count()
    made = accounts.connect_account(
        actor=actor,
        platform=platform,
        name=_("{platform} sandbox {n}").format(platform=adapter.title, n=taken + 1),
        external_id=story.account.account,
        settings={"base_url": f"{control.url}/{platform}"},
        credentials=seeding.credentials(story.account),
        marketplaces=[story.account.site],
        timezone=actor.timezone,
    )
    with _answering():
        _fill(control, story)
    return made


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (ControlRefused, httpx.TransportError) as error:
        raise BusinessError("account.sandbox_down", status=getattr(error, "status", 0)) from error


def add_products(*, actor: Actor) -> int:
    """What sandbox stores sell, as products with weights and customs data; how many are new. Raises NotAllowed."""
    before = Sku.objects.count()
    stock.import_skus(actor=actor, rows=[sku.row() for sku in products()])
    name_products(actor)
    return Sku.objects.count() - before


def fill_shelf(*, actor: Actor, currency: str) -> int:
    """Opening stock of the sandbox's products in the first warehouse; how many kinds. Done once per warehouse.

    Raises BusinessError ``rules.no_warehouse``, ``sandbox.no_products``; NotAllowed.
    """
    actor.require(stock_permissions.OPENING)
    place = Warehouse.objects.filter(kind=Warehouse.OWN, active=True).order_by("priority", "pk").first()
    if place is None:
        raise BusinessError("rules.no_warehouse")
    known = dict(Sku.objects.filter(code__in=[sku.code for sku in products()]).values_list("code", "pk"))
    if not known:
        raise BusinessError("sandbox.no_products")
    lines: list[Any] = [
        (known[sku.code], SHELF, (sku.price * COST_SHARE).quantize(Decimal("0.01")), currency)
        for sku in products()
        if sku.code in known
    ]
    stock.opening(actor=actor, warehouse_id=place.pk, lines=lines, key=f"sandbox:opening:{place.pk}")
    return len(lines)


def _fill(control: Control, story: StoreStory) -> None:
    """Orders and questions, once the account is connected: eBay tells of each by a call that then finds its way.

    (By reading alone they would be found two minutes later, as at the real platforms.)
    """
    for name, orders in json_by_account(story.orders).items():
        control.plan_orders(story.account.platform, name, orders)
    if story.account.platform == "ebay":
        for name, messages in json_by_account(story.messages).items():
            control.plan_messages("ebay", name, messages)


def _carrier(actor: Actor, control: Control, key: str) -> None:
    if Service.objects.filter(active=True).exists():
        return
    app_id, secret = f"sandbox-{key}", f"secret-{key}"
    control.post("/yunexpress/accounts", {"account_id": f"yun-{key}", "app_id": app_id, "app_secret": secret})
    made = carriers.connect_carrier(
        actor=actor,
        carrier=CARRIER,
        name=_("YunExpress sandbox"),
        credentials={"app_id": app_id, "app_secret": secret},
        settings={"base_url": f"{control.url}/yunexpress"},
    )
    taken = Service.objects.filter(key=SERVICE_KEY).exists()
    fields: dict[str, Any] = {"name": "YunExpress Standard", "name_zh": "云途标快", "max_weight_g": 30_000}
    carriers.save_service(
        actor=actor,
        account_id=made.pk,
        key=f"{SERVICE_KEY}-{key}" if taken else SERVICE_KEY,
        code="BKZXR",
        battery=True,
        aggregator_code=190008,
        **fields,
    )


def _tracker(actor: Actor, control: Control, key: str, web_url: str) -> None:
    if Tracker.objects.exists():
        return
    account, token = f"track-{key}", f"token-{key}"
    hook = {"url": f"{web_url}/hooks/17track/{account}"}
    control.post("/seventeentrack/accounts", {"account_id": account, "token": token, "webhook": hook})
    carriers.connect_tracker(
        actor=actor,
        kind=TRACKER,
        name=_("17TRACK sandbox"),
        external_id=account,
        credentials={"token": token},
        settings={"base_url": f"{control.url}/seventeentrack"},
    )
