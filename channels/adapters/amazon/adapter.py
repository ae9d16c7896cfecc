"""Amazon as a marketplace: orders, confirmations and FBA stock through SP-API."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field

from channels import protocol
from channels.adapters.amazon import carriers, client, mapping
from channels.adapters.amazon.places import MARKETPLACES, resolve
from channels.canonical import Order, Page, RawItem, ShipNotice, StockItem, Window
from channels.protocol import SandboxDraft, Session, Token
from core.errors import BadPayload, BusinessError, Rejected

# What an order is read with. Tax registrations and payments are left out: nobody here uses them, and both are personal.
INCLUDED = "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
PER_PAGE = 100
CANCELLED_PACKAGE = "CANCELLED"


class Settings(protocol.AccountSettings):
    """What is not secret about a seller's account."""

    base_url: str = Field("", title="Address of the API", description="Empty: Amazon's own for the marketplaces.")
    usage_plan: float = Field(
        1.0,
        gt=0,
        le=1000,
        title="Usage plan",
        description="How many times the published rates Amazon grants this account.",
    )


class Credentials(protocol.Credentials):
    """Secrets of a seller's consent to an application (Login with Amazon)."""

    client_id: str = Field(min_length=1, title="LWA client id", description="Begins with amzn1.application-oa2-client.")
    client_secret: str = Field(
        min_length=1,
        title="LWA client secret",
        description="Beside the client id. Amazon wants it renewed every 180 days.",
    )
    refresh_token: str = Field(
        min_length=1, title="Refresh token", description="Begins with Atzr|. It is shown once, after Authorize."
    )


