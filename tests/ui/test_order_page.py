"""One order's page and its acts: what it shows to whom, what it changes, what it says when it cannot."""

from __future__ import annotations

import pytest
from django.test import Client

from channels.models import Confirmation, Listing
from core import clock
from core.records.models import AuditEntry, PersonalRead
from core.ui import panels
from logistics.models import Shipment, TrackingEvent
from orders.models import FormerAddress, Order
from orders.services import acts, booking, carrier_answers
from orders.steps import steps
from tests.orders.conftest import ACTOR
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db
GOOD = {
    "ship_name": "Yuki Tanaka",
    "ship_lines": "1-2-3 Umeda\nKita-ku",
    "ship_postcode": "530-0001",
    "ship_city": "Osaka",
    "ship_region": "Osaka",
    "ship_country": "jp",
}


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_the_page_explains_the_route(owner: Client, house: House) -> None:
    page = text(owner, house.path("ready"))
    assert "Why this route" in page and "rules v1" in page and "always" in page and "service: Yun Standard" in page
    assert "Hannah Weiss" in page and "h_weiss88" in page and "(not the receiver)" in page
    assert "1 reserved" in page and "SZ main" in page
    assert "Routed: Yun Standard from SZ main, stock reserved" in page
    assert page.split("<main")[0].count("btn-primary") == 1  # one next action


def test_phone_is_masked_and_showing_it_is_logged(sign_in: SignIn, house: House) -> None:
    clerk = sign_in("clerk", name="Wang Fang")
    page = text(clerk, house.path("ready"))
    assert "+49 •••• ••73" in page and "1234573" not in page
    answer = clerk.post(house.path("ready", "reveal/ship_phone"), headers={"HX-Request": "true"})
    assert "+49 30 1234573" in answer.content.decode()
    with house.inside():
        (read,) = PersonalRead.objects.all()
        assert (read.actor_label, read.kind, read.object_id, read.field) == (
            "Wang Fang",
            "order",
            house.ids["ready"],
            "ship_phone",
        )
    assert clerk.post(house.path("ready", "reveal/grand_total")).status_code == 422
    assert sign_in("viewer").post(house.path("ready", "reveal/ship_phone")).status_code == 403


def test_without_the_right_no_personal_value_is_in_the_page(sign_in: SignIn, house: House) -> None:
    page = text(sign_in("viewer"), house.path("ready"))
    for value in ("Hannah", "Bergstr", "10999", "1234573", "h_weiss88", "relay.example"):
        assert value not in page, value
    assert "Personal data is hidden for your role" in page
    assert sign_in("viewer").get(house.path("ready", "address")).status_code == 403


