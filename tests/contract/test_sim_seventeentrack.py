"""The 17TRACK simulator over real HTTP, with a webhook receiver of the test's own."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.simulators import free_port, running


@dataclass
class Receiver:
    """Takes webhooks; ``answer`` says with which status."""

    port: int = 0
    answer: Callable[[int], int] = lambda nth: 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def start(self) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answer(len(receiver.got)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Silence."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def wait(self, count: int, seconds: float = 15) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.got) >= count, f"{len(self.got)} webhooks, not {count}"
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    mine = Receiver()
    server = mine.start()
    yield mine
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Sixty times as fast, so that retries and late webhooks need no patience; without limits."""
    now = time.time()
    with running(tmp_path_factory.mktemp("seventeentrack"), clock=f"{now}:{now}:60", limits="off") as server:
        yield server.url


@dataclass
class Client:
    base: str
    port: int | None = None
    account: str = field(default_factory=lambda: f"s-{uuid.uuid4().hex[:10]}")

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.base, timeout=10)

    @property
    def key(self) -> str:
        return f"KEY{self.account}"

    def open(self, host: str = "127.0.0.1", **more: Any) -> Client:
        hook = {"url": f"http://{host}:{self.port}/hooks/17track"} if self.port else None
        self.control("accounts", {"account_id": self.account, "token": self.key, "webhook": hook, **more})
        return self

    def control(self, path: str, body: Any) -> dict[str, Any]:
        response = self.http.post(f"/_control/seventeentrack/{path}", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def event(self, number: str, main: str, sub: str | None = None, **more: Any) -> int:
        body = {"number": number, "main": main, "sub": sub, **more}
        return int(self.control(f"accounts/{self.account}/events", body)["concerned"])

    def post(self, op: str, body: Any, key: str | None = None) -> httpx.Response:
        return self.http.post(f"/seventeentrack/track/v2.4/{op}", json=body, headers={"17token": key or self.key})

    def call(self, op: str, *items: dict[str, Any]) -> tuple[list[dict[str, Any]], list[tuple[str, int]]]:
        answer = self.post(op, list(items)).json()
        assert answer["code"] == 0, answer
        data = answer["data"]
        return data["accepted"], [(item["number"], item["error"]["code"]) for item in data["rejected"]]

    def known(self) -> list[dict[str, Any]]:
        found = self.http.get(f"/_control/seventeentrack/accounts/{self.account}/numbers").json()["numbers"]
        return list(found)


def number() -> str:
    return f"YT{uuid.uuid4().int % 10**16:016d}"


def test_a_wrong_key_is_refused(fast: str) -> None:
    client = Client(fast).open()
    response = client.post("register", [{"number": number()}], key="wrong")
    assert response.status_code == 401 and response.json()["code"] == -18010002


def test_register_accepts_once(fast: str) -> None:
    client, one = Client(fast).open(), number()
    accepted, rejected = client.call("register", {"number": one, "tag": "T-1"}, {"number": "??"}, {"number": "XYZZY99"})
    assert [(item["number"], item["carrier"], item["tag"]) for item in accepted] == [(one, 190008, "T-1")]
    assert rejected == [("??", -18010013), ("XYZZY99", -18019903)]
    assert client.call("register", {"number": one}) == ([], [(one, -18019901)])
    assert client.call("register", {"number": "XYZZY99", "carrier": 42}) == ([], [("XYZZY99", -18019910)])
    assert client.call("register", {"number": "XYZZY99", "colour": 1}) == ([], [("XYZZY99", -18010013)])
    assert [item["register_calls"] for item in client.known()] == [2]
    assert client.post("getquota", {}).json()["data"]["quota_used"] == 1


def test_forty_and_no_more(fast: str) -> None:
    client = Client(fast).open()
    numbers = [{"number": number()} for _ in range(41)]
    assert client.post("register", numbers).json()["code"] == -18010014
    accepted, rejected = client.call("register", *numbers[:40])
    assert (len(accepted), rejected) == (40, [])
    listed = client.post("gettracklist", {}).json()
    assert (listed["page"]["data_total"], listed["page"]["has_next"], len(listed["data"]["accepted"])) == (
        40,
        False,
        40,
    )


def test_a_quota_ends(fast: str) -> None:
    client = Client(fast).open(quota=1)
    one, two = number(), number()
    accepted, rejected = client.call("register", {"number": one}, {"number": two})
    assert ([item["number"] for item in accepted], rejected) == ([one], [(two, -18019908)])


def test_gettrackinfo_wants_a_registered_number_with_events(fast: str) -> None:
    client, one = Client(fast).open(), number()
    assert client.call("gettrackinfo", {"number": one}) == ([], [(one, -18019902)])
    client.call("register", {"number": one})
    assert client.call("gettrackinfo", {"number": one}) == ([], [(one, -18019909)])
    client.event(one, "InTransit", "InTransit_Departure", time="2026-03-02T10:00:00+08:00", location="Shenzhen, CN")
    client.event(one, "InTransit", "InTransit_PickedUp", time="2026-03-01T09:00:00Z")
    (item,), _ = client.call("gettrackinfo", {"number": one})
    info = item["track_info"]
    assert info["latest_status"] == {
        "status": "InTransit",
        "sub_status": "InTransit_Departure",
        "sub_status_descr": None,
    }
    assert info["latest_event"]["time_iso"] == "2026-03-02T10:00:00+08:00"
    assert info["latest_event"]["time_utc"] == "2026-03-02T02:00:00Z"
    (provider,) = info["tracking"]["providers"]
    assert provider["provider"]["key"] == 190008
    assert [event["sub_status"] for event in provider["events"]] == ["InTransit_Departure", "InTransit_PickedUp"]
    reached = {stone["key_stage"]: stone["time_utc"] for stone in info["milestone"] if stone["time_iso"]}
    assert reached == {"PickedUp": "2026-03-01T09:00:00Z", "Departure": "2026-03-02T02:00:00Z"}


def test_an_unknown_state_is_refused_by_control(fast: str) -> None:
    client = Client(fast).open()
    for bad in (
        {"main": "Flying"},
        {"main": "InTransit", "sub": "Delivered_Other"},
        {"main": "Delivered", "time": "x"},
    ):
        body = {"number": number(), **bad}
        answer = client.http.post(f"/_control/seventeentrack/accounts/{client.account}/events", json=body)
        assert answer.status_code == 400


def test_a_webhook_is_signed_over_its_bytes(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one, "tag": "T-9", "param": "p"})
    assert client.event(one, "Delivered", description="签收 Signed", location="Berlin") == 1
    (hook,) = receiver.wait(1)
    headers, body = receiver.got[0]
    assert headers["sign"] == hashlib.sha256(body + b"/" + client.key.encode()).hexdigest()
    assert hook["event"] == "TRACKING_UPDATED"
    assert (hook["data"]["number"], hook["data"]["tag"], hook["data"]["param"]) == (one, "T-9", "p")
    assert hook["data"]["track_info"]["latest_status"]["status"] == "Delivered"
    assert hook["data"]["track_info"]["latest_event"]["description"] == "签收 Signed"


