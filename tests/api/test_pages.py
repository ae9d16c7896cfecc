"""The settings pages: keys, webhooks, the description, the audit trail, the company's profile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from api import news
from api.models import ApiKey, Delivery, Endpoint
from api.services import delivering
from core import audit, clock
from core.permissions import CLERK, MANAGER, OWNER, VIEWER, Actor, of_role, system
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from tenants.models import Tenant
from tests.api.conftest import Program, good
from tests.support.database import ACME
from tests.ui.conftest import SignIn, cost, sign_in

__all__ = ["sign_in"]
pytestmark = pytest.mark.django_db
ACTOR = Actor("user", 1, "Li Na", of_role(OWNER))
URL = "https://shop.example.com/hook"


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, **headers)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def owner(sign_in: SignIn) -> Client:
    return sign_in()


def test_a_key_is_made_shown_once_and_works(owner: Client, sign_in: SignIn) -> None:
    form = text(owner, "/settings/keys/new")
    assert "Read orders and customers" in form and "fields.personal" in form and "tenants.drop" not in form
    given = {"name": "Shop <sync>", "operations": ["orders.view", "orders.hold"], "expires": "90", "per_minute": "600"}
    page = owner.post("/settings/keys/new", given).content.decode()
    (secret,) = set(re.findall(r"smp_[a-z0-9]{8}_[A-Za-z0-9_-]{20,}", page))
    with tenant_context(ACME):
        key = ApiKey.objects.get()
        assert key.operations == ["orders.hold", "orders.view"] and key.expires_at is not None
    mine = Program("acme.localhost", secret, key)
    assert good(mine.get("/me"))["scopes"] == ["orders.hold", "orders.view"]
    again = text(owner, "/settings/keys/")
    assert secret not in again and key.prefix in again and "Shop &lt;sync&gt;" in again and "in use" in again
    page = owner.post(f"/settings/keys/{key.pk}/rotate").content.decode()
    assert secret not in page and len(set(re.findall(r"smp_[a-z0-9]{8}_[A-Za-z0-9_-]{20,}", page))) == 1
    assert "ends soon" in page
    assert owner.post(f"/settings/keys/{key.pk}/revoke").status_code == 302
    assert mine.get("/me").status_code == 401
    assert "taken back" in text(owner, "/settings/keys/")


def test_a_key_form_says_what_is_missing(owner: Client) -> None:
    answer = owner.post("/settings/keys/new", {"name": "", "per_minute": "5"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Tick at least one thing" in page and "greater than or equal to 10" in page
    forged = {"name": "x", "operations": ["tenants.drop"], "expires": "", "per_minute": "600"}
    assert owner.post("/settings/keys/new", forged).status_code == 422


@pytest.mark.parametrize("role", [CLERK, VIEWER])
def test_pages_are_for_those_with_the_right(sign_in: SignIn, role: str) -> None:
    client = sign_in(role)
    for path in (
        "/settings/keys/",
        "/settings/keys/new",
        "/settings/webhooks/",
        "/settings/audit/",
        "/settings/company/",
    ):
        assert client.get(path).status_code == 403, path
    for path in ("/settings/keys/1/revoke", "/settings/webhooks/1/remove", "/settings/webhooks/new"):
        assert client.post(path).status_code == 403, path
    assert client.get("/api/v1/docs").status_code == 200  # what there is, is no secret among members


def test_a_manager_makes_no_key_beyond_the_own_rights(sign_in: SignIn) -> None:
    manager = sign_in(MANAGER)
    form = text(manager, "/settings/keys/new")
    assert 'value="inventory.receive"' in form
    assert "inventory.close_period" not in form


def test_a_webhook_from_its_making_to_its_log(owner: Client) -> None:
    page = owner.post(
        "/settings/webhooks/new", {"url": URL, "name": "Shop", "events": ["order.created"]}
    ).content.decode()
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9_-]{20,}", page))
    with tenant_context(ACME):
        made = Endpoint.objects.get()
    here = f"/settings/webhooks/{made.pk}/"
    assert secret not in text(owner, here) and "a new order came in" in text(owner, here)
    assert owner.post(f"{here}ping").status_code == 302
    with tenant_context(ACME):
        row = Delivery.objects.get()
        outcome = delivering.Outcome(500, 41, "webhook.refused", "<b>no</b>")
        one = delivering.due(Endpoint.objects.get())[0]
        Delivery.objects.update(attempts=1)  # as is done before the call
        delivering._keep(Endpoint.objects.get(), one, outcome)
    page = text(owner, here)
    assert (
        "&lt;b&gt;no&lt;/b&gt;" in page
        and "500" in page
        and "41 ms" in page
        and '"type":"ping"' in page.replace("&quot;", '"')
    )
    assert "1 call failed" in page and "Shop" in text(owner, "/settings/webhooks/")
    assert "Everything arrived" not in text(owner, f"{here}?failed=1")
    assert owner.post(f"{here}resend/{row.pk}").status_code == 302
    assert owner.post(f"{here}resend/999999").status_code == 404
    page = owner.post(f"{here}secret").content.decode()
    assert len(set(re.findall(r"whsec_[A-Za-z0-9_-]{20,}", page)) - {secret}) == 1
    assert owner.post(f"{here}switch", {"on": "0"}).status_code == 302
    assert owner.post(f"{here}ping").status_code == 422
    assert owner.post(f"{here}change", {"url": "http://10.0.0.1/", "events": ["order.created"]}).status_code == 422
    assert owner.post(f"{here}change", {"url": URL, "events": ["stock.changed"]}).status_code == 302
    assert owner.post(f"{here}remove").status_code == 302 and owner.get(here).status_code == 404


def test_lists_of_keys_and_calls_cost_the_same_with_many(owner: Client) -> None:
    owner.post("/settings/webhooks/new", {"url": URL, "events": ["order.created"]})
    with tenant_context(ACME):
        made = Endpoint.objects.get()
    here = f"/settings/webhooks/{made.pk}/"
    paths = ("/settings/keys/", "/settings/webhooks/", here, "/settings/audit/", "/settings/company/")
    with tenant_context(ACME):
        news.write([news.Item("order.changed", news.ORDER, 1)], [made])
    few = {path: len(cost(owner, path)) for path in paths}
    with tenant_context(ACME):
        now = clock.now()
        ApiKey.objects.bulk_create(
            ApiKey(
                name=f"K{n}",
                prefix=f"p{n}",
                digest="d",
                operations=["orders.view"],
                maker_id=1,
                maker_label="x",
                created_at=now,
            )
            for n in range(100)
        )
        news.write([news.Item("order.changed", news.ORDER, n) for n in range(500)], [made])
        audit.record_many(ACTOR, [("order", n, "order.held", {}) for n in range(500)])
    many = {path: len(cost(owner, path)) for path in paths}
    assert many == few and max(many.values()) <= 6, (few, many)
    assert 'rel="next"' in text(owner, here) and 'rel="next"' in text(owner, "/settings/audit/")


def test_the_description_is_readable_and_runs_no_script_of_its_own(owner: Client) -> None:
    page = text(owner, "/api/v1/docs")
    assert "/api/v1/orders/{order_id}" in page and "orders.view" in page and 'id="put_skus"' in page
    assert (
        not re.search(r"<script(?![^>]*src=)", page)
        and "cdn" not in page.casefold()
        and "http://" not in page.replace("http://acme", "")
    )
    assert text(owner, "/api/v1/openapi.json").startswith("{")
    assert Client(HTTP_HOST="acme.localhost").get("/api/v1/docs").status_code == 302


# -- the audit trail


def seed() -> None:
    """Inside the tenant."""
    audit.record(ACTOR, "order", 77, "order.held", note="Hannah Weiss called", **{"from": "ready"})
    audit.record(ACTOR, "order", 78, "order.address_edited", fields=["ship_city"], hashes={"ship_city": ["aa", "bb"]})
    audit.record(Actor("user", 2, "Wu", frozenset()), "sku", 5, "sku.changed", fields=["title"])
    audit.record(Actor("api", -3, "Shop sync", frozenset()), "order", 79, "order.held")
    audit.record(system("routing"), "order", 77, "order.routed", state="ready")


def rows(page: str) -> int:
    return len(re.findall(r'<tr data-id="\d+"', page))


def test_the_trail_is_searched_by_person_object_kind_and_period(owner: Client) -> None:
    with tenant_context(ACME):
        before = AuditEntry.objects.exclude(actor_kind="system").count()
        seed()
    assert rows(text(owner, "/settings/audit/")) == before + 4
    assert rows(text(owner, "/settings/audit/?person=2")) == 1 and rows(text(owner, "/settings/audit/?kind=sku")) == 1
    assert (
        rows(text(owner, "/settings/audit/?q=S-77")) == 1 and rows(text(owner, "/settings/audit/?tab=all&q=S-77")) == 2
    )
    assert rows(text(owner, "/settings/audit/?tab=machine&kind=order")) == 1
    assert rows(text(owner, "/settings/audit/?period=today&kind=order")) == 3
    assert "Nothing of this kind" in text(owner, "/settings/audit/?q=nonsense")
    page = text(owner, "/settings/audit/")
    assert "Hannah" not in page and "aa" not in re.findall(r"<td.*?</td>", page, re.S)[1]
    assert "Shop sync" in page and "program" in page
    assert "Wu" in text(owner, "/settings/audit/?choices=person")
    with tenant_context(ACME):
        AuditEntry.objects.bulk_create(
            AuditEntry(
                at=clock.now(),
                actor_kind="user",
                actor_id=1,
                actor_label="Li",
                kind="order",
                object_id=n,
                code="order.held",
            )
            for n in range(60)
        )
    first = text(owner, "/settings/audit/?size=50")
    following = re.search(r'href="(\?[^"]*)" rel="next"', first)
    assert following and rows(first) == 50
    second = text(owner, "/settings/audit/" + following.group(1).replace("&amp;", "&"))
    assert not set(re.findall(r'data-id="(\d+)"', first)) & set(re.findall(r'data-id="(\d+)"', second))


def test_who_is_narrowed_reads_nothing_of_orders_here(sign_in: SignIn) -> None:
    with tenant_context(ACME):
        seed()
    page = text(sign_in(MANAGER, accounts=[999_999]), "/settings/audit/?tab=all")
    assert "S-77" not in page and "Wu" in page


# -- the company


def test_the_profile_is_changed_with_history(owner: Client) -> None:
    given = {"name": "Acme Trading", "timezone": "Europe/Berlin", "currency": "EUR", "language": "zh-hans"}
    assert "Acme" in text(owner, "/settings/company/")
    assert owner.post("/settings/company/", given).status_code == 302
    tenant = Tenant.objects.get(schema_name=ACME)
    assert (tenant.name, tenant.timezone, tenant.currency, tenant.language) == tuple(given.values())
    with tenant_context(ACME):
        entry = AuditEntry.objects.get(code="tenants.profile_changed")
        assert entry.params == {"fields": ["name", "timezone", "currency", "language"]}
    assert owner.post("/settings/company/", given).status_code == 302  # nothing changed, nothing written
    with tenant_context(ACME):
        assert AuditEntry.objects.filter(code="tenants.profile_changed").count() == 1
    assert owner.post("/settings/company/", given | {"timezone": "Mars/Olympus"}).status_code == 422
    assert owner.post("/settings/company/", given | {"name": " "}).status_code == 422


def test_the_currency_stays_once_something_is_valued_in_it(owner: Client, settings: Any, tmp_path: Any) -> None:
    from core.errors import BusinessError
    from tenants.services import change_profile
    from tests.api.conftest import make

    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        make(ACME)
    page = text(owner, "/settings/company/")
    assert "Stock is valued in it already" in page and "disabled" in page
    given = {"name": "Acme", "timezone": "Asia/Shanghai", "currency": "EUR", "language": "en"}
    owner.post("/settings/company/", given)  # a disabled field keeps what it was
    tenant = Tenant.objects.get(schema_name=ACME)
    assert tenant.currency == "CNY"
    with pytest.raises(BusinessError, match="currency_fixed"):
        change_profile(actor=ACTOR, tenant=tenant, **given)
