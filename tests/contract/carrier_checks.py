"""What every carrier and aggregator in the registry must keep, as plain functions; see ``checks`` for marketplaces.

Samples lie in the carrier's folder: ``<operation>_<name>.json`` is what the other side answers (or, for ``webhook``,
sends), ``….expected.json`` what we make of it: the value, or ``{"error", "code", "params"}``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from core import clock
from core.errors import AdapterError, AuthExpired, AuthRevoked
from core.values import Address, CustomsLine, Parcel, ShipmentRequest
from core.wire import HttpAnswer
from logistics import protocol
from logistics.protocol import CarrierSession
from tests.contract.checks import FAULTS, Fault, as_json, raised_by
from tests.support.network import barred
from tests.support.wire import Direct, Scripted

REQUEST = ShipmentRequest(
    reference="S1-1",
    service_code="BKPHR",
    receiver=Address(
        "Zoë Müller", "Ærø ApS", ("Torstraße 1", "Hinterhaus"), "Berlin", "", "", "10115", "DE", "+49 30 1"
    ),
    sender=Address("Depot 仓库", "", ("Bantian 5",), "Shenzhen", "", "Guangdong", "518129", "CN", "0755 1234567"),
    parcel=Parcel(325, 200, 150, 50),
    customs=(CustomsLine("CASE-1", "Phone case", "手机壳", 2, Decimal("3.50"), "USD", 150),),
)
NUMBER = "YT2532507000000042"


@dataclass(frozen=True)
class Operation:
    name: str
    capability: str
    call: Callable[[Any, CarrierSession], Any]
    writes: bool = False


CARRIER = (
    Operation("token", "", lambda c, s: c.refresh_token(s)),
    Operation("services", "", lambda c, s: c.services(s)),
    Operation("book", protocol.BOOK, lambda c, s: c.book(s, REQUEST), writes=True),
    Operation("find", protocol.BOOK, lambda c, s: c.find(s, REQUEST.reference)),
    Operation("number", protocol.NUMBER_LATER, lambda c, s: c.fetch_number(s, NUMBER)),
    Operation("label", protocol.LABEL, lambda c, s: c.fetch_label(s, NUMBER)),
    Operation("cancel", protocol.CANCEL, lambda c, s: c.cancel(s, NUMBER), writes=True),
    Operation("track", protocol.TRACK, lambda c, s: c.track(s, [NUMBER])),
    Operation("quote", protocol.QUOTE, lambda c, s: c.quote(s, "BKPHR", "DE", Parcel(265))),
)
THREE = [(NUMBER, 190008, "DE"), ("A1", None, ""), ("B2", None, "")]
TRACKER = (
    Operation("register", "", lambda t, s: t.register(s, THREE), writes=True),
    Operation("fetch", "", lambda t, s: t.fetch(s, [NUMBER])),
)


def operations(other: Any) -> list[Operation]:
    if hasattr(other, "kind"):
        return list(TRACKER)
    if protocol.NUMBER_POOL in other.capabilities:
        return []  # it has no wire
    return [one for one in CARRIER if not one.capability or one.capability in other.capabilities]


def session(other: Any, http: Any, url: str = "https://simulators.test", token: str = "token") -> CarrierSession:
    draft = other.sandbox_draft(url)
    return CarrierSession(
        http=http,
        settings=other.settings_model(**draft.settings).model_dump(),
        credentials=other.credentials_model(**draft.credentials).model_dump(),
        access_token=token,
        now=lambda: datetime.now(UTC),
    )


# -- samples ------------------------------------------------------------------------------------------------------------


def samples(other: Any) -> list[Path]:
    module = importlib.import_module(type(other).__module__)
    folder = Path(str(module.__file__)).parent / "samples"
    return sorted(path for path in folder.glob("*.json") if ".expected." not in path.name)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(one) for one in value]
    return as_json(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else as_json(value)


def check_sample(other: Any, sample: Path) -> None:
    """The other side's words become the written-down value, or the written-down error."""
    expected = json.loads(sample.with_name(sample.stem + ".expected.json").read_text())
    name = sample.name.split("_")[0]
    raw = sample.read_bytes()
    wire = Scripted(HttpAnswer(200, {"content-type": "application/json"}, raw))
    made = session(other, wire)
    try:
        if name == "webhook":
            found = plain(other.parse_webhook(raw, signed(other, raw, made), made.credentials))
        else:
            (operation,) = [one for one in operations(other) if one.name == name]
            found = plain(operation.call(other, made))
    except AdapterError as error:
        found = {"error": type(error).__name__, "code": error.code, "params": as_json(error.params)}
    assert found == expected, f"{found!r} and not {expected!r}"


def signed(other: Any, raw: bytes, made: CarrierSession) -> dict[str, str]:
    """The headers under which a genuine call comes."""
    module = importlib.import_module(type(other).__module__)
    return {"sign": module.signature(raw, made.credentials["token"])}


