"""Carriers without an API: numbers pasted in, each used once, our own label that scanners can read."""

from __future__ import annotations

import io
from decimal import Decimal

import numpy
import pikepdf
import pytest
import zxingcpp

from core import files
from core.errors import BusinessError
from core.records.models import StoredFile
from core.tenancy import tenant_context
from core.values import Address, CustomsLine, Parcel, ShipmentRequest
from logistics import paper
from logistics.carriers.pool import label
from logistics.models import PoolNumber
from logistics.services import accounts, pool
from logistics.services import booking as parcels
from orders.models import Order
from orders.services import booking
from tests.orders.conftest import Shop
from tests.support.parcels import ACTOR, due_now, open_shop, parcel_of, ready_orders, settle, states_of

NUMBERS = "RB123456785GB RB123456794GB\nRB123456803GB，RB123456817GB"


@pytest.fixture
def shop(db: None, acme: str):
    with tenant_context(acme):
        account = accounts.connect_carrier(
            actor=ACTOR, carrier="pool", name="Swift", credentials={}, settings={"carrier_name": "迅达 Swift"}
        )
        yield open_shop(account, code="SW", number_format=r"RB\d{9}GB")


def book(shop: Shop, count: int) -> list[int]:
    ids = ready_orders(shop, count)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    return ids


def test_pasted_numbers_with_the_errors_of_each_line(shop, no_network) -> None:
    account_id = shop.service.carrier_account_id
    text = f"{NUMBERS}\nRB123456785GB\n  \nYY1\nLX123456785CN  rb 123\n"
    added = accounts.add_pool_numbers(actor=ACTOR, account_id=account_id, text=text)
    assert added.added == 4
    assert [(error.line, error.code) for error in added.errors] == [
        (3, "pool.twice"),
        (5, "pool.malformed"),
        (6, "pool.not_the_format"),
        (6, "pool.malformed"),
        (6, "pool.malformed"),
    ]
    again = accounts.add_pool_numbers(actor=ACTOR, account_id=account_id, text="RB123456785GB RB123456825GB")
    assert (again.added, [error.code for error in again.errors]) == (1, ["pool.known"])


def test_each_parcel_takes_one_number_and_gets_our_label(shop, no_network) -> None:
    accounts.add_pool_numbers(actor=ACTOR, account_id=shop.service.carrier_account_id, text=NUMBERS)
    ids = book(shop, 3)
    assert states_of(ids) == {"booked"}
    taken = {parcel_of(pk).reference: parcel_of(pk).tracking_number for pk in ids}
    assert taken == dict(PoolNumber.objects.exclude(reference="").values_list("reference", "number"))
    assert len(set(taken.values())) == 3
    assert pool.left(shop.service.carrier_account_id) == 1
    stored = files.read(StoredFile.objects.get(pk=parcel_of(ids[0]).label_file_id))
    assert stored.startswith(b"%PDF-")


def test_an_empty_pool_is_said_and_mended(shop, no_network) -> None:
    accounts.add_pool_numbers(actor=ACTOR, account_id=shop.service.carrier_account_id, text="RB123456785GB")
    ids = book(shop, 2)
    orders = {order.pk: (order.state, order.reason_code) for order in Order.objects.all()}
    assert sorted(orders.values()) == [("booked", ""), ("failed", "pool.empty")]
    accounts.add_pool_numbers(actor=ACTOR, account_id=shop.service.carrier_account_id, text="RB123456794GB")
    booking.book_orders(actor=ACTOR, order_ids=[pk for pk, state in orders.items() if state[0] == "failed"])
    settle()
    assert states_of(ids) == {"booked"}


def test_a_number_of_the_wrong_form_is_refused_with_a_sentence(shop, no_network) -> None:
    PoolNumber.objects.create(
        carrier_account_id=shop.service.carrier_account_id, number="ZZ000000001", added_at=shop.account.created_at
    )
    (pk,) = book(shop, 1)
    order, parcel = Order.objects.get(pk=pk), parcel_of(pk)
    assert (order.state, order.reason_code) == ("failed", "number.not_the_services_format")
    assert order.reason_params["item"] == "ZZ000000001"
    assert (parcel.state, parcel.tracking_number) == ("failed", "ZZ000000001")


def test_a_repeated_booking_takes_the_same_number(shop, no_network) -> None:
    accounts.add_pool_numbers(actor=ACTOR, account_id=shop.service.carrier_account_id, text=NUMBERS)
    (pk,) = book(shop, 1)
    parcel = parcel_of(pk)
    number = parcel.tracking_number
    type(parcel).objects.update(
        state="queued", waybill="", tracking_number="", needs="", next_at=parcel.created_at, label_file_id=None
    )
    due_now(parcel.pk)
    parcels.book_due()
    assert parcel_of(pk).tracking_number == number
    assert pool.left(shop.service.carrier_account_id) == 3


