"""Pages of real payloads: planned at the simulators, read once through the real adapters over HTTP, kept in memory."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from channels.canonical import RawItem, Window
from channels.protocol import Session
from channels.registry import adapter_of
from core.wire import HttpAnswer

STREETS = ("Bergstr.", "Rue du Bac", "High Street", "Via Roma", "Calle Mayor", "文三路")
PLACES = (("DE", "Berlin", "10999"), ("FR", "Paris", "75007"), ("GB", "Leeds", "LS1 4AP"), ("IT", "Roma", "00184"))
SKUS = 1000


class Wire:
    """The way out of the preparation; nothing here is measured."""

    def __init__(self) -> None:
        self.http = httpx.Client(timeout=60, trust_env=False)

    def send(self, method: str, url: str, **given: Any) -> HttpAnswer:
        headers = dict(given.get("headers") or {})
        answer = self.http.request(
            method, url, headers=headers, params=given.get("params"), content=given.get("content")
        )
        return HttpAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)


def planned(draw: random.Random, number: int, when: datetime) -> dict[str, Any]:
    """One order of two or three lines (alternating), as the simulators' control interface takes it."""
    country, city, postcode = PLACES[number % len(PLACES)]
    skus = draw.sample(range(SKUS), 2 + number % 2)
    return {
        "ref": f"b{number}",
        "buyer": {"id": f"buyer{number // 3}", "name": f"Buyer {number // 3}", "email": f"b{number // 3}@example.com"},
        "recipient": {
            "name": f"Hannah Weiß {number}",
            "company": "",
            "lines": [f"{STREETS[number % len(STREETS)]} {number % 200}", "Hinterhaus"],
            "city": city,
            "region": "",
            "postcode": postcode,
            "country": country,
            "phone": f"+49 30 {1000000 + number}",
        },
        "lines": [
            {"sku": f"SKU-{sku:04}", "title": f"Thing number {sku}", "quantity": 1 + sku % 2, "unit_price": "9.95"}
            for sku in skus
        ],
        "currency": "EUR",
        "shipping_price": "3.50",
        "tax": "0.00",
        "placed_at": (when - timedelta(minutes=30)).isoformat(),
        "paid_at": (when - timedelta(minutes=29)).isoformat(),
        "fulfilment": "merchant",
    }


def pages(
    url: str, platforms: list[str], per_account: int, seed: int = 1
) -> dict[tuple[str, str], list[list[RawItem]]]:
    """{(platform, account): pages of 100 raw items}; ``url``: running simulators with limits off."""
    draw = random.Random(seed)
    wire = Wire()
    drafts = []
    number = 0
    for platform in platforms:
        adapter = adapter_of(platform)
        draft = adapter.sandbox_draft(url, "DE")
        wire.http.post(draft.register_url, json=dict(draft.register)).raise_for_status()
        when = datetime.now(UTC)
        control = f"{url}/_control/{platform}/accounts/{draft.external_id}/orders"
        for start in range(0, per_account, 500):
            some = [planned(draw, number + i, when) for i in range(start, min(start + 500, per_account))]
            wire.http.post(control, json={"orders": some}).raise_for_status()
        number += per_account
        drafts.append((platform, adapter, draft))
    # Amazon gives nothing that changed less than two minutes ago: the preparation's clock runs fast (see the caller).
    time.sleep(3)
    return {(p, d.external_id): _read(p, a, d, wire) for p, a, d in drafts}


def _read(platform: str, adapter: Any, draft: Any, wire: Wire) -> list[list[RawItem]]:
    from sandbox.simulators.base import clock as simulated

    def session(token: str) -> Session:
        return Session(
            http=wire,
            external_account=draft.external_id,
            settings=draft.settings,
            credentials=draft.credentials,
            marketplaces=draft.marketplaces,
            access_token=token,
            now=simulated.now,
        )

    at = session(adapter.refresh_token(session("")).access)
    now = simulated.now()
    window = Window(now - timedelta(hours=20), now - timedelta(minutes=3))
    found: list[list[RawItem]] = []
    token = ""
    while True:
        page = adapter.fetch_orders(at, window, token)
        if page.items:
            found.append(list(page.items))
        token = page.next_token
        if not token:
            return found
