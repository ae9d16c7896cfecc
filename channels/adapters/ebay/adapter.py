"""eBay as a marketplace: orders, confirmations, buyer messages and notifications through the Trading API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from lxml import etree
from pydantic import Field

from channels import protocol
from channels.adapters.ebay import client, deletion, mapping, media
from channels.canonical import Answer, HookNews, Message, Order, Page, RawItem, SentAnswer, ShipNotice, Window
from channels.protocol import SandboxDraft, Session, Token
from core.errors import AdapterError, BadPayload, BusinessError, NotFound, Rejected, Transient, UnknownOutcome

PER_PAGE = 100
MESSAGES_PER_PAGE = 200
MOST_RESTARTS = 5
FEW_LINES = 3  # told again sooner than looked up
MOST_BODY = 2000
# Marketplace → (site id, currency). One seller may sell on several; the currency of an order is its own.
SITES = {
    "EBAY_US": ("0", "USD"),
    "EBAY_CA": ("2", "CAD"),
    "EBAY_GB": ("3", "GBP"),
    "EBAY_AU": ("15", "AUD"),
    "EBAY_AT": ("16", "EUR"),
    "EBAY_FR": ("71", "EUR"),
    "EBAY_DE": ("77", "EUR"),
    "EBAY_IT": ("101", "EUR"),
    "EBAY_NL": ("146", "EUR"),
    "EBAY_ES": ("186", "EUR"),
    "EBAY_CH": ("193", "CHF"),
    "EBAY_HK": ("201", "HKD"),
    "EBAY_IE": ("205", "EUR"),
    "EBAY_MY": ("207", "MYR"),
    "EBAY_PH": ("211", "PHP"),
    "EBAY_PL": ("212", "PLN"),
    "EBAY_SG": ("216", "SGD"),
}
# A notification may be as old as this; it is only a hint, the truth is read by API.
OLDEST_HOOK = timedelta(minutes=10)


class Settings(protocol.AccountSettings):
    """What is not secret about a seller's account."""

    base_url: str = Field("", title="Address of the API", description="Empty: eBay's own.")


class Credentials(protocol.Credentials):
    """The application's keys and the seller's consent."""

    app_id: str = Field(min_length=1, title="App ID (client id)", description="Of the Production keyset.")
    dev_id: str = Field(min_length=1, title="Dev ID", description="The same for all your keysets.")
    cert_id: str = Field(min_length=1, title="Cert ID (client secret)", description="Of the Production keyset.")
    refresh_token: str = Field(
        min_length=1,
        title="Refresh token",
        description="Begins with v^1.1. Not the access token, which lives two hours only.",
    )