def test_numbers_of_an_account_with_an_api_are_refused(shop, acme) -> None:
    other = accounts.connect_carrier(
        actor=ACTOR, carrier="yunexpress", name="Y", credentials={"app_id": "a", "app_secret": "b"}
    )
    with pytest.raises(BusinessError) as error:
        accounts.add_pool_numbers(actor=ACTOR, account_id=other.pk, text="RB123456785GB")
    assert error.value.code == "pool.not_a_pool"


# -- the label


def request(**changes) -> ShipmentRequest:
    base = {
        "reference": "S1-1",
        "service_code": "SW",
        "receiver": Address(
            "张伟 Zoë Müller-Lüdenscheidt",
            "Ærø ApS",
            ("北京路 12 号 3 单元 1201 室", "Apt 4"),
            "Łódź",
            "",
            "",
            "90-001",
            "PL",
            "+48 42 1",
        ),
        "sender": Address("Sampan Depot", "", ("Bantian 5",), "Shenzhen", "", "", "", "CN"),
        "parcel": Parcel(345),
        "customs": tuple(
            CustomsLine(f"SKU-{n}", "Phone case", "手机壳", 2, Decimal("3.50"), "USD", 90) for n in range(6)
        ),
    }
    return ShipmentRequest(**(base | changes))


def test_the_label_is_one_page_of_100_by_150_mm_and_the_same_every_time() -> None:
    made = label.draw(request(), number="RB123456785GB", carrier="迅达 Swift")
    assert made == label.draw(request(), number="RB123456785GB", carrier="迅达 Swift")
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
        box = [float(side) for side in pdf.pages[0].MediaBox]
    assert [round(side * 25.4 / 72) for side in box[2:]] == [100, 150]


@pytest.mark.parametrize("long", [1, 3, 8, 40])
def test_a_long_address_gets_smaller_and_keeps_place_and_country(long) -> None:
    to = Address(
        "A B", "", ("某某省某某市某某区某某路一百二十三号 " * long, "x" * 30 * long), "Łódź", "", "", "90-001", "PL"
    )
    size, lines = label.fitted(to)
    assert len(lines) * size * label.LEADING <= label.RECEIVER_HIGH
    assert lines[-2:] == ["90-001 Łódź", "PL"]
    number = "RB123456785GB"
    assert bars(label.draw(request(receiver=to), number=number, carrier="S"))[0][0] >= 0


def bars(pdf: bytes) -> list[tuple[float, float]]:
    """(x, width) of the bars as drawn: rectangles as high as the barcode."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        found = []
        for operands, operator in pikepdf.parse_content_stream(document.pages[0]):
            if str(operator) == "re" and abs(float(operands[3]) - label.BARS_HIGH) < 0.1:
                found.append((float(operands[0]), float(operands[2])))
    return sorted(found)


@pytest.mark.parametrize("number", ["RB123456785GB", "YT2432507000000001", "A" * 30])
def test_the_printed_bars_can_be_read_and_leave_white_margins(number) -> None:
    drawn = bars(label.draw(request(), number=number, carrier="Swift"))
    left, right = drawn[0][0], drawn[-1][0] + drawn[-1][1]
    assert right - left <= label.ROOM - 2 * label.QUIET + 0.1
    dots = 20  # a point, so that rounding to pixels loses nothing
    picture = numpy.full((60, round((right - left) * dots) + 40 * dots), 255, dtype=numpy.uint8)
    for x, wide in drawn:
        start = round((x - left + 20) * dots)
        picture[:, start : start + round(wide * dots)] = 0
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [number]


def test_text_in_several_scripts_is_set_in_fonts_that_have_it() -> None:
    wide = paper.wide_font().name
    assert paper.runs("Zoë 张伟 3") == [("Helvetica", "Zoë "), (wide, "张伟"), ("Helvetica", " 3")]
    assert "".join(part for _, part in paper.runs("Łódź")) == "Łódź"


def test_wrapping_loses_nothing_and_keeps_to_the_width() -> None:
    text = "北京市朝阳区建国路八十八号现代城 " * 4 + "Donaudampfschifffahrtsgesellschaft " * 3
    lines = paper.wrap(text, 100, 10)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(paper.width(line, 10) <= 100 for line in lines)
    assert paper.width(paper.cut(text, 100, 10), 10) <= 100
