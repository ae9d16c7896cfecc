"""Revisions as marketplaces really send them: another address with fewer parts, pieces that somebody else has sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels import canonical
from channels.adapters.ebay import mapping as ebay
from channels.models import Confirmation, Listing
from core import clock
from core.values import Address
from orders import states
from orders.models import Order
from orders.services.release import release
from tests.orders.conftest import ACTOR, T0, Shop, line, order, take

LATER = T0 + timedelta(hours=2)
OFFICE = Address(
    "Hannah Weiss", "Weiss & Co", ("500 Main St",), "Springfield", "Sangamon", "IL", "62701", "US", "+1 217 555 0101"
)
HOME = Address("Hannah Weiss", "", ("Bergstr. 12",), "Berlin", "", "", "10999", "DE", "")


def test_another_address_is_taken_whole(shop: Shop) -> None:
    """Company, county and state of the old place are no parts of the new one; the phone is kept, platforms withhold it."""
    take(shop, order("A1", receiver=OFFICE, ship_reference="hub's A65391"))
    take(shop, order("A1", receiver=HOME, updated_at=LATER))
    row = Order.objects.get()
    assert row.ship_reference == ""
    assert (row.ship_name, row.ship_lines, row.ship_city, row.ship_postcode, row.ship_country) == (
        "Hannah Weiss",
        ["Bergstr. 12"],
        "Berlin",
        "10999",
        "DE",
    )
    assert (row.ship_company, row.ship_district, row.ship_region) == ("", "", "")
    assert row.ship_phone == "+1 217 555 0101"


@pytest.mark.parametrize(
    "told",
    [
        Address(
            "Hannah Weiss", "", ("500 Main St",), "Springfield", "", "", "62701", "US"
        ),  # the same place, told shorter
        Address("H**** W****", "", ("5** M***",), "Chicago", "", "", "60***", "US"),
        Address("", "", (), "Springfield", "", "", "62701", "US"),  # what Amazon gives without the role
    ],
    ids=["shorter", "masked", "withheld"],
)
def test_parts_that_are_only_left_out_stay(shop: Shop, told: Address) -> None:
    take(shop, order("A1", receiver=OFFICE))
    take(shop, order("A1", receiver=told, updated_at=LATER))
    row = Order.objects.get()
    assert (row.ship_name, row.ship_lines) == ("Hannah Weiss", ["500 Main St"])
    assert (row.ship_company, row.ship_district, row.ship_region) == ("Weiss & Co", "Sangamon", "IL")


def sent_in_part(shipped: int) -> canonical.Order:
    """Two of five were confirmed by hand at the marketplace."""
    return order("A1", line("A1-1", "LAMP", 5, shipped=shipped), status=canonical.PARTLY_SHIPPED, updated_at=LATER)


def test_pieces_that_somebody_else_has_sent_are_not_kept_in_stock(shop: Shop) -> None:
    ids = take(shop, order("A1", line("A1-1", "LAMP", 5))).to_route
    release(order_ids=ids, actor=ACTOR)
    assert shop.stock("LAMP").reserved == 5
    written = take(shop, sent_in_part(2))
    release(order_ids=written.to_route, actor=ACTOR)
    assert Order.objects.get().state == states.READY
    assert shop.stock("LAMP").reserved == 3


@pytest.mark.parametrize(
    ("shipped", "status"), [(2, canonical.PARTLY_SHIPPED), (5, canonical.SHIPPED)], ids=["some", "all"]
)
def test_a_parcel_that_holds_what_somebody_else_has_sent_is_a_conflict(shop: Shop, shipped: int, status: str) -> None:
    release(order_ids=take(shop, order("A1", line("A1-1", "LAMP", 5))).to_route, actor=ACTOR)
    Order.objects.update(state=states.BOOKED)
    take(shop, order("A1", line("A1-1", "LAMP", 5, shipped=shipped), status=status, updated_at=LATER))
    row = Order.objects.get()
    assert (row.state, row.conflict) == (states.BOOKED, "lines_changed")


def test_the_echo_of_our_own_confirmation_is_none(shop: Shop) -> None:
    """A tenant may tell the marketplace as soon as the label is there."""
    release(order_ids=take(shop, order("A1", line("A1-1", "LAMP", 5))).to_route, actor=ACTOR)
    Order.objects.update(state=states.BOOKED)
    Confirmation.objects.create(
        account=shop.account,
        order_external_id="A1",
        order_ref=Order.objects.get().pk,
        reference="1",
        carrier="YunExpress",
        tracking_number="YT1",
        lines=[["A1-1", 5]],
        shipped_at=clock.now(),
        next_at=clock.now(),
    )
    take(shop, order("A1", line("A1-1", "LAMP", 5, shipped=5), status=canonical.SHIPPED, updated_at=LATER))
    row = Order.objects.get()
    assert (row.state, row.conflict) == (states.BOOKED, "")


NAMELESS = """<Order xmlns="urn:ebay:apis:eBLBaseComponents"><OrderID>7-1</OrderID><OrderStatus>Completed</OrderStatus>
<CheckoutStatus><eBayPaymentStatus>NoPaymentFailure</eBayPaymentStatus><Status>Complete</Status>
<LastModifiedTime>2026-11-01T09:00:00.000Z</LastModifiedTime></CheckoutStatus>
<CreatedTime>2026-11-01T08:00:00.000Z</CreatedTime><PaidTime>2026-11-01T08:10:00.000Z</PaidTime>
<ShippingAddress><Name>Zoë 🎈</Name><Street1>1 Main St</Street1><CityName>Erie</CityName><Country>US</Country></ShippingAddress>
<Subtotal currencyID="USD">30.0</Subtotal><Total currencyID="USD">30.0</Total><TransactionArray>{lines}</TransactionArray>
<BuyerUserID>zoe</BuyerUserID></Order>"""
NAMELESS_LINE = """<Transaction><Item><ItemID>{item}</ItemID>{sku}<Title>{title}</Title></Item>{more}
<QuantityPurchased>1</QuantityPurchased><TransactionPrice currencyID="USD">10.0</TransactionPrice>
<OrderLineItemID>{item}-{number}</OrderLineItemID></Transaction>"""
CHOSEN = """<Variation><VariationSpecifics><NameValueList><Name>Colour</Name><Value>{}</Value></NameValueList>
</VariationSpecifics></Variation>"""


def test_listings_without_a_sku_are_not_one_product(shop: Shop) -> None:
    """Many sellers at eBay name no SKU: to match one of their listings must not match all the others."""
    red, blue = CHOSEN.format("Red"), CHOSEN.format("Blue")
    lines = [
        NAMELESS_LINE.format(item="110", title="Lamp", number=1, sku="", more=""),
        NAMELESS_LINE.format(item="220", title="Cup", number=2, sku="", more=red),
        NAMELESS_LINE.format(item="220", title="Cup", number=3, sku="", more=blue),
        NAMELESS_LINE.format(item="330", title="Shirt", number=4, sku="<SKU>SHIRT</SKU>", more=red),
        NAMELESS_LINE.format(item="330", title="Shirt", number=5, sku="<SKU>SHIRT</SKU>", more=blue),
        NAMELESS_LINE.format(item="440", title="Lamp", number=6, sku="<SKU>LAMP</SKU>", more=""),
    ]
    take(shop, ebay.parse_order(NAMELESS.format(lines="".join(lines))))
    assert set(Listing.objects.values_list("seller_sku", "external_id", "sku__code")) == {
        ("110", "110", None),
        ("220 Red", "220", None),
        ("220 Blue", "220", None),
        ("SHIRT Red", "330", None),
        ("SHIRT Blue", "330", None),
        ("LAMP", "440", "LAMP"),
    }
