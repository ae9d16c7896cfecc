"""The dead-letter desk searched and filtered, and payloads shown to people who do not see buyers."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from channels.masking import masked
from core.tenancy import tenant_context
from tests.support.database import ACME
from tests.ui2.conftest import dead_payload, make_account, owner, sign_in, text

__all__ = ["owner", "sign_in"]

ORDER = {
    "orderId": "028-1",
    "orderStatus": "UNSHIPPED",
    "buyer": {"buyerName": "Ann Gables", "buyerEmail": "ann@example.com"},
    "recipient": {
        "deliveryAddress": {"name": "Ann", "addressLine1": "1 Main St", "postalCode": "98101", "phone": 4915}
    },
    "orderItems": [{"sku": "LAMP", "title": "Lamp for Ann Gables", "quantity": 2, "unitPrice": {"amount": "9.99"}}],
    "note to Ann": "x",
}
XML = (
    "<Order><OrderID>1-2</OrderID><BuyerUserID>ann_77</BuyerUserID><ShippingAddress><Name>Ann Gables</Name>"
    "<Street1>1 Main St</Street1><PostalCode>98101</PostalCode></ShippingAddress><Total currencyID='USD'>9.99</Total>"
    "<Odd to='Ann Gables'>Ann Gables</Odd><!-- Ann Gables --></Order>"
)


@pytest.mark.parametrize("payload", [json.dumps(ORDER), XML])
def test_nothing_of_a_person_is_in_the_masked_text(payload: str) -> None:
    shown = masked(payload)
    for part in ("Ann", "ann", "Gables", "Main", "98101", "4915", "example.com"):
        assert part not in shown, part
    assert "9.99" in shown and ("028-1" in shown or "1-2" in shown)


def test_what_is_neither_json_nor_xml_is_not_shown() -> None:
    assert masked("<Order><Name>Ann Gables</Order>") == ""
    assert masked("Ann Gables, 1 Main St") == ""
    assert masked("[" * 100_000) == ""


@pytest.mark.django_db
def test_the_desk_is_searched_and_filtered_and_acts_take_what_is_shown(owner: Client) -> None:
    with tenant_context(ACME):
        one, two = make_account("amazon", "Alpha"), make_account("ebay", "Lampen")
        for number in range(3):
            dead_payload(one, f"A-{number}")
        dead_payload(two, "E-77")
    assert text(owner, "/channels/desk/?tab=raw").count("<tr data-id") == 4
    assert text(owner, f"/channels/desk/?tab=raw&account={two.pk}").count("<tr data-id") == 1
    only = text(owner, "/channels/desk/?tab=raw&q=a-1")
    assert only.count("<tr data-id") == 1 and "A-1" in only
    assert "No dead letter fits." in text(owner, "/channels/desk/?tab=raw&q=nothing-like-it")
    answer = owner.post(
        "/channels/desk/drop", {"all": "1", "view": f"tab=raw&account={one.pk}", "reason": "tests"}, follow=True
    )
    assert answer.status_code == 200
    left = text(owner, "/channels/desk/?tab=raw")
    assert left.count("<tr data-id") == 1 and "E-77" in left


@pytest.mark.django_db
def test_a_clerk_sees_the_shape_and_nobodys_name(sign_in) -> None:
    with tenant_context(ACME):
        raw = dead_payload(make_account("amazon", "Alpha"), "A-1", json.dumps(ORDER))
    page = text(sign_in("clerk"), f"/channels/desk/raw/{raw.pk}/")
    assert "028-1" in page and "UNSHIPPED" in page
    assert "Gables" not in page and "Show and mend" not in page
