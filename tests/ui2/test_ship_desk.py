"""The ship desk as forms: scan, weigh, hand over with Enter alone; the parcels list; labels; hand-over lists."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest
from django.test import Client

from core import files
from core.records.models import AuditEntry, StoredFile
from core.tenancy import tenant_context
from fulfilment import printing
from fulfilment.models import LabelPrint, Weighing
from logistics.models import Manifest, Shipment
from orders.models import Order
from orders.services import booking
from orders.services.release import release
from tenants.models import Membership
from tests.orders.conftest import line, order, take
from tests.support.database import ACME
from tests.support.parcels import ACTOR, parcel_of, settle
from tests.ui2.conftest import EXPECTED, book, cost, post, text

pytestmark = pytest.mark.django_db


def parcel(pk: int) -> Shipment:
    with tenant_context(ACME):
        return Shipment.objects.get(pk=pk)


def hidden(page: str) -> dict[str, str]:
    """What the desk's own form carries along."""
    form = page.split('class="ship-entry')[1].split("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))


def enter(client: Client, page: str, entry: str, **more: str) -> str:
    given = {name: value for name, value in hidden(page).items() if name != "csrfmiddlewaretoken"}
    return post(client, "/ship/go", {**given, "entry": entry, **more})


def test_scan_weigh_enter_enter(sign_in, floor) -> None:
    _shop, ids = floor
    packer = sign_in("warehouse")
    number = parcel(ids[0]).tracking_number
    page = enter(packer, text(packer, "/ship/"), number)
    assert "LAMP" in page and "Hannah Weiss" in page and "Germany" in page and f"about {EXPECTED}" in page
    assert 'class="ship-entry step-weigh"' in page and "autofocus" in page and 'data-sound="good"' in page
    assert "Type or weigh its weight" in enter(packer, page, "")
    page = enter(packer, page, str(EXPECTED + 5))
    assert 'step-hand"' in page and f"{EXPECTED + 5} g, as expected" in page
    assert parcel(ids[0]).state == "packed"
    page = enter(packer, page, "")
    assert "Handed over" in page and 'step-scan"' in page and 'data-sound="done"' in page
    assert parcel(ids[0]).state == "handed"
    # the next one is scanned at once; the one that has left says so
    assert "Handed over already." not in enter(packer, page, parcel(ids[1]).tracking_number)
    assert 'step-scan"' in enter(packer, page, number)


def test_the_size_gives_the_volumetric_weight(owner: Client, floor) -> None:
    _shop, ids = floor
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).reference)
    page = enter(owner, page, f"{EXPECTED} 40x30x20")
    assert "volumetric 3,000 g, charged as 3,000 g" in page
    assert parcel(ids[0]).chargeable_g == 3000


def test_a_weight_outside_waits_for_another_or_for_plus(owner: Client, sign_in, floor) -> None:
    _shop, ids = floor
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    page = enter(owner, page, "900")
    assert 'step-outside"' in page and "It weighs 900 g, expected were 220 g" in page
    assert "Weigh it again, or accept" in enter(owner, page, "")  # Enter alone never accepts
    assert parcel(ids[0]).state == "ready"
    clerk = sign_in("clerk")  # may ship, but not accept
    assert 'step-outside"' in enter(clerk, page, "+")
    assert 'step-hand"' in enter(owner, page, "+")
    assert parcel(ids[0]).weight_g == 900
    with tenant_context(ACME):
        assert list(Weighing.objects.order_by("pk").values_list("accepted", flat=True)) == [False, False, True]


def test_a_scan_at_any_step_is_the_next_parcel(owner: Client, floor) -> None:
    _shop, ids = floor
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    page = enter(owner, page, parcel(ids[1]).tracking_number)
    assert hidden(page)["shipment"] == str(ids[1])
    page = enter(owner, page, str(EXPECTED))
    page = enter(owner, page, parcel(ids[2]).tracking_number)  # instead of Enter
    assert hidden(page)["shipment"] == str(ids[2])
    assert [parcel(pk).state for pk in ids] == ["ready", "packed", "ready"]


def test_at_once_when_the_weight_is_right(owner: Client, floor) -> None:
    _shop, ids = floor
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number, direct="1")
    assert "checked" in page.split('name="direct"')[1][:20]
    assert "Handed over" in enter(owner, page, str(EXPECTED), direct="1")
    assert parcel(ids[0]).state == "handed"