def test_hold_and_let_go(owner: Client, house: House) -> None:
    answer = owner.post(house.path("ready", "hold?tab=ready"), {"note": "ask the buyer"})
    assert answer["Location"] == house.path("ready", "?tab=ready")
    page = text(owner, house.path("ready"))
    assert "Held by hand. ask the buyer" in page and "Let go" in page
    answer = owner.post(house.path("ready", "route"), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == house.path("ready", "?tab=to_ship")
    with house.inside():
        assert house.order("ready").state == "new"


def test_an_act_that_does_not_fit_is_refused_in_words(owner: Client, house: House) -> None:
    answer = owner.post(house.path("unpaid", "hold"), {"note": "typed in vain"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "This cannot go from “Unpaid”" in page and "typed in vain" in page
    answer = owner.post(house.path("unpaid", "hold"), {"note": "x"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#toasts")
    assert owner.get("/orders/999999/").status_code == 404
    assert owner.get(house.path("unpaid", "hold")).status_code == 405


def test_the_address_is_corrected_and_the_order_goes_on(owner: Client, house: House) -> None:
    page = text(owner, house.path("address"))
    assert "The address lacks: street." in page and "Correct the address" in page
    with house.inside():
        version = house.order("address").version
    bad = owner.post(house.path("address", "address"), {**GOOD, "ship_lines": " ", "version": version})
    assert bad.status_code == 200 and "Write street and house number." in bad.content.decode()
    assert "530-0001" in bad.content.decode()  # what was typed stays
    odd = owner.post(house.path("address", "address"), {**GOOD, "ship_country": "Japan", "version": version})
    assert "at most 2 characters" in odd.content.decode()
    good = owner.post(house.path("address", "address"), {**GOOD, "version": version})
    assert good.status_code == 302
    with house.inside():
        order = house.order("address")
        assert (order.ship_lines, order.ship_country, order.state) == (["1-2-3 Umeda", "Kita-ku"], "JP", "new")
        entry = AuditEntry.objects.get(object_id=order.pk, code="order.address_edited")
        assert "Umeda" not in str(entry.params)
    assert "Receiver changed: street" in text(owner, house.path("address"))


def test_two_people_edit_one_order(owner: Client, house: House) -> None:
    with house.inside():
        version = house.order("address").version
        acts.tag(actor=ACTOR, order_ids=[house.ids["address"]], add=["seen"])
    answer = owner.post(house.path("address", "address"), {**GOOD, "version": version})
    page = answer.content.decode()
    assert "Somebody saved this order while you were editing" in page and "1-2-3 Umeda" in page
    with house.inside():
        assert house.order("address").ship_lines == []


def test_a_former_address_comes_back(owner: Client, house: House) -> None:
    with house.inside():
        order = house.order("ready")
        acts.edit_address(
            actor=ACTOR, order_id=order.pk, version=order.version, changes={"ship_lines": ["Elsewhere 1"]}
        )
        former = FormerAddress.objects.get()
        version = house.order("ready").version
    page = text(owner, house.path("ready"))
    assert "Former addresses" in page and "Bergstr. 12" in page
    owner.post(house.path("ready", f"address/undo/{former.pk}"), {"version": version})
    with house.inside():
        assert house.order("ready").ship_lines == ["Bergstr. 12"]
    assert owner.post(house.path("other", f"address/undo/{former.pk}"), {"version": 1}).status_code == 422


def test_an_unmatched_listing_is_matched(owner: Client, house: House) -> None:
    with house.inside():
        listing = Listing.objects.get(seller_sku="GARDEN-9")
        house.shop.skus["CUP"].state = "discontinued"
        house.shop.skus["CUP"].successor = house.shop.skus["LAMP"]
        house.shop.skus["CUP"].save()
    found = text(owner, house.path("unmatched", f"listing/{listing.pk}/skus?sku=lam"))
    assert "LAMP" in found and "This one" in found
    assert "discontinued, use LAMP" in text(owner, house.path("unmatched", f"listing/{listing.pk}/skus?sku=CUP"))
    assert "No SKU has this" in text(owner, house.path("unmatched", f"listing/{listing.pk}/skus?sku=100%25"))
    path = house.path("unmatched", f"listing/{listing.pk}/match")
    assert owner.post(path, {"sku": house.shop.skus["CUP"].pk}).status_code == 422
    assert owner.post(path, {"sku": "x"}).status_code == 404
    assert owner.post(path, {"sku": house.shop.skus["LAMP"].pk, "units": "0"}).status_code == 422
    assert owner.post(path, {"sku": house.shop.skus["LAMP"].pk, "units": "2"}).status_code == 302
    with house.inside():
        assert house.order("unmatched").state == "new"
        assert Listing.objects.get(pk=listing.pk).units == 2


def booked(house: House, name: str = "ready") -> Shipment:
    booking.book_orders(actor=ACTOR, order_ids=[house.ids[name]])
    shipment = Shipment.objects.get()
    shipment.state, shipment.waybill, shipment.tracking_number = "ready", "YT1", "YT2632500012345678"
    shipment.save()
    carrier_answers.booked(shipment_ids=[shipment.pk], actor=ACTOR)
    return shipment


def test_parcel_tracking_and_confirmation_are_shown(owner: Client, house: House) -> None:
    with house.inside():
        shipment = booked(house)
        now = clock.now()
        for main, place in (("InfoReceived", "Shenzhen"), ("InTransit", "Leipzig")):
            TrackingEvent.objects.create(
                shipment=shipment, key=main, at=now, main=main, place=place, source="17track", received_at=now
            )
        Confirmation.objects.create(
            account=house.shop.account,
            order_external_id="READY-1",
            reference="1",
            order_ref=house.ids["ready"],
            carrier="Yun",
            tracking_number="YT2632500012345678",
            lines=[],
            shipped_at=now,
            state="refused",
            next_at=now,
            error_code="adapter.rejected",
            error_params={"field": "trackingNumber", "reason": "Invalid number"},
        )
    page = text(owner, house.path("ready"))
    assert "YT2632500012345678" in page and "On the way · Leipzig" in page and "Label created · Shenzhen" in page
    assert "The other side refuses it: Invalid number. Check trackingNumber" in page
    assert "Booked, number YT2632500012345678" in page


def test_a_conflict_offers_its_choices(owner: Client, house: House) -> None:
    with house.inside():
        booked(house)
        Order.objects.filter(pk=house.ids["ready"]).update(conflict="cancel_requested")
        version = house.order("ready").version
    page = text(owner, house.path("ready"))
    assert "The buyer asked to cancel, and a parcel exists" in page and "Take the parcel back and cancel" in page
    assert owner.post(house.path("ready", "settle"), {"version": version - 1}).status_code == 422
    owner.post(house.path("ready", "settle"), {"version": version})
    with house.inside():
        assert house.order("ready").conflict == ""
        Order.objects.filter(pk=house.ids["ready"]).update(conflict="cancel_requested")
    owner.post(house.path("ready", "take-back"), {"close": "1"})
    with house.inside():
        assert Shipment.objects.get().state == "cancelling"
    assert "The carrier was asked to give the parcel up" in text(owner, house.path("ready"))


def test_previous_and_next_follow_the_list_one_came_from(owner: Client, house: House) -> None:
    with house.inside():
        ids = list(Order.objects.order_by("-placed_at", "-pk").values_list("pk", flat=True))
    page = text(owner, f"/orders/{ids[1]}/?tab=all")
    assert f'href="/orders/{ids[0]}/?tab=all" data-newer' in page
    assert f'href="/orders/{ids[2]}/?tab=all" data-older' in page
    alone = text(owner, house.path("short", "?tab=short"))
    assert "data-newer" not in alone and "data-older" not in alone


def test_an_order_whose_facts_are_purged_still_explains_itself(owner: Client, house: House) -> None:
    with house.inside():
        Order.objects.filter(pk=house.ids["ready"]).update(purged_at=clock.now(), ship_name="", ship_lines=[])
    assert "Why this route" in text(owner, house.path("ready"))


def test_upper_apps_panels_appear(owner: Client, house: House) -> None:
    def panel(request: object, order: Order) -> tuple[str, dict[str, str]]:
        return "ui/_toast.html", {"text": f"panel of {order.number}"}

    panels.register("order.side", "test", panel)
    try:
        assert f"panel of S-{house.ids['ready']}" in text(owner, house.path("ready"))
    finally:
        panels._slots["order.side"].pop("test")


def test_the_page_in_chinese(owner: Client, house: House) -> None:
    owner.cookies["lang"] = "zh-hans"
    page = text(owner, house.path("short"))
    assert "没有仓库能凑齐库存：CABLE：需 99，可用 10。" in page and "收件人" in page and "德国" in page
    assert "为何这样分配" in page and "重新查库存" in page


def test_number_of_queries(owner: Client, house: House) -> None:
    with house.inside():
        booked(house)
    registered = sum(len(names) for slot, names in panels.registered().items() if slot.startswith("order."))
    spent = cost(owner, house.path("ready"))
    assert len(spent) <= 17 + 2 * registered, "\n".join(spent)


@pytest.mark.parametrize(
    ("state", "reserved", "confirmed", "refused", "marks"),
    [
        ("new", False, False, False, "done current ahead ahead ahead ahead ahead ahead"),
        ("held", True, False, False, "done stuck done ahead ahead ahead ahead ahead"),
        ("short", False, False, False, "done done stuck ahead ahead ahead ahead ahead"),
        ("failed", True, False, False, "done done done stuck ahead ahead ahead ahead"),
        ("handed", True, False, True, "done done done done done done stuck ahead"),
        ("handed", True, True, False, "done done done done done done done current"),
        ("delivered", True, False, False, "done done done done done done current done"),
        ("cancelled", False, False, False, ""),
    ],
)
def test_steps(state: str, reserved: bool, confirmed: bool, refused: bool, marks: str) -> None:
    found = steps(state, reserved=reserved, confirmed=confirmed, refused=refused)
    assert " ".join(step.mark for step in found) == marks


def test_today_counts_only_what_one_may_see(sign_in: SignIn, house: House) -> None:
    with house.inside():
        booked(house)
        account = house.shop.account.pk
    assert "Parcels under way" in text(sign_in("clerk", accounts=[account]), "/")
    blind = text(sign_in("clerk", accounts=[account + 1]), "/")
    for word in ("Parcels under way", "tab=to_ship&amp;overdue", "orders-by-day", "store-1"):
        assert word not in blind, word