# -- errors -------------------------------------------------------------------------------------------------------------


def check_fault(other: Any, operation: Operation, fault: Fault) -> None:
    """The carrier raises what the answer means, and opens no connection of its own."""
    wire = Scripted(fault.answer)
    with barred() as attempts:
        error = raised_by(lambda: operation.call(other, session(other, wire)))
    assert not attempts, f"connections of its own: {attempts}"
    assert wire.sent, "nothing went through the session"
    assert all(one.url.startswith("https://simulators.test/") for one in wire.sent), "another host was called"
    assert wire.sent[0].writes == operation.writes, "whether it writes is told wrongly"
    assert error is not None, "it looks like success"
    expected = fault.write if operation.writes else fault.read
    if fault.name == "401":
        expected = (AuthExpired, AuthRevoked, *expected)
    assert isinstance(error, expected), f"{type(error).__name__}, not {expected[0].__name__}"
    if fault.name == "429":
        assert error.params.get("retry_after") == 7, "what it says about waiting is lost"


# -- round trip ---------------------------------------------------------------------------------------------------------


class Trip:
    """An account of its own at the simulators, and a session with a token."""

    def __init__(self, other: Any, url: str) -> None:
        self.other, self.http, self.draft = other, httpx.Client(timeout=20), other.sandbox_draft(url)
        answer = self.http.post(self.draft.register_url, json=dict(self.draft.register))
        assert answer.status_code == 200, answer.text
        made = CarrierSession(
            http=Direct(),
            settings=self.draft.settings,
            credentials=self.draft.credentials,
            now=lambda: datetime.now(UTC),
        )
        token = other.refresh_token(made) if hasattr(other, "refresh_token") else None
        self.session = CarrierSession(
            http=made.http,
            settings=made.settings,
            credentials=made.credentials,
            access_token=token.access if token else "",
            now=made.now,
        )

    def control(self, path: str, body: Any = None) -> Any:
        url = f"{self.draft.register_url}/{self.draft.external_id}/{path}"
        answer = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def check_carrier_trip(carrier: Any, url: str) -> None:
    """Booked once, found by our reference, label, price, tracking, cancelled; the carrier knows the same as we."""
    trip = Trip(carrier, url)
    assert "BKPHR" in {one.code for one in carrier.services(trip.session)}
    assert carrier.find(trip.session, REQUEST.reference) is None
    booking = carrier.book(trip.session, REQUEST)
    found = carrier.find(trip.session, REQUEST.reference)
    assert found is not None
    assert (found.waybill, found.tracking_number) == (booking.waybill, booking.tracking_number)
    assert (found.raw["country"], found.raw["postcode"]) == ("DE", "10115")
    error = raised_by(lambda: carrier.book(trip.session, REQUEST))
    assert type(error).__name__ == "AlreadyDone"
    (there,) = trip.control("shipments")["shipments"]
    assert (there["reference"], there["waybill"], there["weight_g"]) == (REQUEST.reference, booking.waybill, 325)
    assert there["recipient"]["address_lines"] == ["Torstraße 1", "Hinterhaus"]
    assert there["declaration"][0]["name_local"] == "手机壳"
    assert carrier.fetch_label(trip.session, booking.waybill).content.startswith(b"%PDF-")
    assert carrier.quote(trip.session, "BKPHR", "DE", Parcel(265)).amount > 0
    (tracked,) = carrier.track(trip.session, [booking.waybill])
    assert (tracked.main, len(tracked.events)) == ("InfoReceived", 1)
    carrier.cancel(trip.session, booking.waybill)
    assert trip.control("shipments")["shipments"][0]["cancelled"]
    assert type(raised_by(lambda: carrier.cancel(trip.session, booking.waybill))).__name__ == "AlreadyDone"
    gone = raised_by(lambda: carrier.find(trip.session, REQUEST.reference))
    assert gone is not None
    assert gone.code == "carrier.booking_cancelled"


def check_tracker_trip(tracker: Any, url: str) -> None:
    """Registered once (and told so again without harm), events read as they were posted."""
    trip = Trip(tracker, url)
    for _ in range(2):
        assert tracker.register(trip.session, [(NUMBER, 190008, "DE")]) == {NUMBER: ""}
        clock.sleep(0.7)  # three calls a second
    assert tracker.fetch(trip.session, [NUMBER]) == []
    trip.control(
        "events", {"number": NUMBER, "main": "Exception", "sub": "Exception_Returned", "time": "2025-11-28T08:00:00Z"}
    )
    (found,) = tracker.fetch(trip.session, [NUMBER])
    assert (found.main, len(found.events)) == ("Returned", 1)


__all__ = ["FAULTS", "check_carrier_trip", "check_fault", "check_sample", "check_tracker_trip", "operations", "samples"]
