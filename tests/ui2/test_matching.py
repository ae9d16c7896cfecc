"""Matching listings as a page: suggestions, typed codes, many at once, back, left aside."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from channels.models import Listing
from core import clock
from core.central import outbox
from core.tenancy import tenant_context
from inventory import services as goods
from orders.models import Order
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui.conftest import House, house  # noqa: F401
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db


def listing(name: str) -> Listing:
    return Listing.objects.select_related("sku").get(seller_sku=name)


def test_a_listing_is_matched_by_its_suggestion_and_taken_back(owner: Client, house: House) -> None:  # noqa: F811
    with tenant_context(ACME):
        sku = goods.create_sku(actor=ACTOR, code="GARDEN-9-GN", title="Garden hose")
    page = text(owner, "/orders/listings/?tab=waiting")
    assert "GARDEN-9" in page and "GARDEN-9-GN" in page and "like code" in page
    with tenant_context(ACME):
        pk = listing("GARDEN-9").pk
    assert f'value="{pk}:{sku.pk}"' in page and f'name="sku-{pk}"' in page
    given = {"one": f"{pk}:{sku.pk}", f"units-{pk}": "2", "view": "tab=waiting"}
    to = post(owner, "/orders/listings/one", given)
    assert "Matched. 1 order goes on." in text(owner, to)
    with tenant_context(ACME):
        outbox.drain(10)
        assert listing("GARDEN-9").units == 2
        assert Order.objects.get(external_id="NOSKU-1").state == "short"
    page = text(owner, "/orders/listings/?tab=matched")
    assert "GARDEN-9-GN" in page and "× 2" in page and "by a person" in page
    assert "GARDEN-9" in text(owner, f"/stock/skus/{sku.pk}/")
    post(owner, "/orders/listings/unmatch", {"id": str(pk)})
    with tenant_context(ACME):
        outbox.drain(10)
        assert Order.objects.get(external_id="NOSKU-1").state == "unmatched"


def test_many_at_once_by_what_was_typed_and_by_what_is_sure(owner: Client, house: House) -> None:  # noqa: F811
    with tenant_context(ACME):
        made = [
            Listing.objects.create(account=house.shop.account, seller_sku=name, title="x", seen_at=clock.now())
            for name in ("la-mp", "typed", "wrong", "unsure")
        ]
    ids = [str(one.pk) for one in made]
    given = {"id": ids, f"sku-{ids[1]}": "cup", f"units-{ids[1]}": "6", f"sku-{ids[2]}": "no such"}
    to = post(owner, "/orders/listings/match", given)
    page = text(owner, to)
    assert "2 listings matched." in page and "There is no SKU no such" in page and "No SKU is surely meant" in page
    with tenant_context(ACME):
        assert (listing("la-mp").sku.code, listing("typed").sku.code, listing("typed").units) == ("LAMP", "CUP", 6)
    # Enter in a field, nothing ticked
    post(owner, "/orders/listings/match", {f"sku-{ids[3]}": "LAMP"})
    with tenant_context(ACME):
        assert listing("unsure").sku.code == "LAMP"
    post(owner, "/orders/listings/aside", {"id": ids[2]})
    assert "wrong" in text(owner, "/orders/listings/?tab=ignored")
    post(owner, "/orders/listings/wanted", {"id": ids[2]})
    assert "wrong" in text(owner, "/orders/listings/?tab=open&q=wro")


def test_refusals_and_roles(owner: Client, sign_in, house: House) -> None:  # noqa: F811
    with tenant_context(ACME):
        pk, sku = listing("GARDEN-9").pk, house.shop.skus["LAMP"].pk
    assert owner.post("/orders/listings/one", {"one": "x"}).status_code == 404
    assert owner.post("/orders/listings/one", {"one": f"{pk}:{sku}", f"units-{pk}": "0"}).status_code == 422
    viewer = sign_in("viewer")
    page = text(viewer, "/orders/listings/")
    assert "GARDEN-9" in page and f'name="sku-{pk}"' not in page
    assert viewer.post("/orders/listings/one", {"one": f"{pk}:{sku}"}).status_code == 403


def test_the_page_costs_a_fixed_number_of_queries(owner: Client, house: House) -> None:  # noqa: F811
    few = cost(owner, "/orders/listings/")
    with tenant_context(ACME):
        for n in range(40):
            Listing.objects.create(
                account=house.shop.account, seller_sku=f"LAMP {n}", title="Lamp for the desk", seen_at=clock.now()
            )
    many = cost(owner, "/orders/listings/?size=100")
    assert len(many) == len(few) <= 5, "\n".join(many)
    assert len(re.findall(r'name="sku-\d+"', text(owner, "/orders/listings/?size=100"))) == 41