class Ebay(media.Pictures):
    platform: ClassVar[str] = "ebay"
    title: ClassVar[str] = "eBay"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {protocol.ORDERS, protocol.SHIPMENTS, protocol.MESSAGES, protocol.MEDIA, protocol.WEBHOOKS}
    )
    settings_model: ClassVar[type[protocol.AccountSettings]] = Settings
    credentials_model: ClassVar[type[protocol.Credentials]] = Credentials
    overlap_seconds: ClassVar[int] = 120
    lag_seconds: ClassVar[int] = 120  # eBay's advice: up to now minus two minutes
    max_window_seconds: ClassVar[int] = 29 * 86400
    pull_every_seconds: ClassVar[int] = 300
    answer_within_hours: ClassVar[int] = 24
    purge_after_days: ClassVar[int] = 90
    keeps_buyer_hash: ClassVar[bool] = True
    person_fields: ClassVar[tuple[str, ...]] = ("BuyerUserID", "EIASToken", "SenderID", "Email")

    consent_days: ClassVar[int] = 540
    connect_steps: ClassVar[tuple[str, ...]] = (
        "Sign in at developer.ebay.com with a developer account and open Application Keysets.",
        "App ID, Dev ID and Cert ID of the Production keyset stand there.",
        "Open User Tokens, choose OAuth and sign in as the seller: the refresh token is shown after the consent.",
        "The consent lasts 18 months and ends at once when the seller changes the password at eBay.",
    )

    def refresh_token(self, session: Session) -> Token:
        return client.mint(session)

    def identify(self, session: Session) -> protocol.Owner:
        """GetUser without a name tells of the token's owner. Sellers in some countries are known by another name too."""
        user = client.call(session, "GetUser", {}).find(f"{client.TAG}User")
        name = (user.findtext(f"{client.TAG}UserID") or "") if user is not None else ""
        if user is None or not name:
            raise BadPayload("ebay.no_user", path="User.UserID")
        token = user.findtext(f"{client.TAG}EIASToken") or ""
        return protocol.Owner(external_id=name, name=name, aliases=(token,) if token else ())

    def check_marketplaces(self, marketplaces: tuple[str, ...]) -> tuple[str, ...]:
        """Ids from ids or country codes (``GB`` or ``EBAY_GB``). Raises BusinessError."""
        found = []
        for place in marketplaces:
            name = place if place in SITES else f"EBAY_{'GB' if place == 'UK' else place}"
            if name not in SITES:
                raise BusinessError("account.marketplace_unknown", marketplace=place)
            found.append(name)
        if not found:
            raise BusinessError("account.marketplace_missing")
        return tuple(dict.fromkeys(found))

    def sandbox_draft(self, url: str, marketplace: str) -> SandboxDraft:
        """A seller to make at the simulator; ``url`` is the simulators' base."""
        key = uuid.uuid4().hex[:12]
        (place,) = self.check_marketplaces((marketplace,))
        user = f"seller_{key}"
        credentials = {
            "app_id": f"Sampan-{key}",
            "dev_id": str(uuid.uuid4()),
            "cert_id": f"SBX-{uuid.uuid4().hex}",
            "refresh_token": f"v^1.1#r^{uuid.uuid4().hex}",
        }
        return SandboxDraft(
            external_id=user,
            marketplaces=(place,),
            settings={"base_url": f"{url}/ebay"},
            credentials=credentials,
            register_url=f"{url}/_control/ebay/accounts",
            register={
                "account_id": user,
                "site": place.removeprefix("EBAY_"),
                "credentials": {**credentials, "user_id": user},
            },
        )

    # -- orders ---------------------------------------------------------------------------------------------------

    def fetch_orders(self, session: Session, window: Window, page_token: str) -> Page:
        """``page_token`` = page|total of the first page|restarts. An order that changes leaves the window and lets the
        following ones slip to the page before: when the total moved, the window is read once more from its start.
        """
        page, first_total, restarts = _position(page_token)
        root = client.call(
            session,
            "GetOrders",
            {
                "DetailLevel": "ReturnAll",
                "ModTimeFrom": window.start,
                "ModTimeTo": window.end,
                "OrderRole": "Seller",
                "OrderStatus": "All",
                "Pagination": {"EntriesPerPage": PER_PAGE, "PageNumber": page},
            },
            site=_site(session),
        )
        items = tuple([_raw_order(node) for node in root.iterfind(f"{client.TAG}OrderArray/{client.TAG}Order")])
        total = _number(root, "PaginationResult", "TotalNumberOfEntries")
        token = ""
        if root.findtext(f"{client.TAG}HasMoreOrders") == "true":
            token = f"{page + 1}|{total if page == 1 else first_total}|{restarts}"
        elif page > 1 and total != first_total and restarts < MOST_RESTARTS:
            token = f"1||{restarts + 1}"
        return Page(items=items, next_token=token)

    def fetch_order(self, session: Session, external_id: str) -> RawItem:
        found = self._by_ids(session, (external_id,))
        if external_id not in found:
            raise NotFound(operation="GetOrders", item=external_id)
        return _raw_order(found[external_id])

    def _by_ids(self, session: Session, ids: tuple[str, ...]) -> dict[str, etree._Element]:
        root = client.call(
            session,
            "GetOrders",
            {"DetailLevel": "ReturnAll", "OrderIDArray": {"OrderID": list(ids)}, "OrderRole": "Seller"},
            site=_site(session),
        )
        nodes = root.iterfind(f"{client.TAG}OrderArray/{client.TAG}Order")
        return {node.findtext(f"{client.TAG}OrderID") or "": node for node in nodes}

    def parse_order(self, payload: str) -> Order:
        return mapping.parse_order(payload)

    # -- confirmations --------------------------------------------------------------------------------------------

    def confirm_shipment(self, session: Session, notice: ShipNotice) -> None:
        number = "".join(notice.tracking_number.split())
        if not (number.isascii() and number.replace("-", "").isalnum()):
            raise Rejected("ebay.tracking_format", field="ShipmentTrackingNumber")
        shipment = {
            "ShipmentTrackingDetails": {
                "ShipmentTrackingNumber": number,
                "ShippingCarrierUsed": self.carrier_name(notice.carrier),
            },
            "ShippedTime": notice.shipped_at,
        }
        if notice.whole_order:
            targets: list[dict[str, str]] = [{"OrderID": notice.order_external_id}]
        else:
            # A call a line: of many, those that an earlier try has told already are left out.
            told = self._carrying(session, notice) if len(notice.lines) > FEW_LINES else set()
            targets = [{"OrderLineItemID": line} for line, _ in notice.lines if line not in told]
        failed: AdapterError | None = None
        for target in targets:
            body = {**target, "Shipment": shipment, "Shipped": True}
            try:
                client.call(session, "CompleteSale", body, writes=True, site=_site(session))
            except (UnknownOutcome, Transient) as error:
                failed = error  # the other lines are told all the same: a try of sixty calls would hardly ever end
        if failed is not None:
            raise failed
        # A Success that changed nothing has been seen at the platform: what counts is what a look-up shows.
        if not self.shipment_known(session, notice):
            raise Transient("ebay.success_without_effect", operation="CompleteSale")

    def shipment_known(self, session: Session, notice: ShipNotice) -> bool:
        return {line for line, _ in notice.lines} <= self._carrying(session, notice)

    def _carrying(self, session: Session, notice: ShipNotice) -> set[str]:
        """The order's lines that carry the parcel's number at eBay."""
        found = self._by_ids(session, (notice.order_external_id,))
        node = found.get(notice.order_external_id)
        if node is None:
            raise NotFound(operation="GetOrders", item=notice.order_external_id)
        there = mapping.trackings(mapping.tree(_raw_order(node).payload))
        number = mapping.fold(notice.tracking_number)
        return {line for line, numbers in there.items() if number in numbers}

    def carrier_name(self, carrier: str) -> str:
        """eBay takes any name of letters, digits and spaces."""
        return "".join(c for c in carrier if c.isalnum() or c == " ").strip() or "Other"

    # -- messages -------------------------------------------------------------------------------------------------

    def fetch_messages(self, session: Session, window: Window, page_token: str) -> Page:
        page, _, _ = _position(page_token)
        root = client.call(
            session,
            "GetMemberMessages",
            {
                "MailMessageType": "All",
                "StartCreationTime": window.start,
                "EndCreationTime": window.end,
                "Pagination": {"EntriesPerPage": MESSAGES_PER_PAGE, "PageNumber": page},
            },
            site=_site(session),
        )
        nodes = root.iterfind(f"{client.TAG}MemberMessage/{client.TAG}MemberMessageExchange")
        items = tuple([_raw_message(node) for node in nodes])
        more = root.findtext(f"{client.TAG}HasMoreItems") == "true"
        return Page(items=items, next_token=f"{page + 1}||0" if more else "")

    def parse_message(self, payload: str) -> Message:
        return mapping.parse_message(payload)

    def send_answer(self, session: Session, answer: Answer) -> SentAnswer:
        if len(answer.body) > MOST_BODY:
            raise Rejected("message.too_long", field="Body", most=MOST_BODY, length=len(answer.body))
        body: dict[str, Any] = {}
        if answer.item_ref:
            body["ItemID"] = answer.item_ref
        pictures = [{"MediaName": one.name, "MediaURL": one.url} for one in answer.media]
        body["MemberMessage"] = {
            "Body": answer.body,
            "DisplayToPublic": False,
            **({"MessageMedia": pictures} if pictures else {}),
            "ParentMessageID": answer.parent_external_id,
            "RecipientID": answer.buyer_id,
        }
        client.call(session, "AddMemberMessageRTQ", body, writes=True, site=_site(session))
        return SentAnswer(external_id="", at=session.now())

    def find_answer(self, session: Session, answer: Answer) -> SentAnswer | None:
        root = client.call(
            session,
            "GetMemberMessages",
            {"MailMessageType": "All", "MemberMessageID": answer.parent_external_id},
            site=_site(session),
        )
        wanted = " ".join(answer.body.split())
        for node in root.iterfind(f"{client.TAG}MemberMessage/{client.TAG}MemberMessageExchange"):
            for reply in node.iterfind(f"{client.TAG}Response"):
                if " ".join((reply.text or "").split()) == wanted:
                    return SentAnswer(external_id="")
        return None

    # -- notifications --------------------------------------------------------------------------------------------

    def hook_account(self, raw: bytes, headers: Mapping[str, str]) -> str:
        body = _soap(raw)
        return (body.findtext(f"{client.TAG}RecipientUserID") or "") if body is not None else ""

    def verify_hook(
        self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any], now: datetime
    ) -> HookNews:
        envelope = _envelope(raw)
        body = _soap(raw)
        if envelope is None or body is None:
            raise Rejected("hook.unreadable")
        given = next((n.text or "" for n in envelope.iter() if _local(n) == "NotificationSignature"), "")
        timestamp = body.findtext(f"{client.TAG}Timestamp") or ""
        text = f"{timestamp}{credentials['dev_id']}{credentials['app_id']}{credentials['cert_id']}"
        expected = base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()
        if not hmac.compare_digest(given.strip(), expected):
            raise Rejected("hook.bad_signature")
        sent = mapping.maybe_time(timestamp)
        if sent is None or abs(now - sent) > OLDEST_HOOK:
            raise Rejected("hook.too_old")
        event = body.findtext(f"{client.TAG}NotificationEventName") or ""
        kind = "message" if "Message" in event or event == "AskSellerQuestion" else "order"
        orders = {n.text or "" for n in body.iter() if _local(n) == "OrderID"}
        return HookNews(
            kind=kind,
            external_account=body.findtext(f"{client.TAG}RecipientUserID") or "",
            dedupe=hashlib.sha256(raw).hexdigest(),
            external_ids=tuple(sorted(orders - {""})),
        )

    # -- persons to be forgotten ----------------------------------------------------------------------------------

    def greet_hook(self, query: Mapping[str, str], installed: Mapping[str, str]) -> bytes | None:
        return deletion.challenge(query, installed)

    def speaks_of_persons(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        return deletion.is_rest(raw, headers)

    def deleted_person(self, raw: bytes, headers: Mapping[str, str], key_of: Callable[[str], str]) -> tuple[str, ...]:
        return deletion.persons(raw, headers, key_of)

    def fetch_hook_key(self, http: protocol.Http, installed: Mapping[str, str], key_id: str) -> str:
        return deletion.fetch_key(http, installed, key_id)


def _site(session: Session) -> str:
    return SITES.get(session.marketplaces[0] if session.marketplaces else "", ("0", ""))[0]


def _position(token: str) -> tuple[int, int, int]:
    page, _, rest = (token or "1||0").partition("|")
    total, _, restarts = rest.partition("|")
    return int(page), int(total or 0), int(restarts or 0)


def _number(root: etree._Element, *path: str) -> int:
    text = root.findtext("/".join(f"{client.TAG}{name}" for name in path)) or "0"
    if not text.isdigit():
        raise BadPayload("payload.number", path=".".join(path))
    return int(text)


def _raw_order(node: etree._Element) -> RawItem:
    external = node.findtext(f"{client.TAG}OrderID") or ""
    unreadable = node.findtext(f"{client.TAG}{client.UNREADABLE}")
    if unreadable is not None:
        return RawItem(external[:120], unreadable)
    changed = node.findtext(f"{client.TAG}CheckoutStatus/{client.TAG}LastModifiedTime")
    return RawItem(
        external[:120], etree.tostring(node, encoding="unicode", with_tail=False), mapping.maybe_time(changed)
    )


def _raw_message(node: etree._Element) -> RawItem:
    external = node.findtext(f"{client.TAG}Question/{client.TAG}MessageID") or ""
    changed = node.findtext(f"{client.TAG}LastModifiedDate")
    return RawItem(
        external[:120], etree.tostring(node, encoding="unicode", with_tail=False), mapping.maybe_time(changed)
    )


def _local(node: etree._Element) -> str:
    return node.tag.rsplit("}", 1)[-1] if isinstance(node.tag, str) else ""


def _envelope(raw: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(raw, client.PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _soap(raw: bytes) -> etree._Element | None:
    """The notification inside the SOAP body."""
    envelope = _envelope(raw)
    if envelope is None:
        return None
    for node in envelope:
        if _local(node) == "Body" and len(node):
            return node[0]
    return None


ADAPTER = Ebay()
