"""Twenty people at once on gunicorn, reading and writing, over a million orders and beside a running sync.

They walk through a Monday that was recorded in a browser (clicks.py), each from another hour of it and on orders, parcels
and questions of his own, with a second or two before a click; worker and beat pull new orders from simulated marketplaces
and book at a simulated carrier meanwhile. The figure is the p95 of the slowest page; yardstick: a plain Django page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
from django.urls import reverse

from config.launch.places import ROOT
from tests.bench import clicks, keyset, million
from tests.bench.figure import figure
from tests.bench.server import environment

PEOPLE, SECONDS = 20, 120.0  # one of them a manager, who changes a rule; the others are clerks
PER_SECOND = 8  # new orders from the marketplaces
PARCELS, QUESTIONS, OWN = 12, 3, 30  # of each person: parcels ready to go, buyers' questions, orders of each state


def run() -> Iterator[dict[str, Any]]:
    import django

    from tests.support.simulators import running
    from tests.support.web import served

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()  # for the addresses of the recorded routes
    url = million.database()
    now = time.time()
    clock = f"{now}:{now}:1"
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), limits="off", clock=clock) as simulators:
        env = environment(url) | {"SANDBOX_URL": simulators.url, "SAMPAN_DATA": folder}
        accounts = _inside(env, "prepare", simulators.url)
        with served(url, "worker", "beat", sandbox_url=simulators.url, web_processes=2) as site:
            ready = _inside(env, "ready")
            stop = threading.Event()
            feeder = threading.Thread(target=_feed, args=(simulators.url, accounts, stop))
            feeder.start()
            spent, refused = _all(site.url, ready)
            stop.set()
            feeder.join()
    plain = million.inside("tests.bench.bench_pages")["django"]
    p95 = {name: round(keyset.p(sorted(found), 0.95) * 1000) for name, found in sorted(spent.items())}
    yield figure(
        "pages",
        max(p95.values()),
        "ms p95",
        plain * 1000,
        p95=p95,
        median=round(keyset.p(sorted(sum(spent.values(), [])), 0.5) * 1000, 1),
        requests=sum(len(found) for found in spent.values()),
        refused=refused,
        people=PEOPLE,
    )


def _inside(env: dict[str, str], *asked: str) -> Any:
    script = [sys.executable, "-m", "tests.bench.bench_pages", *asked]
    output = subprocess.run(script, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def prepare(simulators: str) -> list[list[str]]:
    """The Monday's house, moved into the tenant with a million orders: accounts and a carrier at the simulators, rules,
    stock, twenty people; parcels wait to be booked, buyers ask. Gives the accounts: [[platform, number]].
    """
    from channels.registry import adapter_of
    from channels.services.accounts import connect_account
    from core import bulk
    from core.tenancy import tenant_context
    from crm import services as crm
    from inventory.services import opening
    from orders.services import booking, rules
    from sandbox.rehearse.control import Control
    from sandbox.rehearse.shop import SENDER, Shop
    from tests.browser.monday import house

    owner, control, number = million.owner(), Control(simulators), "pages"
    _people()
    accounts = []
    with tenant_context(million.SCHEMA):
        for platform in ("amazon", "ebay"):
            draft = adapter_of(platform).sandbox_draft(simulators, "DE")
            httpx.post(draft.register_url, json=dict(draft.register), trust_env=False, timeout=60).raise_for_status()
            if platform == "ebay":
                control.plan_messages(platform, draft.external_id, _questions())
            connect_account(
                actor=owner, platform=platform, name=draft.external_id, external_id=draft.external_id,
                settings=draft.settings, credentials=draft.credentials, marketplaces=draft.marketplaces,
            )  # fmt: skip
            accounts.append([platform, draft.external_id])
        bulk.execute("UPDATE inventory_warehouse SET sender = %s::jsonb, country = 'CN'", [json.dumps(SENDER)])
        bulk.execute(
            "UPDATE inventory_sku SET weight_g = 300, customs_name_en = 'Thing', customs_name_zh = '物品', hs_code = '392690',"
            " origin_country = 'CN', customs_value = 5, customs_currency = 'USD'"
        )
        lines: list[tuple] = [(pk, 100_000, 1, "EUR") for pk in range(1, million.SKUS + 1)]
        opening(actor=owner, warehouse_id=1, lines=lines, key="bench-pages")
        shop = Shop(million.SCHEMA, million.HOST, owner)
        house.connect_carriers(shop, control, number)
        rules.publish(actor=owner, rules=house.rule_list(), note="First rules")
        crm.save_template(
            actor=owner,
            name=house.TEMPLATE,
            language="en",
            body="Thank you, we look after order {order.number} at once.",
        )
        bulk.execute(
            "UPDATE orders_order SET ship_lines = '[\"Main street 1\"]', service_id = (SELECT id FROM logistics_service"
            " WHERE key = %s) WHERE state IN ('held', 'short', 'ready', 'failed', 'booked')",
            [house.YUN],
        )
        most = PEOPLE * PARCELS
        rows = bulk.fetch(
            "SELECT id FROM orders_order WHERE state = 'ready' AND ship_country <> 'CN' ORDER BY id LIMIT %s", [most]
        )
        made = booking.book_orders(actor=owner, order_ids=[row[0] for row in rows])
        assert len(made.done) == most, made.refused
    return accounts


def _questions() -> list[dict[str, Any]]:
    return [
        {
            "ref": f"q{place}",
            "order_ref": None,
            "buyer_id": f"buyer{place}",
            "subject": "Where is it?",
            "body": "Hello?",
        }
        for place in range(PEOPLE * QUESTIONS)
    ]


def _people() -> None:
    from core.permissions import CLERK, MANAGER
    from core.tenancy import public_context
    from tenants import queries
    from tenants.services import members

    with public_context():
        tenant = queries.tenant_of_host(million.HOST)
        assert tenant is not None
        for place in range(PEOPLE):
            role = CLERK if place else MANAGER
            asked = members.invite(actor=million.owner(), tenant=tenant, email=_email(place), role=role)
            members.accept_invitation(
                token=asked.token, user=None, name=f"Person {place}", password="a-long-bench-password", language="en"
            )


def _email(place: int) -> str:
    return f"person{place}@million.example"


def wait_until_ready() -> dict[str, Any]:
    """Once the worker has booked the parcels and read the questions: who signs in, and what is whose."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from core import bulk
    from core.central import due
    from core.tenancy import tenant_context
    from tenants.models import User

    sessions = []
    for place in range(PEOPLE):
        user = User.objects.get(email=_email(place))
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session.create()
        sessions.append(session.session_key)
    with tenant_context(million.SCHEMA):
        ebay = str(bulk.fetch("SELECT max(id) FROM channels_account WHERE platform = 'ebay'")[0][0])
        ready = (
            "SELECT id, tracking_number, expected_weight_g FROM logistics_shipment WHERE state = 'ready' ORDER BY id"
        )
        open_talks = "SELECT id FROM crm_conversation ORDER BY id"
        end = time.monotonic() + 240
        while True:
            parcels, talks = bulk.fetch(ready), bulk.fetch(open_talks)
            if len(parcels) == PEOPLE * PARCELS and len(talks) >= PEOPLE * QUESTIONS:
                break
            assert time.monotonic() < end, f"{len(parcels)} parcels, {len(talks)} conversations"
            due.run_now(million.SCHEMA, "messages.pull", ebay)  # what was asked just now is read after two minutes
            time.sleep(5)
        pools: dict[str, list[Any]] = {"parcel": parcels, "talk": [row[0] for row in talks]}
        for state in ("held", "failed", "ready"):
            pools[state] = [
                row[0]
                for row in bulk.fetch(
                    "SELECT id FROM orders_order WHERE state = %s AND ship_country <> 'CN' ORDER BY id DESC LIMIT %s",
                    [state, PEOPLE * OWN],
                )
            ]
        freight = bulk.fetch("SELECT id FROM logistics_service WHERE key = 'freight'")[0][0]
        code = bulk.fetch("SELECT code FROM inventory_sku ORDER BY id LIMIT 1")[0][0]
    pools["sku"] = list(range(1, 100))
    return {"sessions": sessions, "pools": pools, "fixed": {"service": str(freight), "code": code}}


