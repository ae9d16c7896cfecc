"""What every marketplace in the registry must keep, as plain functions: pytest and ``tests.contract.table`` run them.

A check raises AssertionError with what is wrong. Samples lie in the adapter's folder: ``<kind>_<name>.<ext>`` with
``….expected.json`` beside it, ``bad_<kind>_<name>.<ext>`` with the code and path that refuse it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from channels import canonical, protocol
from channels.canonical import Answer, Order, ShipNotice, Window
from channels.protocol import Session
from core.errors import AdapterError, AuthExpired, BadPayload, Throttled, Transient, UnknownOutcome
from core.wire import HttpAnswer
from tests.support.network import barred
from tests.support.wire import Direct, Scripted, session

PARSERS = {"order": "parse_order", "message": "parse_message", "stock": "parse_stock"}
KINDS = {protocol.ORDERS: "order", protocol.MESSAGES: "message", protocol.PLATFORM_STOCK: "stock"}
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HTML = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>Sorry</body></html>"


def as_json(value: Any) -> Any:
    """A canonical value as JSON: money as text, times ISO 8601 in UTC, sets sorted."""
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        assert value.tzinfo is not None, "a time without zone"
        return value.astimezone(UTC).isoformat()
    return value


def raised_by(call: Callable[[], object]) -> AdapterError | None:
    try:
        call()
    except AdapterError as error:
        return error
    return None


# -- samples ------------------------------------------------------------------------------------------------------------


def folder(adapter: Any) -> Path:
    module = importlib.import_module(type(adapter).__module__)
    return Path(str(module.__file__)).parent / "samples"


def samples(adapter: Any) -> list[Path]:
    return sorted(path for path in folder(adapter).glob("*") if ".expected." not in path.name)


def kind_of(sample: Path) -> str:
    return sample.name.removeprefix("bad_").split("_")[0]


def check_sample(adapter: Any, sample: Path) -> None:
    """The sample reads as it was written down, or is refused with its code and path."""
    expected = json.loads(sample.with_name(sample.stem + ".expected.json").read_text())
    parse = getattr(adapter, PARSERS[kind_of(sample)])
    if sample.name.startswith("bad_"):
        refused = raised_by(lambda: parse(sample.read_text()))
        assert isinstance(refused, BadPayload), "it was read"
        assert {"code": refused.code, "path": refused.path} == expected
        return
    value = parse(sample.read_text())
    found = as_json(asdict(value))
    assert found == expected, _difference(found, expected)
    if isinstance(value, Order):
        check_order(value)


def _difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    names = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return "; ".join(f"{name}: {found.get(name)!r} and not {expected.get(name)!r}" for name in names)


def check_order(order: Order) -> None:
    """Totals add up to the cent, times are aware, statuses are ours."""
    assert order.status in canonical.STATUSES
    for moment in (order.updated_at, order.placed_at, order.paid_at, order.ship_by, order.deliver_by):
        assert moment is None or moment.utcoffset() is not None
    assert len({line.external_line_id for line in order.lines}) == len(order.lines) > 0
    goods = sum((line.line_total for line in order.lines), Decimal(0))
    on_lines = sum((line.discount for line in order.lines), Decimal(0))
    assert order.items_total - order.discount_total <= goods <= order.items_total, "goods"
    assert on_lines <= order.discount_total or not on_lines, "discounts"
    net = order.items_total + order.shipping_total - order.discount_total
    # Where prices include the tax (marketplaces of the EU), it is no addend.
    assert order.grand_total in (net, net + order.tax_total), f"{net} + {order.tax_total} and not {order.grand_total}"
    for line in order.lines:
        assert 0 <= line.cancelled <= line.quantity
        assert 0 <= line.shipped <= line.quantity - line.cancelled


def check_has_samples(adapter: Any) -> None:
    there = {kind_of(path) for path in samples(adapter) if not path.name.startswith("bad_")}
    wanted = {kind for capability, kind in KINDS.items() if capability in adapter.capabilities}
    assert wanted <= there, f"no samples of {sorted(wanted - there)}"
    assert any(path.name.startswith("bad_") for path in samples(adapter)), "no sample of what is refused"


# -- errors -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    name: str
    capability: str
    call: Callable[[Any, Session], object]
    writes: bool = False


NOTICE = ShipNotice(
    order_external_id="114-7700001-1000001",
    reference="1001",
    carrier="YunExpress",
    tracking_number="YT2600000000001",
    shipped_at=NOW,
    lines=(("70000000000001", 1),),
)
ANSWER = Answer(key="1", parent_external_id="9", buyer_id="b", body="Yes", item_ref="3")
WINDOW = Window(NOW - timedelta(hours=3), NOW - timedelta(hours=1))
OPERATIONS = (
    Operation("refresh_token", "", lambda a, s: a.refresh_token(s)),
    Operation("fetch_orders", protocol.ORDERS, lambda a, s: a.fetch_orders(s, WINDOW, "")),
    Operation("fetch_order", protocol.ORDERS, lambda a, s: a.fetch_order(s, NOTICE.order_external_id)),
    Operation("confirm_shipment", protocol.SHIPMENTS, lambda a, s: a.confirm_shipment(s, NOTICE), writes=True),
    Operation("shipment_known", protocol.SHIPMENTS, lambda a, s: a.shipment_known(s, NOTICE)),
    Operation("fetch_messages", protocol.MESSAGES, lambda a, s: a.fetch_messages(s, WINDOW, "")),
    Operation("send_answer", protocol.MESSAGES, lambda a, s: a.send_answer(s, ANSWER), writes=True),
    Operation("find_answer", protocol.MESSAGES, lambda a, s: a.find_answer(s, ANSWER)),
    Operation("fetch_stock", protocol.PLATFORM_STOCK, lambda a, s: a.fetch_stock(s, "")),
)


@dataclass(frozen=True)
class Fault:
    """An answer (None: it is lost), and what it means to a read and to a write."""

    name: str
    answer: HttpAnswer | None
    read: tuple[type[AdapterError], ...]
    write: tuple[type[AdapterError], ...]


def _answer(status: int, content: bytes = b"", **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


FAULTS = (
    Fault("429", _answer(429, retry_after="7"), (Throttled,), (Throttled,)),
    Fault("429 bare", _answer(429), (Throttled,), (Throttled,)),
    Fault("401", _answer(401), (AuthExpired, AdapterError), (AuthExpired, AdapterError)),
    Fault("500", _answer(500), (Transient,), (UnknownOutcome,)),
    Fault("503 HTML", _answer(503, HTML, content_type="text/html"), (Transient,), (UnknownOutcome,)),
    Fault("504", _answer(504), (Transient,), (UnknownOutcome,)),
    Fault("200 HTML", _answer(200, HTML, content_type="text/html"), (Transient,), (UnknownOutcome,)),
    Fault("200 empty", _answer(200), (Transient,), (UnknownOutcome,)),
    Fault("200 other", _answer(200, b'["x"]'), (Transient, BadPayload), (UnknownOutcome, BadPayload)),
    Fault("time-out", None, (Transient,), (UnknownOutcome,)),
)


def operations(adapter: Any) -> list[Operation]:
    return [one for one in OPERATIONS if not one.capability or one.capability in adapter.capabilities]


def check_fault(adapter: Any, operation: Operation, fault: Fault) -> None:
    """The adapter raises what the answer means, and opens no connection of its own."""
    wire = Scripted(fault.answer)
    expected = fault.write if operation.writes else fault.read
    with barred() as attempts:
        error = raised_by(lambda: operation.call(adapter, session(adapter, wire)))
    if error is None:
        # An empty 2xx is how some platforms say yes to a write.
        assert operation.writes, "it looks like success"
        assert fault.name == "200 empty", "it looks like success"
    else:
        assert isinstance(error, expected), f"{type(error).__name__}, not {expected[0].__name__}"
    if fault.name == "429":
        assert isinstance(error, Throttled)
        assert error.retry_after == 7, "what it says about waiting is lost"
    assert not attempts, f"connections of its own: {attempts}"
    assert wire.sent, "nothing went through the session"
    assert all(one.url.startswith("https://simulators.test/") for one in wire.sent), "another host was called"


# -- round trip ---------------------------------------------------------------------------------------------------------


def _plan(ref: str) -> dict[str, Any]:
    hour = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "ref": ref,
        "buyer": {"id": "b-" + ref, "name": "Ann Lee", "email": ""},
        "recipient": {
            "name": "Zoë & 李 <3>",
            "company": "",
            "lines": ["12 Rue d'Été", "Apt 4"],
            "city": "Seattle",
            "region": "WA",
            "postcode": "98101",
            "country": "US",
            "phone": "+1 206 555 0100",
        },
        "lines": [
            {"sku": "TEE-RED", "title": "Tee & more", "quantity": 2, "unit_price": "10.00"},
            {"sku": "CUP", "title": "Cup", "quantity": 1, "unit_price": "3.33"},
        ],
        "currency": "USD",
        "shipping_price": "4.99",
        "tax": "0.00",
        "placed_at": hour,
        "paid_at": hour,
        "ship_by": None,
        "deliver_by": None,
        "fulfilment": "merchant",
    }


class Trip:
    """A store of its own at the simulators, and a session of the adapter."""

    def __init__(self, adapter: Any, url: str) -> None:
        self.adapter, self.http = adapter, httpx.Client(timeout=20)
        draft = adapter.sandbox_draft(url, "US")
        self._good(self.http.post(draft.register_url, json=dict(draft.register)))
        self.control = f"{draft.register_url}/{draft.external_id}"
        made = Session(
            http=Direct(),
            external_account=draft.external_id,
            settings=draft.settings,
            credentials=draft.credentials,
            marketplaces=draft.marketplaces,
            now=lambda: datetime.now(UTC),
        )
        token = adapter.refresh_token(made)
        assert token.expires_in > 0
        self.session = Session(
            **{name: getattr(made, name) for name in made.__slots__ if name != "access_token"},
            access_token=token.access,
        )

    def _good(self, answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        return self._good(self.http.post(f"{self.control}/{path}", json=body))

    def get(self, path: str) -> Any:
        return self._good(self.http.get(f"{self.control}/{path}"))

    def window(self, end: timedelta | None = None) -> Window:
        """The last three hours; up to as short before now as the platform takes it, unless ``end`` says otherwise."""
        now = datetime.now(UTC)
        behind = timedelta(seconds=self.adapter.lag_seconds) if end is None else -end
        return Window(now - timedelta(hours=3), now - behind)

    def orders(self) -> list[canonical.RawItem]:
        """All orders of the last hours. A simulator may date a planned order to the moment it was told of it."""
        ahead = self.window(timedelta(minutes=5))
        open_end = raised_by(lambda: self.adapter.fetch_orders(self.session, ahead, "")) is None
        window = ahead if open_end else self.window()
        return list(self.pages(lambda token: self.adapter.fetch_orders(self.session, window, token)))

    def pages(self, fetch: Callable[[str], canonical.Page]) -> Iterator[canonical.RawItem]:
        token = ""
        while True:
            page = fetch(token)
            yield from page.items
            token = page.next_token
            if not token:
                return


def check_orders_trip(adapter: Any, url: str) -> None:
    """What the platform knows is what we read, to the cent and the last character."""
    trip = Trip(adapter, url)
    ids = trip.post("orders", {"orders": [_plan(f"r{i}") for i in range(103)]})["ids"]
    raws = trip.orders()
    assert sorted(raw.external_id for raw in raws) == sorted(ids.values())
    found = {raw.external_id: adapter.parse_order(raw.payload) for raw in raws}
    known = {one["external_id"]: one for one in trip.get("orders?limit=1000")["orders"]}
    for external_id, order in found.items():
        check_order(order)
        there = known[external_id]
        assert order.grand_total == Decimal(there["total"])
        assert order.currency == there["currency"]
        receiver = asdict(order.receiver) | {"lines": list(order.receiver.lines)}
        for name in ("name", "company", "lines", "city", "region", "postcode", "country", "phone"):
            assert receiver[name] == there["recipient"][name], name
        lines = {line["external_line_id"]: line for line in there["lines"]}
        assert {line.external_line_id for line in order.lines} == set(lines)
        for line in order.lines:
            same = lines[line.external_line_id]
            assert (line.seller_sku, line.quantity) == (same["sku"], same["quantity"])
            assert line.unit_price == Decimal(same["unit_price"])
    single = adapter.fetch_order(trip.session, raws[0].external_id)
    assert as_json(asdict(adapter.parse_order(single.payload))) == as_json(asdict(found[raws[0].external_id]))


def check_shipments_trip(adapter: Any, url: str) -> None:
    """A parcel is told once, with its number and pieces, and found again."""
    trip = Trip(adapter, url)
    (order_id,) = trip.post("orders", {"orders": [_plan("one")]})["ids"].values()
    (raw,) = trip.orders()
    order = adapter.parse_order(raw.payload)
    notice = ShipNotice(
        order_external_id=order_id,
        reference="1001",
        carrier="YunExpress",
        tracking_number="YT2600000000001",
        shipped_at=datetime.now(UTC) - timedelta(minutes=5),
        lines=tuple((line.external_line_id, line.quantity) for line in order.lines),
        marketplace=order.marketplace,
        whole_order=True,
    )
    assert adapter.shipment_known(trip.session, notice) is False
    adapter.confirm_shipment(trip.session, notice)
    assert adapter.shipment_known(trip.session, notice) is True
    (there,) = trip.get("orders")["orders"]
    numbers = {one["tracking_number"] for one in there["confirmations"]}
    assert numbers == {notice.tracking_number}
    told: dict[str, int] = {}
    for one in there["confirmations"]:
        for line in one["lines"]:
            told[line["external_line_id"]] = told.get(line["external_line_id"], 0) + line["quantity"]
    assert told == dict(notice.lines)


def check_messages_trip(adapter: Any, url: str) -> None:
    """A question is read, answered once, and the answer is found again."""
    trip = Trip(adapter, url)
    (order_id,) = trip.post("orders", {"orders": [_plan("one")]})["ids"].values()
    sent = (datetime.now(UTC) - timedelta(minutes=30)).isoformat(timespec="seconds").replace("+00:00", "Z")
    question = {
        "ref": "m1",
        "order_ref": "one",
        "buyer_id": "b-one",
        "subject": "Where?",
        "body": "Wo ist <es>? 在哪里",
        "sent_at": sent,
    }
    trip.post("messages", {"messages": [question]})
    (raw,) = trip.pages(lambda token: adapter.fetch_messages(trip.session, trip.window(), token))
    message = adapter.parse_message(raw.payload)
    assert (message.body, message.sent_at.utcoffset()) == (question["body"], timedelta(0))
    answer = Answer(
        key="1",
        parent_external_id=message.external_id,
        buyer_id=message.buyer_id,
        body="It is on its way & arrives on Friday.",
        item_ref=message.item_ref,
        order_external_id=message.order_external_id,
    )
    assert adapter.find_answer(trip.session, answer) is None
    adapter.send_answer(trip.session, answer)
    assert adapter.find_answer(trip.session, answer) is not None
    (there,) = trip.get("messages")["messages"]
    assert [one["body"] for one in there["answers"]] == [answer.body]


def check_stock_trip(adapter: Any, url: str) -> None:
    trip = Trip(adapter, url)
    trip.post("inventory", {"items": [{"sku": f"S{i}", "fulfillable": i, "inbound_shipped": 1} for i in range(51)]})
    raws = list(trip.pages(lambda token: adapter.fetch_stock(trip.session, token)))
    found = {item.seller_sku: item for item in (adapter.parse_stock(raw.payload) for raw in raws)}
    assert {sku: item.fulfillable for sku, item in found.items()} == {f"S{i}": i for i in range(51)}
    assert {item.inbound_shipped for item in found.values()} == {1}


TRIPS: dict[str, Callable[[Any, str], None]] = {
    protocol.ORDERS: check_orders_trip,
    protocol.SHIPMENTS: check_shipments_trip,
    protocol.MESSAGES: check_messages_trip,
    protocol.PLATFORM_STOCK: check_stock_trip,
}
