"""Settings pages of keys, webhooks, audit trail and company in a browser: no complaint, no sideways scroll."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api import news
from api.models import Endpoint
from api.services import delivering
from core import clock
from core.tenancy import tenant_context
from orders.services import acts
from tests.api.conftest import ACTOR
from tests.browser.conftest import DESK, PHONE, Visit
from tests.support.database import ACME, back_to_public

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SAMPAN_SHOTS", "")  # a folder for pictures, for whoever wants to look


def test_keys_webhooks_trail_and_company(visit: Visit) -> None:
    tab = visit
    page = tab.page
    tab.open("/settings/keys/new")
    page.fill("[name=name]", "Shop sync")
    page.check("[value='orders.hold']")
    page.click("main button[type=submit]")
    assert page.locator(".once-value code").inner_text().startswith("smp_")
    tab.open("/settings/webhooks/new")
    page.fill("[name=url]", "https://shop.example.com/hook")
    for event in news.TYPES:
        page.check(f"[value='{event}']")
    page.click("main button[type=submit]")
    assert page.locator(".once-value code").inner_text().startswith("whsec_")
    with tenant_context(ACME):
        acts.hold(actor=ACTOR, order_ids=[tab.house.ids["ready"], tab.house.ids["other"]])
        made = Endpoint.objects.get()
        news.write([news.Item("order.created", news.ORDER, pk) for pk in tab.house.ids.values()], [made])
        for one, status in zip(delivering.due(made), (200, 500, None), strict=False):
            code = "" if status == 200 else "http.timeout" if status is None else "webhook.refused"
            delivering.Delivery.objects.filter(pk=one.id).update(attempts=1)
            delivering._keep(made, one, delivering.Outcome(status, 120, code, "thank you" if status == 200 else ""))
        hook = f"/settings/webhooks/{made.pk}/"
        assert clock.now()
    back_to_public()
    paths = {
        "keys": "/settings/keys/",
        "key": "/settings/keys/new",
        "webhooks": "/settings/webhooks/",
        "webhook": hook,
        "webhook-form": f"{hook}change",
        "docs": "/api/v1/docs",
        "audit": "/settings/audit/?tab=all",
        "company": "/settings/company/",
    }
    for language in ("en", "zh-hans"):
        page.context.add_cookies([{"name": "lang", "value": language, "url": tab.url}])
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            for name, path in paths.items():
                tab.open(path)
                if name == "webhook":
                    page.locator("details.call summary").first.click()
                assert tab.width() <= size["width"], (name, size)
                if SHOTS:
                    target = Path(SHOTS) / f"{name}-{language}-{size['width']}.png"
                    page.screenshot(path=str(target), full_page=name != "docs")
    assert tab.complaints == []
