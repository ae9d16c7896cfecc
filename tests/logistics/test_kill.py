"""Workers that are killed or race: one booking per reference at the carrier, whatever happens between two statements."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from config.launch.places import ROOT
from core import clock
from core.tenancy import tenant_context
from logistics.models import Shipment
from orders.services import booking
from tests.support.parcels import ACTOR, connect, open_carrier, open_shop, parcel_of, ready_orders, settle, states_of

pytestmark = pytest.mark.kill

WORKER = """
import sys, django
django.setup()
from core.tenancy import tenant_context
from logistics.services import booking
with tenant_context(sys.argv[1]):
    print(booking.book_due(), flush=True)
"""


class Between:
    """Stands between the product and the carrier: passes calls on, and kills a process after a create call acted."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.victim: subprocess.Popen[bytes] | None = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(between) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host",)}
                answer = httpx.request(
                    self.command, between.target + self.path, content=body, headers=headers, timeout=20
                )
                if self.path.endswith("/create") and between.victim is not None:
                    between.victim.send_signal(signal.SIGKILL)
                    between.victim.wait()
                    return
                self.send_response(answer.status_code)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextmanager
def between(target: str) -> Iterator[Between]:
    made = Between(target)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def worker(url: str, sandbox: str, schema: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"DATABASE_URL": url, "SANDBOX_URL": sandbox, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-c", WORKER, schema], cwd=ROOT, env=env, stdout=subprocess.PIPE)


def test_killed_after_the_carrier_acted_and_before_anything_was_saved(
    committed_db: Any, acme: str, simulators: str, settings: Any
) -> None:
    carrier = open_carrier(simulators)
    with between(simulators) as wire, tenant_context(acme):
        settings.SANDBOX_URL = wire.url
        account = connect(carrier)
        account.settings = account.settings | {"base_url": f"{wire.url}/yunexpress"}
        account.save()
        ids = ready_orders(open_shop(account), 3)
        booking.book_orders(actor=ACTOR, order_ids=ids)
        wire.victim = worker(committed_db.url, wire.url, acme)
        wire.victim.wait(60)
        assert wire.victim.returncode == -signal.SIGKILL
        wire.victim = None
        rows = list(Shipment.objects.order_by("id"))
        assert {(row.state, row.waybill) for row in rows} == {("booking", "")}
        assert all(row.call_sent_at is not None and row.lease_until is not None for row in rows)
        known = carrier.by_reference()
        assert known  # the carrier has at least the one whose answer never came
        # The lease runs out and the call can no longer be on its way.
        past = clock.wall() - timedelta(minutes=2)
        Shipment.objects.update(lease_until=past, call_sent_at=past)
        second = worker(committed_db.url, wire.url, acme)
        out, _ = second.communicate(timeout=60)
        assert (second.returncode, out.strip()) == (0, b"3")
        settle()
        there = carrier.by_reference()
        assert sorted(there) == sorted(row.reference for row in rows)
        assert {one["create_calls"] for one in there.values()} == {1}
        assert {parcel_of(pk).waybill for pk in ids} == {one["waybill"] for one in there.values()}
        assert states_of(ids) == {"booked"}
    carrier.http.close()


def test_workers_that_race_book_each_parcel_once(committed_db: Any, acme: str, simulators: str, settings: Any) -> None:
    carrier = open_carrier(simulators)
    settings.SANDBOX_URL = simulators
    with tenant_context(acme):
        ids = ready_orders(open_shop(connect(carrier)), 40)
        booking.book_orders(actor=ACTOR, order_ids=ids)
        racers = [worker(committed_db.url, simulators, acme) for _ in range(3)]
        worked = [int(racer.communicate(timeout=90)[0]) for racer in racers]
        assert [racer.returncode for racer in racers] == [0, 0, 0]
        assert sum(worked) == 40  # nobody worked on a row that another one held
        settle()
        assert states_of(ids) == {"booked"}
        there = carrier.shipments()
        assert len(there) == 40
        assert {one["create_calls"] for one in there} == {1}
        assert {one["labels"] for one in there} == {1}
    carrier.http.close()
