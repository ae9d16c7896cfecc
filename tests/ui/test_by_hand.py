"""The pages by hand: an order entered, sent again, its lines changed, its route chosen, a colleague, notes, taking back."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core.records.models import AuditEntry
from orders.models import ManualOrder, Order, OrderNote, RouteOverride
from orders.services import booking
from orders.services.release import release
from tenants.models import User
from tests.orders.conftest import ACTOR
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db
TOKEN = "0b7f4a52-4c7e-4f0e-9f0e-111111111111"
PARCEL = {
    "token": TOKEN,
    "currency": "EUR",
    "paid": "1",
    "ship_country": "DE",
    "ship_name": "Änne Grün",
    "ship_lines": "Hofweg 3",
    "ship_postcode": "22085",
    "ship_city": "Hamburg",
    "sku": ["lamp", "", "CUP"],
    "quantity": ["2", "", ""],
    "price": ["12,50", "", "3"],
    "shipping": "4.90",
}
HX = {"HX-Request": "true"}


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_an_order_is_entered(owner: Client, house: House) -> None:
    empty = text(owner, "/orders/new")
    assert empty.count("btn-primary") == 1 and "Why is it sent again" not in empty and 'name="again" value=""' in empty
    answer = owner.post("/orders/new", PARCEL | {"reference": "PO 9", "note": "by phone"})
    with house.inside():
        made = Order.objects.get(platform="manual")
        assert answer["Location"] == f"/orders/{made.pk}/"
        assert (str(made.grand_total), made.units, made.ship_city) == ("32.9000", 3, "Hamburg")
        release(order_ids=[made.pk], actor=ACTOR)
    again = owner.post("/orders/new", PARCEL, headers=HX)  # a double click
    assert again["HX-Redirect"] == f"/orders/{made.pk}/"
    page = text(owner, f"/orders/{made.pk}/")
    for said in ("M-0", "by hand", "PO 9", "by phone", "Hofweg 3", "Entered by hand: 32.90 EUR", "Änne Grün"):
        assert said in page, said
    assert "Told the marketplace" not in page and "Pull this order again" not in page
    listed = text(owner, "/orders/?tab=all&platform=manual")
    assert "Änne Grün" in listed and "Entered by hand" in listed and "Hannah" not in listed


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(owner: Client, house: House) -> None:
    bad = PARCEL | {"sku": ["NOPE"], "quantity": ["x"], "price": ["1"], "shipping": "much", "note": "keep me"}
    page = owner.post("/orders/new", bad).content.decode()
    assert "No SKU has the code NOPE" in page and "Write a price of 0 or more" in page and "keep me" in page
    assert TOKEN in page
    for change, said in (
        ({"sku": [], "quantity": [], "price": []}, "Add at least one line"),
        ({"ship_lines": "", "ship_city": ""}, "Write street and house number."),
        ({"currency": "XXX"}, "Choose the currency."),
        ({"quantity": ["0", "", "1"]}, "Write a whole number."),
        ({"account": "99999"}, "you do not see it"),
    ):
        answer = owner.post("/orders/new", PARCEL | change)
        assert answer.status_code == 200 and said in answer.content.decode(), said
    with house.inside():
        assert not ManualOrder.objects.exists()


def test_what_looks_entered_is_warned_of(owner: Client, house: House) -> None:
    owner.post("/orders/new", PARCEL | {"reference": "PO 9"})
    second = PARCEL | {"token": TOKEN.replace("1111", "2222"), "reference": "po9", "ship_name": "Another"}
    page = owner.post("/orders/new", second).content.decode()
    assert "This looks entered already: M-0" in page and 'name="anyway"' in page
    assert owner.post("/orders/new", second | {"anyway": "1"}).status_code == 302
    with house.inside():
        assert ManualOrder.objects.count() == 2


def test_a_pasted_address_is_read_into_the_fields_of_its_country(owner: Client, house: House) -> None:
    pasted = "John Smith\n1200 Congress Ave Apt 4B\nAustin, TX 78701\nUSA\n(512) 555-0199"
    part = owner.post("/orders/new/address", {"paste": pasted, "read": "1", "ship_country": "DE"}).content.decode()
    for said in (
        'value="John Smith"',
        "1200 Congress Ave Apt 4B</textarea>",
        "ZIP code",
        'value="78701"',
        "(512) 555-0199",
    ):
        assert said in part, said
    assert re.search(r'value="TX" selected>Texas', part) and re.search(r'value="US" selected', part)
    moved = owner.post("/orders/new/address", {"ship_country": "JP", "ship_name": "John Smith"}).content.decode()
    assert "Prefecture" in moved and 'value="John Smith"' in moved and "ZIP code" not in moved
    unsure = owner.post("/orders/new/address", {"paste": "Somebody\nSomewhere", "read": "1"}).content.decode()
    assert "Look over what is marked" in unsure and "look at this" in unsure


def test_an_order_is_sent_again(owner: Client, house: House) -> None:
    page = text(owner, f"/orders/new?copy={house.ids['ready']}")
    assert "again" in page and "Bergstr. 12" in page and 'value="LAMP"' in page and 'value="0.00"' in page
    sent = PARCEL | {
        "again": str(house.ids["ready"]),
        "why": "lost",
        "price": ["0"],
        "sku": ["LAMP"],
        "quantity": ["1"],
    }
    owner.post("/orders/new", sent)
    with house.inside():
        made = Order.objects.get(platform="manual")
    first, second = text(owner, house.path("ready")), text(owner, f"/orders/{made.pk}/")
    assert (
        f"Sent again as {made.number}: lost on the way" in first
        and f'sent again as <a href="/orders/{made.pk}/"' in first
    )
    assert f"Sends S-{house.ids['ready']} again" in second
    assert owner.get("/orders/new?copy=999999").status_code == 404


def test_who_may_not_see_or_edit_may_not_enter(sign_in: SignIn, house: House) -> None:
    assert sign_in("viewer").get("/orders/new").status_code == 403
    assert sign_in("warehouse").post("/orders/new", PARCEL).status_code == 403
    mine = sign_in("clerk", accounts=[1])
    assert "Choose the account" in mine.post("/orders/new", PARCEL).content.decode()


def lines_form(house: House, name: str, **changes: str) -> dict[str, str]:
    order = house.order(name)
    line = order.lines.get()
    typed = {f"sku-{line.pk}": line.seller_sku, f"pieces-{line.pk}": str(line.quantity), f"per-{line.pk}": "1"}
    named = {key.replace("_", "-") + f"-{line.pk}": value for key, value in changes.items()}
    return {"version": str(order.version), "token": "abc123", "reason": "gift"} | typed | named


def test_lines_are_changed_and_the_change_is_taken_back(owner: Client, house: House) -> None:
    page = text(owner, house.path("other", "lines"))
    assert "2 sold" in page and "Save the lines" in page
    with house.inside():
        form = lines_form(house, "other", pieces="1", sku="lamp")
    form |= {"sku": "CABLE", "quantity": "1"}
    assert owner.post(house.path("other", "lines"), form).status_code == 302
    owner.post(house.path("other", "lines"), form)  # a double click changes nothing more
    with house.inside():
        release(order_ids=[house.ids["other"]], actor=ACTOR)
        assert house.order("other").lines.count() == 2 and house.order("other").state == "ready"
    page = text(owner, house.path("other"))
    for said in (
        "1 kept back",
        "in place of CUP",
        "added by hand",
        "Lines changed (a gift)",
        "CUP × 2 → LAMP × 1",
        "CABLE × 1 added",
    ):
        assert said in page, said
    entry = re.search(r"/undo/(\d+)\?", page)
    assert entry
    assert owner.post(house.path("other", f"undo/{entry[1]}")).status_code == 302
    page = text(owner, house.path("other"))
    assert "Taken back: the change of lines" in page and "(taken back)" in page and "in place of" not in page
    assert owner.post(house.path("other", f"undo/{entry[1]}")).status_code == 422


def test_wrong_lines_are_said_beside_them(owner: Client, house: House) -> None:
    for changes, said in (
        ({"sku": "NOPE"}, "No SKU has the code NOPE"),
        ({"pieces": "3"}, "2 were sold, so more cannot be sent"),
        ({"pieces": "x"}, "Write a whole number"),
        ({"pieces": "0"}, "Nothing would be left to send"),
    ):
        with house.inside():
            form = lines_form(house, "other", **changes)
        answer = owner.post(house.path("other", "lines"), form | {"note": "as typed"})
        page = answer.content.decode()
        assert answer.status_code == 200 and said in page and "as typed" in page, said
    with house.inside():
        form = lines_form(house, "other", pieces="1")
        booking.book_orders(actor=ACTOR, order_ids=[house.ids["other"]])
    assert "A parcel exists already" in owner.post(house.path("other", "lines"), form).content.decode()
    assert "orders/lines" not in text(owner, house.path("other"))


def test_warehouse_and_service_are_chosen(owner: Client, house: House) -> None:
    service = house.shop.service.pk
    assert "Yun Standard" in text(owner, f"/orders/choose-fields?pk={house.ids['ready']}")
    path = house.path("ready", "choose")
    assert owner.post(path, {"warehouse": "keep", "service": "keep"}).status_code == 422
    assert owner.post(path, {"service": str(service), "note": "asked for"}).status_code == 302
    with house.inside():
        release(order_ids=[house.ids["ready"]], actor=ACTOR)
        assert RouteOverride.objects.get().service_id == service
    page = text(owner, house.path("ready"))
    assert (
        "Service chosen by hand: Yun Standard" in page and "This stands above the rules" in page and "asked for" in page
    )
    entry = re.search(r"/undo/(\d+)\?", page)
    assert entry and owner.post(house.path("ready", f"undo/{entry[1]}")).status_code == 302
    with house.inside():
        assert not RouteOverride.objects.exists()
    many = {"id": [str(house.ids["ready"]), str(house.ids["other"])], "service": str(service), "view": "tab=all"}
    owner.post("/orders/bulk/choose", many)
    with house.inside():
        assert RouteOverride.objects.count() == 2


def test_a_colleague_and_notes(owner: Client, sign_in: SignIn, house: House) -> None:
    clerk = sign_in("clerk", name="Wang Fang")
    user = User.objects.get(name="Wang Fang")
    assert "Wang Fang" in text(owner, "/orders/assign-fields")
    assert owner.post(house.path("ready", "assign"), {"user": "99999"}).status_code == 422
    owner.post("/orders/bulk/assign", {"id": str(house.ids["ready"]), "user": str(user.pk), "view": "tab=all"})
    listed = text(clerk, f"/orders/?tab=all&assignee={user.pk}")
    assert "READY-1" in listed and "READY-2" not in listed and "Wang Fang" in listed
    assert "READY-1" not in text(clerk, "/orders/?tab=all&assignee=0")
    assert "Assigned to Wang Fang" in text(owner, house.path("ready"))
    clerk.post(house.path("ready", "note"), {"text": "Buyer rang <b>twice</b>"})
    clerk.post(house.path("ready", "note"), {"text": "Buyer rang <b>twice</b>"})  # a double click
    assert owner.post(house.path("ready", "note"), {"text": "  "}).status_code == 422
    page = text(owner, house.path("ready"))
    assert page.count("Buyer rang &lt;b&gt;twice&lt;/b&gt;") == 1 and "Internal note written" in page
    assert "has internal notes" in text(owner, "/orders/?tab=all")
    with house.inside():
        (one,) = OrderNote.objects.all()
        assert "rang" not in str(list(AuditEntry.objects.filter(code="order.noted").values_list("params", flat=True)))
    assert owner.post(house.path("ready", f"note/{one.pk}/remove")).status_code == 422  # not hers
    assert clerk.post(house.path("ready", f"note/{one.pk}/remove")).status_code == 302
    assert "Buyer rang" not in text(sign_in("viewer"), house.path("ready"))


def test_hold_tags_and_address_are_taken_back(owner: Client, house: House) -> None:
    owner.post(house.path("ready", "tag"), {"add": "vip, fragile"})
    owner.post(house.path("ready", "tag"), {"add": "vip, gift"})
    owner.post(house.path("ready", "hold"), {"note": "ask"})
    for _ in range(3):
        entry = re.search(r"/undo/(\d+)\?", text(owner, house.path("ready")))
        assert entry and owner.post(house.path("ready", f"undo/{entry[1]}")).status_code == 302
    with house.inside():
        assert (house.order("ready").state, house.order("ready").tags) == ("new", [])
    assert owner.post(house.path("ready", "undo/1")).status_code == 422


def test_filters_by_payment_and_value(owner: Client, house: House) -> None:
    assert "READY-2" in text(owner, "/orders/?tab=all&paid=2026-11-01..2026-11-01")
    assert "READY-2" not in text(owner, "/orders/?tab=all&paid=2026-11-02..")
    assert "UNPAID-1" in text(owner, "/orders/?tab=all&paid=unpaid") and "READY-1" not in text(
        owner, "/orders/?tab=all&paid=unpaid"
    )
    both = text(owner, "/orders/?tab=all&value=..20&value=500..")
    assert "READY-1" in both and "SHORT-1" in both
    assert "SHORT-1" not in text(owner, "/orders/?tab=all&value=..20")
    assert "READY-1" in text(owner, "/orders/?tab=all&paid=nonsense&value=x..y&assignee=me")
    for key in ("paid", "value", "assignee", "platform"):
        assert "checkbox" in text(owner, f"/orders/?choices={key}")


def test_the_pages_ask_a_fixed_number_of_queries(owner: Client, house: House) -> None:
    assert len(cost(owner, "/orders/new")) <= 3
    assert len(cost(owner, house.path("other", "lines"))) <= 2
    for index in range(5):
        owner.post(house.path("ready", "note"), {"text": f"note {index}"})
        owner.post(house.path("ready", "tag"), {"add": f"tag{index}"})
    with house.inside():
        form = lines_form(house, "ready")
    owner.post(house.path("ready", "lines"), form | {"sku": ["CUP", "CABLE"], "quantity": ["1", "1"]})
    found = cost(owner, house.path("ready"))
    assert len(found) <= 19, found