def test_a_tenant_host_goes_to_loopback(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(host="acme.localhost"), number()
    client.call("register", {"number": one})
    client.event(one, "InfoReceived")
    receiver.wait(1)
    assert receiver.got[0][0]["host"] == f"acme.localhost:{receiver.port}"


def test_events_before_registration_are_told_at_registration(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    assert client.event(one, "InfoReceived") == 0
    client.call("register", {"number": one})
    assert receiver.wait(1)[0]["data"]["track_info"]["latest_status"]["status"] == "InfoReceived"


def test_the_same_event_twice_is_told_once(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one})
    told = [client.event(one, "InTransit", time="2026-03-01T09:00:00Z") for _ in range(2)]
    assert told == [1, 0]


def test_the_carriers_own_codes_are_read(fast: str) -> None:
    client, one = Client(fast).open(), number()
    client.call("register", {"number": one})
    events = [{"number": one, "code": "MAIN_LINE_ARRIVE", "time": "2026-03-01T09:00:00Z"},
              {"number": one, "code": "RETURNED", "time": "2026-03-04T09:00:00Z"}]  # fmt: skip
    assert client.control(f"accounts/{client.account}/events", {"events": events})["concerned"] == 2
    (item,), _ = client.call("gettrackinfo", {"number": one})
    assert item["track_info"]["latest_status"]["sub_status"] == "Exception_Returned"


def test_stopped_numbers_say_so_and_are_silent(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one})
    assert client.call("stoptrack", {"number": one})[0] == [{"number": one, "carrier": 190008}]
    (hook,) = receiver.wait(1)
    assert hook["event"] == "TRACKING_STOPPED" and "track_info" not in hook["data"]
    assert client.event(one, "InTransit") == 0
    assert client.call("stoptrack", {"number": one}) == ([], [(one, -18019905)])
    assert client.call("retrack", {"number": one})[1] == []
    assert client.call("retrack", {"number": one}) == ([], [(one, -18019904)])
    assert client.event(one, "OutForDelivery") == 1
    assert client.call("deletetrack", {"number": one})[1] == [] and client.known() == []


