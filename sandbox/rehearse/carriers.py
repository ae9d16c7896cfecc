"""The simulated carriers of a seller: accounts at the simulators, connected as a person would, with their services."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from logistics.numbers import s10_check_digit
from logistics.services import accounts

from .control import Control

if TYPE_CHECKING:
    from .shop import Shop

YUN, FREIGHT = "yun-standard", "freight"
MOST_GRAMS = 30_000  # YunExpress refuses a heavier parcel
YUN_AT_AGGREGATOR, POST_AT_AGGREGATOR = 190008, 3011  # 17TRACK's codes of the carriers


def connect_yunexpress(shop: Shop, control: Control, number: str, name: str, lines: Sequence[dict[str, Any]]) -> None:
    """An account at the carrier and its ``lines``: fields of ``save_service``."""
    shop.carrier_account = f"yun-{number}"
    app_id, secret = f"app-{number}", f"secret-{number}"
    control.post("/yunexpress/accounts", {"account_id": shop.carrier_account, "app_id": app_id, "app_secret": secret})
    account = accounts.connect_carrier(
        actor=shop.owner,
        carrier="yunexpress",
        name=name,
        credentials={"app_id": app_id, "app_secret": secret},
        settings={"base_url": f"{control.url}/yunexpress"},
    )
    for line in lines:
        accounts.save_service(
            actor=shop.owner,
            account_id=account.pk,
            max_weight_g=MOST_GRAMS,
            aggregator_code=YUN_AT_AGGREGATOR,
            **line,
        )


def connect_freight(shop: Shop, name: str, carrier_name: str, line: dict[str, Any]) -> None:
    """A carrier without an API, whose numbers come from a pool (see ``give_numbers``)."""
    account = accounts.connect_carrier(
        actor=shop.owner, carrier="pool", name=name, credentials={}, settings={"carrier_name": carrier_name}
    )
    shop.freight_account = account.pk
    accounts.save_service(
        actor=shop.owner,
        account_id=account.pk,
        key=FREIGHT,
        code="FREIGHT",
        aggregator_code=POST_AT_AGGREGATOR,
        channel_names={"amazon": "China Post", "ebay": "China Post"},
        **line,
    )


def give_numbers(shop: Shop, number: str, count: int) -> None:
    """Numbers of the freight carrier, in the postal union's form with true check digits."""
    source = Random(f"numbers|{number}")
    made: set[str] = set()
    while len(made) < count:
        serial = f"{source.randrange(10**8):08d}"
        made.add(f"CP{serial}{s10_check_digit(serial)}CN")
    listed = sorted(made)
    for start in range(0, count, 10_000):
        text = "\n".join(listed[start : start + 10_000])
        accounts.add_pool_numbers(actor=shop.owner, account_id=shop.freight_account, text=text)


def be_called(control: Control, number: str, web_url: str, **hook: str) -> tuple[str, str]:
    """The aggregator's account at the simulator, whose calls come to the web server; (account, token).

    ``hook``: more of the address, as ``host`` where the web server tells tenants by it.
    """
    account, token = f"track-{number}", f"token-{number}"
    address = {"url": f"{web_url}/hooks/17track/{account}", **hook}
    control.post("/seventeentrack/accounts", {"account_id": account, "token": token, "webhook": address})
    return account, token


def connect_tracker(shop: Shop, control: Control, account: str, token: str) -> None:
    shop.tracker_account = account
    accounts.connect_tracker(
        actor=shop.owner,
        kind="17track",
        name="17TRACK",
        external_id=account,
        credentials={"token": token},
        settings={"base_url": f"{control.url}/seventeentrack"},
    )