class Amazon:
    platform: ClassVar[str] = "amazon"
    title: ClassVar[str] = "Amazon"
    capabilities: ClassVar[frozenset[str]] = frozenset({protocol.ORDERS, protocol.SHIPMENTS, protocol.PLATFORM_STOCK})
    settings_model: ClassVar[type[protocol.AccountSettings]] = Settings
    credentials_model: ClassVar[type[protocol.Credentials]] = Credentials
    overlap_seconds: ClassVar[int] = 420
    lag_seconds: ClassVar[int] = 130  # a *Before less than two minutes ago is refused
    max_window_seconds: ClassVar[int] = 30 * 86400
    pull_every_seconds: ClassVar[int] = 200  # the published rate refills one call in 179 seconds
    answer_within_hours: ClassVar[int] = 24
    purge_after_days: ClassVar[int] = 30
    keeps_buyer_hash: ClassVar[bool] = False
    person_fields: ClassVar[tuple[str, ...]] = ("buyerEmail", "BuyerEmail")
    consent_days: ClassVar[int] = 365
    connect_steps: ClassVar[tuple[str, ...]] = (
        "In Seller Central open Apps and Services, then Develop Apps. The account's owner has to be signed in.",
        "Make a private app with the roles Direct-to-Consumer Shipping, Inventory and Order Tracking, Amazon Fulfillment.",
        "Behind “View” of its LWA credentials stand the client id and the client secret.",
        "Choose “Authorize” in the app's menu: the refresh token is shown there, once for each region.",
        "The merchant token stands under Settings, Account Info, Business Information.",
    )

    def refresh_token(self, session: Session) -> Token:
        return client.mint(session)

    def identify(self, session: Session) -> protocol.Owner:
        """Where the token's owner sells and under which name. Amazon does not say the merchant token here."""
        api = client.Selling(session, "getMarketplaceParticipations")
        api.get_marketplace_participation()
        found = api.reply.json().get("payload")
        if not isinstance(found, list):
            raise BadPayload("amazon.page_unreadable", path="payload")
        mine = [one for one in found if one.get("participation", {}).get("isParticipating")]
        places = tuple(str(one.get("marketplace", {}).get("id") or "") for one in mine)
        return protocol.Owner(
            name=next((str(one["storeName"]) for one in mine if one.get("storeName")), ""),
            # A seller without any marketplace sells in none of those that were named.
            marketplaces=places or ("-",),
        )

    def check_marketplaces(self, marketplaces: tuple[str, ...]) -> tuple[str, ...]:
        """Ids of one region from ids or country codes. Raises BusinessError."""
        try:
            ids = tuple(dict.fromkeys(resolve(place) for place in marketplaces))
        except KeyError as error:
            raise BusinessError("account.marketplace_unknown", marketplace=str(error.args[0])) from None
        if not ids:
            raise BusinessError("account.marketplace_missing")
        if len({MARKETPLACES[place][1] for place in ids}) > 1:
            raise BusinessError("account.marketplaces_of_two_regions")
        return ids

    def sandbox_draft(self, url: str, marketplace: str) -> SandboxDraft:
        """A seller to make at the simulator; ``url`` is the simulators' base."""
        key = uuid.uuid4().hex[:12].upper()
        credentials = {
            "client_id": f"amzn1.application-oa2-client.{key.lower()}",
            "client_secret": f"sandbox-{uuid.uuid4().hex}",
            "refresh_token": f"Atzr|{uuid.uuid4().hex}",
        }
        (place,) = self.check_marketplaces((marketplace,))
        return SandboxDraft(
            external_id=f"A{key}",
            marketplaces=(place,),
            settings={"base_url": f"{url}/amazon"},
            credentials=credentials,
            register_url=f"{url}/_control/amazon/accounts",
            register={"account_id": f"A{key}", "marketplace": place, "credentials": credentials},
        )

    # -- orders ---------------------------------------------------------------------------------------------------

    def fetch_orders(self, session: Session, window: Window, page_token: str) -> Page:
        query: dict[str, Any] = {
            "lastUpdatedAfter": _iso(window.start),
            "lastUpdatedBefore": _iso(window.end),
            "marketplaceIds": list(session.marketplaces),
            "includedData": INCLUDED.split(","),
            "maxResultsPerPage": PER_PAGE,
        }
        if page_token:
            query["paginationToken"] = page_token
        api = client.Orders(session, "searchOrders")
        api.search_orders(**query)
        body = api.reply.json()
        if not isinstance(body.get("orders"), list):
            raise BadPayload("amazon.page_unreadable", path="orders")
        items = tuple([_raw_order(text) for text in client.split(api.reply.text, ("orders",))])
        return Page(items=items, next_token=_next(body.get("pagination")))

    def fetch_order(self, session: Session, external_id: str) -> RawItem:
        api = client.Orders(session, "getOrder")
        api.get_order(external_id, includedData=INCLUDED.split(","))
        texts = client.split(api.reply.text, ("order",))
        if len(texts) != 1:
            raise BadPayload("amazon.page_unreadable", path="order")
        return _raw_order(texts[0])

    def parse_order(self, payload: str) -> Order:
        return mapping.parse_order(payload)

    # -- confirmations --------------------------------------------------------------------------------------------

    def confirm_shipment(self, session: Session, notice: ShipNotice) -> None:
        if not (notice.reference.isascii() and notice.reference.isdigit()):
            raise Rejected("amazon.reference_not_numeric", field="packageReferenceId", item=notice.reference)
        code = carriers.code_of(notice.carrier)
        detail: dict[str, Any] = {
            "packageReferenceId": notice.reference,
            "carrierCode": code,
            "trackingNumber": notice.tracking_number,
            "shipDate": _iso(notice.shipped_at),
            "orderItems": [{"orderItemId": line, "quantity": quantity} for line, quantity in notice.lines],
        }
        if code == carriers.OTHER:
            detail["carrierName"] = notice.carrier
        if notice.service:
            detail["shippingMethod"] = notice.service
        place = notice.marketplace or session.marketplaces[0]
        api = client.Confirming(session, "confirmShipment", writes=True)
        api.confirm_shipment(notice.order_external_id, packageDetail=detail, marketplaceId=place)

    def shipment_known(self, session: Session, notice: ShipNotice) -> bool:
        api = client.Orders(session, "getOrder")
        api.get_order(notice.order_external_id, includedData=["PACKAGES"])
        order = api.reply.json().get("order")
        packages = order.get("packages") or [] if isinstance(order, dict) else None
        if not isinstance(packages, list):
            raise BadPayload("amazon.page_unreadable", path="order.packages")
        return any(_same(package, notice) for package in packages if isinstance(package, dict))

    def carrier_name(self, carrier: str) -> str:
        code = carriers.code_of(carrier)
        return carrier if code == carriers.OTHER else code

    # -- stock ----------------------------------------------------------------------------------------------------

    def fetch_stock(self, session: Session, page_token: str) -> Page:
        """Page after page of one marketplace after the other; the token says which, and where in it.

        Amazon's own token lives 30 seconds: a dead one raises Rejected ``adapter.page_token_dead``.
        """
        place, _, token = page_token.partition("|")
        place = place or session.marketplaces[0]
        query: dict[str, Any] = {"details": "true", "marketplaceIds": place, "granularityId": place}
        if token:
            query["nextToken"] = token
        api = client.Stock(session, "getInventorySummaries")
        api.get_inventory_summary_marketplace(**query)
        body = api.reply.json()
        if not isinstance((body.get("payload") or {}).get("inventorySummaries"), list):
            raise BadPayload("amazon.page_unreadable", path="payload.inventorySummaries")
        texts = client.split(api.reply.text, ("payload", "inventorySummaries"))
        following = _next(body.get("pagination"))
        if following:
            following = f"{place}|{following}"
        elif place in session.marketplaces[:-1]:
            following = f"{session.marketplaces[session.marketplaces.index(place) + 1]}|"
        return Page(items=tuple([_raw_stock(place, text) for text in texts]), next_token=following)

    def parse_stock(self, payload: str) -> StockItem:
        return mapping.parse_stock(payload)


