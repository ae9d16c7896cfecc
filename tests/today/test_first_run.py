"""The first steps: what is done is asked of the tables, put away for all and brought back, offers only with simulators."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import settings_store
from core.permissions import CLERK, FINANCE, MANAGER, VIEWER
from core.tenancy import tenant_context
from core.ui import first_run
from inventory import services as stock
from logistics.services import accounts as carriers
from orders.models import RuleSet
from orders.services.first_rule import publish_simplest
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui.conftest import House, SignIn

pytestmark = pytest.mark.django_db


def open_steps(client: Client) -> list[str]:
    """Keys of the steps that the page shows as open, in order."""
    first = client.get("/").context["first"]
    return [row.step.key for row in first.rows if not row.done]


def test_an_empty_company_has_all_its_steps_and_one_blue_button(owner: Client) -> None:
    page = owner.get("/")
    assert open_steps(owner) == [
        "account",
        "carrier",
        "warehouse",
        "skus",
        "listings",
        "stock",
        "rules",
        "parcel",
    ]
    assert page.content.decode().count("btn-primary") == 1
    assert "0 of 8" in page.content.decode()


def test_steps_close_as_the_house_fills(owner: Client, house: House) -> None:
    # The house has account and products; one listing is unmatched and nothing was ever sent.
    assert {"account", "skus"}.isdisjoint(open_steps(owner))
    assert {"listings", "parcel"} <= set(open_steps(owner))
    with house.inside():
        from channels.models import Listing

        sku = Listing.objects.filter(sku__isnull=False).values_list("sku", flat=True)[0]
        Listing.objects.filter(sku__isnull=True).update(sku=sku)
    assert "listings" not in open_steps(owner)


def test_put_away_for_everybody_and_brought_back(owner: Client, sign_in: SignIn) -> None:
    clerk = sign_in(CLERK)
    assert clerk.post("/first/dismiss").status_code == 403
    owner.post("/first/dismiss")
    assert "First steps" not in clerk.get("/").content.decode()
    shown = owner.get("/").content.decode()
    assert "First steps: from" not in shown and "Show the first steps again" in shown
    assert "Nothing waits for you now." in shown  # an empty company that put the steps away has a calm page
    owner.post("/first/recall")
    assert "First steps: from" in owner.get("/").content.decode()


def test_each_role_gets_only_the_buttons_it_may_press(sign_in: SignIn) -> None:
    may = {
        role: {row.step.key for row in sign_in(role).get("/").context["first"].rows if row.may}
        for role in (MANAGER, CLERK, FINANCE)
    }
    assert may[MANAGER] >= {"account", "carrier", "warehouse", "skus", "listings", "stock", "rules", "parcel"}
    assert may[CLERK] == {"skus", "listings", "parcel"}
    assert may[FINANCE] == {"parcel"}
    assert "Put away" not in sign_in(VIEWER).get("/").content.decode()


def test_the_sandbox_is_offered_only_where_simulators_run(owner: Client, settings: Any) -> None:
    settings.SANDBOX_URL = ""
    assert "Add a sandbox store" not in owner.get("/").content.decode()
    assert owner.post("/sandbox/store/ebay").status_code == 422
    assert owner.post("/sandbox/products").status_code == 422
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    assert "Add a sandbox store" in owner.get("/").content.decode()
    answer = owner.post("/sandbox/store/ebay")
    assert answer.status_code == 422
    assert "does not answer" in answer.content.decode()


def test_the_list_costs_two_queries_however_many_steps_there_are(db: None) -> None:
    with tenant_context(ACME), CaptureQueriesContext(connection) as asked:
        found = first_run.checklist(ACTOR)
    assert found is not None and len(found.rows) == 8
    assert len([query for query in asked if query["sql"].startswith("SELECT")]) == 2


def test_the_simplest_rule_needs_warehouse_and_service_and_comes_once(owner: Client) -> None:
    assert "Add the warehouse" in owner.post("/orders/rules/first").content.decode()
    with tenant_context(ACME):
        stock.create_warehouse(actor=ACTOR, code="SZ", name="Shenzhen", country="CN", timezone="UTC", sender={})
    assert "Connect a carrier" in owner.post("/orders/rules/first").content.decode()
    with tenant_context(ACME):
        account = carriers.connect_carrier(
            actor=ACTOR, carrier="pool", name="Swift", credentials={}, settings={"carrier_name": "Swift"}
        )
        carriers.save_service(actor=ACTOR, account_id=account.pk, key="swift", code="SW", name="Swift Post")
    assert owner.post("/orders/rules/first").status_code == 302
    assert "already" in owner.post("/orders/rules/first").content.decode()
    with tenant_context(ACME):
        made = RuleSet.objects.get()
        assert [rule["actions"] for rule in made.rules] == [
            [{"do": "warehouse", "value": "SZ"}],
            [{"do": "service", "value": "swift"}],
        ]
        with pytest.raises(Exception, match=r"rules\.there_already"):
            publish_simplest(actor=ACTOR)


def test_a_finished_list_praises_and_goes_with_age(db: None) -> None:
    from datetime import timedelta

    from core import clock

    with tenant_context(ACME):
        saved = dict(first_run._steps)
        try:
            first_run._steps.clear()
            first_run.register(
                first_run.Step("one", 1, "One", "", "Go", "today", "EXISTS (SELECT 1)", settings_store.CHANGE)
            )
            young = first_run.checklist(ACTOR, clock.now() - timedelta(days=1))
            assert young is not None and young.complete
            assert first_run.checklist(ACTOR, clock.now() - timedelta(days=40)) is None
        finally:
            first_run._steps.clear()
            first_run._steps.update(saved)
