"""The door out, against a real server that answers as badly as the test wants."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from config.launch.embedded import Valkey
from core.errors import Rejected, Throttled, Transient, UnknownOutcome
from core.http import InTransaction, client, counting, door
from core.http.addresses import allowed
from core.http.breaker import Breaker
from core.http.budget import Budget
from core.wire.sdk import Call, httpx_client, requests_session

RATE = (10.0, 2.0)


class Shop(BaseHTTPRequestHandler):
    """Answers by path; remembers what came."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]
    connections: set[Any]

    def log_message(self, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        self.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.connections.add(self.client_address)
        path = self.path.partition("?")[0]
        if path == "/cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif path == "/half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif path == "/slow":
            time.sleep(0.6)
            self.answer(200, b"late")
        elif path.startswith("/status/"):
            status = int(path.rsplit("/", 1)[1])
            self.answer(status, b"" if status == 204 else b"{}")
        elif path == "/cookie":
            self.answer(200, b"ok", {"Set-Cookie": "shop=alpha; Path=/"})
        elif path == "/limit":
            self.answer(200, b"ok", {"x-amzn-RateLimit-Limit": "0.5"})
        elif path == "/away":
            self.answer(302, b"", {"Location": "http://192.168.0.1/"})
        else:
            self.answer(200, b"hello")

    do_POST = do_GET

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are what these tests are about."""


@pytest.fixture
def shop(settings: Any) -> Iterator[Any]:
    handler = type("OneShop", (Shop,), {"seen": [], "connections": set()})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.BROKER = f"redis+socket://{tmp_path}/nobody.sock"
    monkeypatch.setattr(door, "breaker", Breaker())
    monkeypatch.setattr(door, "budget", Budget())
    monkeypatch.delenv("SAMPAN_HTTP_LIMITS", raising=False)


def ask(settings: Any, path: str, **options: Any) -> Any:
    return client("app", "t:1").send(
        options.pop("method", "GET"), settings.SANDBOX_URL + path, operation="op", **options
    )


def test_an_answer_with_any_status_is_returned(shop: Any, settings: Any) -> None:
    answer = ask(settings, "/x", params={"a": "1 2"}, headers={"X-Token": "t"}, content=b"body", method="POST")
    assert (answer.status, answer.content) == (200, b"hello")
    assert all(name == name.lower() for name in answer.headers)
    ((method, path, headers, body),) = shop.seen
    assert (method, path, body) == ("POST", "/x?a=1+2", b"body") or path == "/x?a=1%202"
    assert headers["x-token"] == "t" and headers["host"] in settings.SANDBOX_URL
    for status in (204, 400, 401, 404, 429, 500):
        assert ask(settings, f"/status/{status}").status == status


def test_one_connection_serves_many_calls(shop: Any, settings: Any) -> None:
    for _ in range(5):
        ask(settings, "/x")
    assert len(shop.connections) == 1


def test_cookies_of_one_shop_never_go_to_another(shop: Any, settings: Any) -> None:
    ask(settings, "/cookie")
    client("app", "t:2").send("GET", settings.SANDBOX_URL + "/x", operation="op")
    assert "cookie" not in shop.seen[-1][2]


def test_redirects_are_not_followed(shop: Any, settings: Any) -> None:
    assert ask(settings, "/away").status == 302
    assert len(shop.seen) == 1


@pytest.mark.parametrize("path", ["/cut", "/half", "/slow"])
def test_a_lost_answer(shop: Any, settings: Any, path: str) -> None:
    with pytest.raises(UnknownOutcome) as unknown:
        ask(settings, path, method="POST", writes=True, timeout=0.2)
    assert unknown.value.code == "http.no_answer"
    with pytest.raises(Transient) as transient:
        ask(settings, path, timeout=0.2)
    assert transient.value.code in ("http.cut", "http.timeout")


def test_what_was_never_sent_is_transient_even_for_a_write(settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SANDBOX_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Transient) as error:
        ask(settings, "/x", method="POST", writes=True)
    assert error.value.code == "http.unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:9/",
        "http://10.1.2.3/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
    ],
)
def test_private_addresses_are_refused(settings: Any, url: str) -> None:
    with pytest.raises(Rejected) as error:
        client("app", "t:1").send("GET", url, operation="op")
    assert error.value.code == "http.address_refused"


def test_only_the_sandboxs_own_port_is_allowed(shop: Any, settings: Any) -> None:
    ask(settings, "/x")
    other = settings.SANDBOX_URL
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    with pytest.raises(Rejected):
        client("app", "t:1").send("GET", other.replace("127.0.0.1", "localhost") + "/x", operation="op")


def test_which_addresses_are_public() -> None:
    assert [allowed(a) for a in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808")] == [True] * 3
    private = ("127.0.0.1", "10.0.0.1", "fe80::1", "fc00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "::")
    assert [allowed(a) for a in private] == [False] * len(private)


@pytest.mark.parametrize("url", ["ftp://example.com/", "nonsense", "http://"])
def test_bad_addresses(url: str) -> None:
    with pytest.raises(Rejected) as error:
        client("app", "t:1").send("GET", url, operation="op")
    assert error.value.code in ("http.bad_address", "http.address_refused")


def test_the_breaker_opens_and_closes_again(shop: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "breaker", Breaker(failures=3, open_seconds=0.2))
    for _ in range(3):
        ask(settings, "/status/503")
    with pytest.raises(Transient) as error:
        ask(settings, "/x")
    assert error.value.code == "http.breaker_open" and len(shop.seen) == 3
    client("app", "t:2").send("GET", settings.SANDBOX_URL + "/x", operation="op")  # another account is not concerned
    time.sleep(0.25)
    assert ask(settings, "/x").status == 200
    assert ask(settings, "/x").status == 200


def test_no_http_inside_a_transaction(shop: Any, settings: Any, committed_db: Any) -> None:
    from django.db import transaction

    with transaction.atomic(), pytest.raises(InTransaction):
        ask(settings, "/x")
    assert shop.seen == []


def test_nothing_secret_is_logged(shop: Any, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="core.http")
    secret = {"Authorization": "Bearer s3cret"}
    ask(settings, "/x", params={"email": "wang@example.com"}, headers=secret, content=b"Wang Fang", method="POST")
    with pytest.raises(Transient):
        ask(settings, "/cut", params={"email": "wang@example.com"}, headers=secret)
    assert len(caplog.records) >= 2
    assert not any(word in caplog.text for word in ("s3cret", "wang", "Wang", "email"))


def test_calls_are_counted(shop: Any, settings: Any) -> None:
    with counting() as counts:
        ask(settings, "/x")
        ask(settings, "/x")
    ask(settings, "/x")
    assert dict(counts) == {"op": 2, "all": 2}


# -- the rate budget --------------------------------------------------------------------------------------------------


def test_budget_in_the_process_when_valkey_is_away(shop: Any, settings: Any) -> None:
    for _ in range(2):
        ask(settings, "/x", rate=RATE)
    with pytest.raises(Throttled) as error:
        ask(settings, "/x", rate=RATE)
    assert error.value.retry_after is not None and 0 < error.value.retry_after <= 0.1
    assert len(shop.seen) == 2
    client("app", "t:2").send("GET", settings.SANDBOX_URL + "/x", operation="op", rate=RATE)
    time.sleep(0.11)
    ask(settings, "/x", rate=RATE)


def test_budget_can_be_switched_off(shop: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPAN_HTTP_LIMITS", "off")
    for _ in range(5):
        ask(settings, "/x", rate=(0.001, 1.0))


def test_a_refusal_by_the_platform_empties_the_bucket(shop: Any, settings: Any) -> None:
    assert ask(settings, "/status/429", rate=(0.1, 50.0)).status == 429
    with pytest.raises(Throttled):
        ask(settings, "/x", rate=(0.1, 50.0))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import shutil
    import subprocess
    import tempfile

    base = Path(tempfile.mkdtemp(prefix="vk"))  # a short path: it holds a socket
    server = Valkey.at(base)
    server.prepare()
    process = subprocess.Popen(server.argv(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if server.ready():
            break
        time.sleep(0.02)
    yield server.url()
    process.terminate()
    process.wait()
    shutil.rmtree(base)


def test_all_processes_take_from_one_bucket(valkey: str) -> None:
    first, second = Budget(valkey), Budget(valkey)
    waits = [budget.take("app", "t:1", "shared", (0.5, 3.0)) for budget in (first, second, first, second)]
    assert waits[:3] == [0.0, 0.0, 0.0] and 1.5 < waits[3] <= 2.0
    assert first._own == second._own == {}
    assert second.take("app", "t:1", "other", (0.5, 3.0)) == 0.0


def test_the_bucket_follows_the_business_clock(valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget, rate = Budget(valkey), (0.01, 1.0)  # a token in 100 seconds of business time, which is one of ours
    monkeypatch.setenv("SAMPAN_CLOCK", f"{time.time()}:{time.time()}:100")
    assert budget.take("app", "t:1", "scaled", rate) == 0.0
    assert budget.take("app", "t:1", "scaled", rate) > 0
    time.sleep(1.1)
    assert budget.take("app", "t:1", "scaled", rate) == 0.0


def test_a_smaller_rate_is_learned(valkey: str, shop: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "budget", Budget(valkey))
    ask(settings, "/limit", rate=(10.0, 1.0))
    with pytest.raises(Throttled) as error:
        ask(settings, "/x", rate=(10.0, 1.0))
    assert error.value.retry_after is not None and 1.0 < error.value.retry_after <= 2.0


def test_a_clock_that_went_back_does_not_lock_the_bucket(valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget, real = Budget(valkey), time.time()
    monkeypatch.setenv("SAMPAN_CLOCK", f"{real}:{real + 1e8}:1")
    budget.take("app", "t:1", "back", (10.0, 1.0))
    monkeypatch.delenv("SAMPAN_CLOCK")
    assert budget.take("app", "t:1", "back", (10.0, 1.0)) <= 0.1
    time.sleep(0.11)
    assert budget.take("app", "t:1", "back", (10.0, 1.0)) == 0.0


def test_a_dead_valkey_stops_nothing(tmp_path: Path) -> None:
    budget = Budget(f"redis+socket://{tmp_path}/none.sock")
    assert budget.take("app", "t:1", "op", RATE) == 0.0
    assert budget.take("app", "t:1", "op", RATE) == 0.0
    assert budget.take("app", "t:1", "op", RATE) > 0


# -- SDKs -------------------------------------------------------------------------------------------------------------


def describe(method: str, url: str, headers: Any) -> Call:
    return Call(operation=headers.get("x-call", "?"), writes=method == "POST", timeout=0.3)


def test_an_sdks_httpx_client_goes_through_the_door(shop: Any, settings: Any) -> None:
    with counting() as counts, httpx_client(client("app", "t:1"), describe) as http:
        answer = http.post(
            settings.SANDBOX_URL + "/x?q=1", json={"a": 1}, headers={"x-call": "create", "host": "wrong"}
        )
        assert answer.status_code == 200 and answer.text == "hello"
        with pytest.raises(UnknownOutcome):
            http.post(settings.SANDBOX_URL + "/cut", headers={"x-call": "create"})
    assert counts["create"] == 2
    assert shop.seen[0][3] == b'{"a":1}' and shop.seen[0][2]["host"] in settings.SANDBOX_URL


def test_ebaysdks_session_goes_through_the_door(shop: Any, settings: Any) -> None:
    session = requests_session(client("app", "t:1"), describe)
    with counting() as counts:
        answer = session.post(settings.SANDBOX_URL + "/x", data="<xml/>", headers={"X-Call": "GetOrders"})
        assert (answer.status_code, answer.text, answer.reason) == (200, "hello", "OK")
        assert session.get(settings.SANDBOX_URL + "/status/503").status_code == 503
        with pytest.raises(Transient):
            session.get(settings.SANDBOX_URL + "/slow")
    assert counts["GetOrders"] == 1 and counts["all"] == 3
    assert shop.seen[0][3] == b"<xml/>"
    with pytest.raises(Rejected):
        session.get("http://10.0.0.1/")
    assert isinstance(session, requests.Session)


def test_no_sdk_opens_a_connection_of_its_own(no_network: list[str]) -> None:
    class Recorder:
        sent: list[str] = []

        def send(self, method: str, url: str, **options: Any) -> Any:
            from core.wire import HttpAnswer

            self.sent.append(url)
            return HttpAnswer(200, {"content-type": "text/plain"}, b"ok", url)

    door_ = Recorder()
    with httpx_client(door_, describe) as http:
        assert http.get("https://shop.example/a").text == "ok"
    assert requests_session(door_, describe).get("https://shop.example/b").text == "ok"
    assert door_.sent == ["https://shop.example/a", "https://shop.example/b"]