def _iso(moment: datetime) -> str:
    """UTC with Z: Amazon takes no other zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next(pagination: Any) -> str:
    """The next page's token. Anything odd raises: a token that is overlooked would end the window too early."""
    if pagination is None:
        return ""
    token = pagination.get("nextToken") if isinstance(pagination, dict) else 0
    if token is not None and not isinstance(token, str):
        raise BadPayload("amazon.page_unreadable", path="pagination.nextToken")
    return token or ""


def _raw_order(text: str) -> RawItem:
    """Only id and time are looked at; a payload that is odd is stored all the same and fails when it is ingested."""
    body = json.loads(text)
    external_id = body.get("orderId") if isinstance(body, dict) else ""
    try:
        updated = datetime.fromisoformat(body["lastUpdatedTime"])
    except (KeyError, TypeError, ValueError):
        updated = None
    return RawItem(
        external_id=external_id[:120] if isinstance(external_id, str) else "",
        payload=text,
        updated_at=updated if updated is not None and updated.tzinfo else None,
    )


def _raw_stock(place: str, text: str) -> RawItem:
    sku = json.loads(text).get("sellerSku") if text.startswith("{") else ""
    payload = f'{{"marketplace":{json.dumps(place)},"summary":{text}}}'
    return RawItem(external_id=f"{place}:{sku}"[:120], payload=payload)


def _same(package: dict[str, Any], notice: ShipNotice) -> bool:
    number = str(package.get("trackingNumber") or "").replace(" ", "").casefold()
    if not number or number != notice.tracking_number.replace(" ", "").casefold():
        return False
    if (package.get("packageStatus") or {}).get("status") == CANCELLED_PACKAGE:
        return False
    held = {item.get("orderItemId"): item.get("quantity") for item in package.get("packageItems") or []}
    # A package that somebody confirmed with fewer pieces is not this one.
    return not held or all((held.get(line) or 0) >= quantity for line, quantity in notice.lines)


ADAPTER = Amazon()