def _feed(simulators: str, accounts: list[list[str]], stop: threading.Event) -> None:
    """New orders at the marketplaces, some every second."""
    from tests.bench.payloads import planned

    draw, number = Random(5), 0
    http = httpx.Client(timeout=30, trust_env=False)
    while not stop.wait(1.0):
        for platform, external in accounts:
            some = [planned(draw, number + i, datetime.now(UTC)) for i in range(PER_SECOND // len(accounts))]
            number += len(some)
            http.post(f"{simulators}/_control/{platform}/accounts/{external}/orders", json={"orders": some})


def _all(url: str, ready: dict[str, Any]) -> tuple[dict[str, list[float]], int]:
    """({route: seconds of each answer}, how many acts were refused with a sentence)."""
    spent: dict[str, list[float]] = defaultdict(list)
    lock, end = threading.Lock(), time.monotonic() + SECONDS
    failures: list[str] = []
    walkers = [_walker(url, ready, place, lock, spent) for place in range(PEOPLE)]
    clerk, manager = clicks.stations("carl"), clicks.stations("mei")

    def person(place: int) -> None:
        try:
            walkers[place].walk(clerk if place else manager, place, end)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")

    people = [threading.Thread(target=person, args=(place,)) for place in range(PEOPLE)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    if failures:
        raise RuntimeError(failures[0])
    return spent, sum(one.refused for one in walkers)


def _walker(
    url: str, ready: dict[str, Any], place: int, lock: threading.Lock, spent: dict[str, list[float]]
) -> clicks.Walker:
    def note(name: str, seconds: float) -> None:
        with lock:
            spent[name].append(seconds)

    return clicks.Walker(
        http=httpx.Client(base_url=url, headers={"Host": million.HOST}, timeout=60, trust_env=False),
        cookies={"sessionid": ready["sessions"][place], "csrftoken": "a" * 32},
        pools={name: [_row(one) for one in some[place::PEOPLE]] for name, some in ready["pools"].items()},
        fixed=ready["fixed"],
        reverse=lambda name, given: reverse(name, "config.urls_tenant", kwargs=given),
        note=note,
        draw=Random(place),
    )


def _row(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


if __name__ == "__main__":
    import django

    django.setup()
    match sys.argv[1]:
        case "prepare":
            print(json.dumps(prepare(sys.argv[2])))
        case "ready":
            print(json.dumps(wait_until_ready()))
        case _:
            from core.tenancy import tenant_context

            with tenant_context(million.SCHEMA):
                print(json.dumps({"django": keyset.p(keyset.django_page(), 0.5)}))
