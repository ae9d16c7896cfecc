"""Twenty people at once on gunicorn, reading and writing, over a million orders and beside a running sync.

Each walks through a day's clicks with a second or two between them, for a minute; worker and beat pull new orders from
simulated marketplaces meanwhile. The figure is the p95 of the slowest page; yardstick: a plain Django page with lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx

from config.launch.places import ROOT
from tests.bench import keyset, million
from tests.bench.figure import figure
from tests.bench.server import environment

PEOPLE, SECONDS, THINK = 20, 60.0, (0.8, 2.2)
PER_SECOND = 8  # new orders from the marketplaces


def run() -> Iterator[dict[str, Any]]:
    from tests.support.simulators import running
    from tests.support.web import served

    url = million.database()
    now = time.time()
    clock = f"{now}:{now}:1"
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), limits="off", clock=clock) as simulators:
        env = environment(url) | {"SANDBOX_URL": simulators.url, "SAMPAN_DATA": folder}
        ready = json.loads(_inside(env, simulators.url))
        with served(url, "worker", "beat", sandbox_url=simulators.url, web_processes=2) as site:
            stop = threading.Event()
            feeder = threading.Thread(target=_feed, args=(simulators.url, ready["accounts"], stop))
            feeder.start()
            spent = _all(site.url, ready)
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
        people=PEOPLE,
    )


def _inside(env: dict[str, str], simulators: str) -> str:
    script = [sys.executable, "-m", "tests.bench.bench_pages", "prepare", simulators]
    output = subprocess.run(script, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    return output.strip().splitlines()[-1]


def prepare(simulators: str) -> dict[str, Any]:
    """Accounts at the simulators, stock, a rule; sessions of twenty people; orders to click on and words to look for."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from channels.registry import adapter_of
    from channels.services.accounts import connect_account
    from core import bulk
    from core.permissions import system
    from core.tenancy import tenant_context
    from inventory.services import opening
    from tenants.models import User

    actor = system("bench")
    user = User.objects.get(email=million.OWNER_EMAIL)
    sessions = []
    for _ in range(PEOPLE):
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session.create()
        sessions.append(session.session_key)
    accounts = []
    http = httpx.Client(timeout=60, trust_env=False)
    with tenant_context(million.SCHEMA):
        lines: list[tuple] = [(pk, 100_000, 1, "EUR") for pk in range(1, 1001)]
        opening(actor=actor, warehouse_id=1, lines=lines, key="bench-pages")
        for platform in ("amazon", "ebay"):
            draft = adapter_of(platform).sandbox_draft(simulators, "DE")
            http.post(draft.register_url, json=dict(draft.register)).raise_for_status()
            connect_account(
                actor=actor, platform=platform, name=draft.external_id, external_id=draft.external_id,
                settings=draft.settings, credentials=draft.credentials, marketplaces=draft.marketplaces,
            )  # fmt: skip
            accounts.append([platform, draft.external_id])
        rows = bulk.fetch("SELECT id FROM orders_order WHERE state IN ('held', 'short', 'ready') LIMIT 2000")
        words = list(million.drawn_searches(200))
    return {"accounts": accounts, "sessions": sessions, "orders": [row[0] for row in rows], "words": words}


def _feed(simulators: str, accounts: list[list[str]], stop: threading.Event) -> None:
    """New orders at the marketplaces, some every second."""
    from datetime import UTC, datetime

    from tests.bench.payloads import planned

    draw, number = Random(5), 0
    http = httpx.Client(timeout=30, trust_env=False)
    while not stop.wait(1.0):
        for platform, external in accounts:
            some = [planned(draw, number + i, datetime.now(UTC)) for i in range(PER_SECOND // len(accounts))]
            number += len(some)
            http.post(f"{simulators}/_control/{platform}/accounts/{external}/orders", json={"orders": some})


def _all(url: str, ready: dict[str, Any]) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = defaultdict(list)
    lock, end = threading.Lock(), time.monotonic() + SECONDS
    failures: list[str] = []

    def person(number: int) -> None:
        try:
            _walk(Random(number), httpx.Client(base_url=url, timeout=60, trust_env=False), ready, number, end, note)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")

    def note(name: str, seconds: float) -> None:
        with lock:
            spent[name].append(seconds)

    people = [threading.Thread(target=person, args=(number,)) for number in range(PEOPLE)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    if failures:
        raise RuntimeError(failures[0])
    return spent


def _walk(
    draw: Random, http: httpx.Client, ready: dict[str, Any], number: int, end: float, note: Callable[[str, float], None]
) -> None:
    """The clicks of one person until the time is over."""
    http.headers["Host"] = million.HOST
    cookies = {"sessionid": ready["sessions"][number], "csrftoken": "a" * 32}
    mine = ready["orders"][number :: len(ready["sessions"])]

    def click(name: str, path: str, **form: str) -> None:
        time.sleep(draw.uniform(*THINK))
        started = time.perf_counter()
        if form:
            answer = http.post(path, data={**form, "csrfmiddlewaretoken": "a" * 32}, cookies=cookies)
        else:
            answer = http.get(path, cookies=cookies)
        if answer.status_code not in (200, 302):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        if time.monotonic() < end:
            note(name, time.perf_counter() - started)

    while time.monotonic() < end:
        order = draw.choice(mine)
        click("today", "/")
        click("orders", "/orders/")
        click("orders, on hold", "/orders/?tab=held")
        click("search", "/orders/?" + str(httpx.QueryParams(tab="all", q=draw.choice(ready["words"]))))
        click("order", f"/orders/{order}/")
        click("tag", f"/orders/{order}/tag", add=f"bench{draw.randrange(5)}")
        click("orders, 200 rows", "/orders/?tab=booked&size=200")
        click("shipments", "/ship/parcels/")
        click("stock", "/stock/")
        click("inbox", "/inbox/")
        click("menu counts", "/ui/counts")


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1] == "prepare":
        print(json.dumps(prepare(sys.argv[2])))
    else:
        from core.tenancy import tenant_context

        with tenant_context(million.SCHEMA):
            print(json.dumps({"django": keyset.p(keyset.django_page(), 0.5)}))