def test_what_must_not_leave_is_said_big(owner: Client, sign_in, floor) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        Order.objects.update(conflict="cancel_requested", buyer_note="please no paper")
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    assert 'class="ship-said bad"' in page and "Do not send" in page and "please no paper" in page
    assert "Send it anyway" in page
    assert "Send it anyway" not in enter(sign_in("clerk"), text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    post(owner, "/ship/hand", {"shipment": str(ids[0]), "despite": "1"})
    assert parcel(ids[0]).state == "handed"
    with tenant_context(ACME):
        Shipment.objects.filter(pk=ids[1]).update(state="cancelled")
    assert "Cancelled; do not send it." in enter(owner, text(owner, "/ship/"), parcel(ids[1]).tracking_number)


def test_mistakes_are_taken_back(owner: Client, floor) -> None:
    _shop, ids = floor
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    page = enter(owner, enter(owner, page, str(EXPECTED)), "")
    page = post(owner, "/ship/undo-hand", {"shipment": str(ids[0])})
    assert parcel(ids[0]).state == "packed" and 'step-hand"' in page
    page = post(owner, "/ship/undo-weight", {"shipment": str(ids[0])})
    assert parcel(ids[0]).state == "ready" and 'step-weigh"' in page


def test_an_unknown_code_keeps_the_desk_ready(owner: Client, floor) -> None:
    page = enter(owner, text(owner, "/ship/"), "NOBODY-KNOWS")
    assert "No parcel has the number NOBODY-KNOWS" in page and 'step-scan"' in page and 'data-sound="bad"' in page


def test_it_works_without_scripts(owner: Client, floor) -> None:
    _shop, ids = floor
    page = post(owner, "/ship/go", {"step": "scan", "entry": parcel(ids[0]).tracking_number}, htmx=False)
    assert "<!doctype html>" in page and "LAMP" in page


def test_a_warehouse_out_of_scope_has_no_parcels(sign_in, floor) -> None:
    _shop, ids = floor
    packer = sign_in("warehouse")
    Membership.objects.filter(role="warehouse").update(warehouses=[99])
    assert "No parcel has the number" in enter(packer, text(packer, "/ship/"), parcel(ids[0]).tracking_number)
    assert "No parcel here now" in text(packer, "/ship/parcels/")
    assert packer.get("/ship/", {"parcel": ids[0]}).status_code == 404


def test_the_desk_costs_a_fixed_number_of_queries(owner: Client, floor) -> None:
    _shop, ids = floor
    spent = cost(owner, f"/ship/?code={parcel(ids[0]).tracking_number}")
    assert len(spent) <= 9, "\n".join(spent)


# -- the list -----------------------------------------------------------------------------------------------------------


def test_the_list_by_state_search_and_filter(owner: Client, floor) -> None:
    _shop, ids = floor
    page = text(owner, "/ship/parcels/")
    assert page.count("<tr data-id") == 3 and "expected" in page and "not printed" in page
    one = parcel(ids[1])
    assert text(owner, f"/ship/parcels/?q={one.tracking_number}").count("<tr data-id") == 1
    assert text(owner, f"/ship/parcels/?q={one.tracking_number[-5:]}").count("<tr data-id") == 1
    assert text(owner, "/ship/parcels/?tab=all&q=FLOOR-2").count("<tr data-id") == 1
    assert "No parcel matches" in text(owner, "/ship/parcels/?q=nothing")
    assert "No parcel here now" in text(owner, "/ship/parcels/?tab=failed")


def test_the_list_costs_a_fixed_number_of_queries(owner: Client, floor) -> None:
    shop, _ids = floor
    few = cost(owner, "/ship/parcels/?size=2")
    with tenant_context(ACME):
        book(shop, 30, "MORE")
    many = cost(owner, "/ship/parcels/?size=100")
    assert len(many) == len(few) <= 6, "\n".join(many)


def test_labels_of_a_selection_in_one_pdf_in_pick_order(owner: Client, floor) -> None:
    shop, ids = floor
    with tenant_context(ACME):
        made = take(
            shop, order("MIX-1", line("MIX-1-1"), line("MIX-1-2", "CUP")), order("CUP-1", line("C-1", "CUP", 2))
        )
        release(order_ids=made.created, actor=ACTOR)
        booking.book_orders(actor=ACTOR, order_ids=made.created)
        settle()
        mixed, cups = (parcel_of(pk).pk for pk in made.created)
        Shipment.objects.filter(pk=ids[2]).update(label_file_id=None)
        out = printing.print_labels(actor=ACTOR, shipment_ids=[mixed, *ids, cups])
        assert out.done == [cups, ids[0], ids[1], mixed]  # single SKUs by code, then what is mixed
        assert out.refused == {ids[2]: ("label.none", {})}
        assert out.file is not None
        sheet = pikepdf.Pdf.open(io.BytesIO(files.read(out.file)))
        assert len(sheet.pages) == 4
        assert set(Shipment.objects.filter(pk__in=out.done).values_list("print_count", flat=True)) == {1}
        assert AuditEntry.objects.filter(code="shipment.printed").count() == 4
    given = {"id": [ids[0], ids[2], cups], "view": "tab=ready"}
    with tenant_context(ACME):  # one of them never came out
        Shipment.objects.filter(pk=ids[0]).update(print_count=0, printed_at=None)
    page = post(owner, "/ship/parcels/print", given, htmx=False)  # what was printed before is asked about first
    assert "1 label was printed before." in page and "Only the 1 that is new" in page and "Why again" in page
    asked = re.findall(r'name="ids" value="([\d,]+)"', page)[0]
    to = post(owner, "/ship/parcels/print", {"ids": asked, "again_skip": "1"}, htmx=False, status=302)
    assert re.fullmatch(r"/files/[-0-9a-f]+/\?inline=1", to)
    assert owner.get(to)["Content-Type"] == "application/pdf"
    page = text(owner, "/ship/parcels/")
    assert "1 label printed. 2 could not be done" in page and "has given no label yet" in page
    assert "Printed before: 1 ×" in page
    post(owner, "/ship/parcels/print", {"ids": asked, "again": "damaged"}, htmx=False, status=302)
    with tenant_context(ACME):
        entries = LabelPrint.objects.filter(shipment_id=cups).order_by("pk")
        assert [(one.nth, one.reason, one.actor_label) for one in entries] == [(1, "", "test"), (2, "damaged", "Li Na")]
    page = text(owner, f"/ship/parcels/{cups}/")
    assert "the label is damaged" in page and "Print again" in page


def test_many_are_handed_over_and_listed(owner: Client, floor) -> None:
    _shop, ids = floor
    to = post(owner, "/ship/parcels/hand", {"all": "1", "view": "tab=ready"})
    assert "3 parcels handed over." in text(owner, to)
    page = text(owner, "/ship/lists/")
    assert "Swift" in page and "Close the list" in page
    account = re.findall(r'name="account" value="(\d+)"', page)[0]
    place = re.findall(r'name="warehouse" value="(\d+)"', page)[0]
    assert post(owner, "/ship/lists/close", {"account": account, "warehouse": place}) == "/ship/lists/"
    page = text(owner, "/ship/lists/")
    with tenant_context(ACME):
        made = Manifest.objects.get()
        assert (made.parcels, made.number in page) == (3, True)
        uid = str(StoredFile.objects.get(pk=made.file_id).uid)
    assert post(owner, f"/ship/lists/{made.pk}/print", htmx=False, status=302) == f"/files/{uid}/?inline=1"
    page = text(owner, f"/ship/lists/{made.pk}/")
    assert "Printed again" in page and page.count('class="mono" href="/ship/parcels/') == 3
    page = text(owner, "/ship/lists/")
    assert "Every parcel that left is on a list." in page
    assert "No parcel of Swift waits" in post(
        owner, "/ship/lists/close", {"account": account, "warehouse": place}, status=422
    )


def test_chinese(owner: Client, floor) -> None:
    _shop, ids = floor
    owner.cookies["lang"] = "zh-hans"
    page = enter(owner, text(owner, "/ship/"), parcel(ids[0]).tracking_number)
    assert "重量（克）" in page and "收件人" in page
    assert "待称重" in text(owner, "/ship/parcels/")