def test_push_tells_again(fast: str, receiver: Receiver) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one})
    assert client.call("push", {"number": one}) == ([], [(one, -18019909)])
    client.event(one, "InTransit")
    receiver.wait(1)
    assert client.call("push", {"number": one})[1] == []
    first, second = receiver.wait(2)
    assert first["data"]["track_info"]["latest_event"] == second["data"]["track_info"]["latest_event"]


def test_a_webhook_is_repeated_until_200(fast: str, receiver: Receiver) -> None:
    receiver.answer = lambda nth: (500, 302, 503)[nth - 1] if nth <= 3 else 200
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one})
    client.event(one, "InTransit")
    receiver.wait(4)
    assert len({body for _, body in receiver.got}) == 1
    deadline = time.monotonic() + 5
    while client.known()[0]["webhooks_owed"] and time.monotonic() < deadline:
        time.sleep(0.05)
    (state,) = client.known()
    assert (state["webhook_attempts"], state["webhooks_delivered"], state["webhooks_owed"]) == (4, 1, 0)


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("double_webhook", ["InfoReceived", "InfoReceived", "InTransit"]),
        ("unordered_webhook", ["InTransit", "InfoReceived"]),
        ("late_webhook", ["InTransit", "InfoReceived"]),
    ],
)
def test_faults_of_webhooks(fast: str, receiver: Receiver, kind: str, statuses: list[str]) -> None:
    client, one = Client(fast, receiver.port).open(), number()
    client.call("register", {"number": one})
    script = [{"kind": kind, "op": "webhook", "account": client.account}]
    client.http.post("/_control/faults", json={"script": script})
    client.event(one, "InfoReceived", time="2026-03-01T09:00:00Z")
    client.event(one, "InTransit", time="2026-03-02T09:00:00Z")
    hooks = receiver.wait(len(statuses))
    assert [hook["data"]["track_info"]["latest_status"]["status"] for hook in hooks] == statuses


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [("throttle", 429, 0), ("html503", 503, 0), ("server_error", 500, 0), ("empty200", 200, 1), ("timeout_after", 0, 1),
     ("timeout_before", 0, 0)],
)  # fmt: skip
def test_faults_of_calls(fast: str, kind: str, status: int, made: int) -> None:
    client = Client(fast).open()
    script = [{"kind": kind, "op": "register", "account": client.account}]
    client.http.post("/_control/faults", json={"script": script})
    if status:
        assert client.post("register", [{"number": number()}]).status_code == status
    else:
        with pytest.raises(httpx.TransportError):
            client.post("register", [{"number": number()}])
    assert len(client.known()) == made


def test_three_requests_a_second(tmp_path: Path) -> None:
    now = time.time()
    with running(tmp_path, clock=f"{now}:{now}:0.0001") as server:  # time nearly stands
        client = Client(server.url).open()
        assert [client.post("getquota", {}).status_code for _ in range(5)] == [200, 200, 200, 429, 429]


def test_owed_webhooks_survive_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    port, one = free_port(), number()
    receiver.answer = lambda nth: 500
    with running(tmp_path, port=port) as server:
        client = Client(server.url, receiver.port).open()
        client.call("register", {"number": one})
        client.event(one, "Delivered")
        receiver.wait(1)
        server.kill()
    receiver.answer = lambda nth: 200
    with running(tmp_path, port=port):
        assert receiver.wait(2)[1]["data"]["number"] == one
