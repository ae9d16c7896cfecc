"""Parcels: alarms and their settling, the page of one, printing many as a job, numbers pasted, the board."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pikepdf
import pytest
from django.test import Client

from core import clock, files, options
from core.central import outbox
from core.records.models import Job, StoredFile
from core.tenancy import tenant_context
from core.values import TrackEvent
from fulfilment import alarms, batches, papers, printing, queries, sheets
from fulfilment.models import AlarmMark, LabelPrint
from fulfilment.options import WeighingOptions
from fulfilment.printing import Wish
from logistics import permissions
from logistics.canonical import Tracked
from logistics.models import Shipment
from logistics.services import tracking
from orders.models import Order
from tenants.models import Membership
from tests.support.database import ACME
from tests.support.parcels import ACTOR, settle
from tests.ui2.conftest import book, cost, post, text

pytestmark = pytest.mark.django_db


def change(pk: int, **values: object) -> None:
    with tenant_context(ACME):
        Shipment.objects.filter(pk=pk).update(**values)


def handed(ids: list[int], days: float, **values: object) -> None:
    then = clock.now() - timedelta(days=days)
    with tenant_context(ACME):
        Shipment.objects.filter(pk__in=ids).update(state="handed", handed_at=then, poll_at=clock.now(), **values)


# -- alarms -------------------------------------------------------------------------------------------------------------

AGO = timedelta


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("failed", None, {"state": "failed"}),
        ("moving", {"state": "ready"}, {"state": "ready", "track_main": "InTransit"}),
        ("stuck", {"state": "queued", "created": 1}, {"state": "queued", "created": 3}),
        ("owed", {"state": "waiting", "created": 10}, {"state": "waiting", "created": 13}),
        ("unscanned", {"handed": 70}, {"handed": 74}),
        ("attempt", {"handed": 50, "track_main": "OutForDelivery", "track": 5}, {"handed": 50, "track_main": "DeliveryFailure"}),
        ("exception", None, {"handed": 50, "track_main": "Exception", "track_sub": "lost"}),
        ("returned", None, {"handed": 50, "track_main": "Exception", "track_sub": "returning"}),
        ("customs", {"handed": 90, "track_main": "InTransit", "track_sub": "customs", "track": 40},
         {"handed": 90, "track_main": "InTransit", "track_sub": "customs", "track": 50}),
        ("pickup", {"handed": 300, "track_main": "AvailableForPickup", "track": 100},
         {"handed": 300, "track_main": "AvailableForPickup", "track": 130}),
        ("stalled", {"handed": 500, "track_main": "InTransit", "track": 200},
         {"handed": 500, "track_main": "InTransit", "track": 250}),
    ],
)  # fmt: skip
def test_when_an_alarm_rings(floor, kind, before, after) -> None:
    _shop, ids = floor

    def rings(given: dict[str, object]) -> dict[str, int]:
        given, now = dict(given), clock.now()
        for name, column in (("created", "created_at"), ("handed", "handed_at"), ("track", "track_at")):
            if name in given:
                given[column] = now - timedelta(hours=float(given.pop(name)))
        if "handed_at" in given:
            given |= {"state": "handed", "poll_at": now}
        if given.get("track_main") and "track_at" not in given:
            given["track_at"] = now
        Shipment.objects.filter(pk=ids[0]).update(**given)
        return queries.alarm_counts(ACTOR)

    with tenant_context(ACME):
        assert before is None or rings(before) == {}
        assert rings(after) == {kind: 1}


def test_a_carrier_that_nobody_asks_rings_for_no_scan_never(floor) -> None:
    _shop, ids = floor
    handed(ids, 30)
    with tenant_context(ACME):
        assert queries.alarm_counts(ACTOR) == {"unscanned": 3}
        Shipment.objects.update(poll_at=None)
        assert queries.alarm_counts(ACTOR) == {}


def test_the_tenants_hours(owner: Client, sign_in, floor) -> None:
    _shop, ids = floor
    handed(ids[:1], 2)
    assert "No alarm rings" in text(owner, "/ship/parcels/?tab=alarm")
    given = {kind: str(hours) for kind, hours in alarms.HOURS.items() if hours} | {"unscanned": "24"}
    assert post(owner, "/ship/alarms/", given) == "/ship/parcels/?tab=alarm"
    page = text(owner, "/ship/parcels/?tab=alarm")
    assert page.count("<tr data-id") == 1 and "No first scan" in page and "Look whether it still lies here" in page
    assert "Give whole hours" in post(owner, "/ship/alarms/", given | {"stuck": "0"}, htmx=False)
    assert "Give whole hours" in post(owner, "/ship/alarms/", given | {"stuck": "soon"}, htmx=False)
    assert sign_in("clerk").post("/ship/alarms/", given).status_code == 403


def test_booking_and_weighing_are_chosen_on_a_page(owner: Client, sign_in, floor) -> None:
    shown = text(owner, "/carriers/")
    assert "when the parcel is handed over" in shown and "20 g or 5 %, the larger" in shown
    form = text(owner, "/ship/settings/")
    assert "IOSS number for Amazon" in form and "IOSS number for eBay" not in form  # there is no such account
    given = {"tell": "label", "packaging_g": "35", "customs_name_en": "Gift", "customs_name_zh": "礼品"}
    given |= {"tolerance_g": "15", "tolerance_percent": "2.5", "must_weigh": "on", "ioss_amazon": "im2760000742"}
    refused = post(owner, "/ship/settings/", given | {"ioss_amazon": "DE123", "packaging_g": "36"}, htmx=False)
    assert (
        "Give IM and ten digits" in refused and 'value="36"' in refused and "DE123" in refused
    )  # nothing typed is lost
    assert "20 g or 5 %" in text(owner, "/carriers/")
    assert "This is missing or not right" in post(owner, "/ship/settings/", given | {"tolerance_g": "-1"}, htmx=False)
    assert post(owner, "/ship/settings/", given) == "/carriers/"
    shown = text(owner, "/carriers/")
    assert "IM2760000742" in shown and "no parcel is handed over" in shown and "15 g or 2.5 %" in shown
    assert "as soon as its label is there" in shown
    assert "Setting changed: IOSS numbers" in text(owner, "/settings/audit/")
    clerk = sign_in("clerk")
    assert clerk.get("/ship/settings/").status_code == clerk.post("/ship/settings/", given).status_code == 403
    assert "/ship/settings/" not in text(clerk, "/carriers/")


def test_settled_with_a_note_until_there_is_news(owner: Client, floor) -> None:
    _shop, ids = floor
    handed(ids, 4)
    page = text(owner, "/")
    assert "No first scan" in page and "tab=alarm&amp;alarm=unscanned" in page
    page = text(owner, f"/ship/parcels/{ids[0]}/?tab=alarm")
    assert 'role="alert"' in page and "No first scan" in page
    post(owner, f"/ship/parcels/{ids[0]}/settle?tab=alarm", {"note": "asked Swift"})
    page = text(owner, f"/ship/parcels/{ids[0]}/")
    assert "asked Swift" in page and "Let it ring again" in page
    assert text(owner, "/ship/parcels/?tab=alarm").count("<tr data-id") == 2
    post(owner, "/ship/parcels/settle", {"id": ids[1:], "view": "tab=alarm", "note": "all asked", "hours": "24"})
    assert "No alarm rings" in text(owner, "/ship/parcels/?tab=alarm")
    with tenant_context(ACME):
        assert AlarmMark.objects.count() == 3
        AlarmMark.objects.filter(shipment_id=ids[1]).update(until=clock.now() - timedelta(minutes=1))
        number = Shipment.objects.get(pk=ids[0]).tracking_number
    assert text(owner, "/ship/parcels/?tab=alarm").count("<tr data-id") == 1  # has slept enough
    post(owner, f"/ship/parcels/{ids[2]}/ring")
    assert text(owner, "/ship/parcels/?tab=alarm").count("<tr data-id") == 2
    with tenant_context(ACME):  # news after the settling: another alarm
        event = TrackEvent(clock.now(), "DeliveryFailure", "", "LM50", "nobody there", "Berlin")
        tracking.record_tracking(tracked=[Tracked(number, (event,))], source="carrier")
    page = text(owner, "/ship/parcels/?tab=alarm&alarm=attempt")
    assert page.count("<tr data-id") == 1 and "Ask the carrier for another attempt" in page


def test_settling_twice_does_no_harm_and_stays_in_ones_scope(floor) -> None:
    _shop, ids = floor
    handed(ids, 4)
    with tenant_context(ACME):
        from core.permissions import WAREHOUSE, Actor, of_role

        other = Actor("user", 9, "far", operations=of_role(WAREHOUSE), warehouses=frozenset({99}))
        assert alarms.mark(actor=other, shipment_ids=ids) == []
        assert alarms.mark(actor=ACTOR, shipment_ids=ids) == ids
        assert alarms.mark(actor=ACTOR, shipment_ids=ids) == []
        assert AlarmMark.objects.count() == 3


def test_the_board_opens_its_parcels(owner: Client, floor) -> None:
    _shop, ids = floor
    handed(ids[:1], 4)
    page = text(owner, "/ship/board/")
    assert "Swift" in page and "No first scan" in page
    links = {
        link.replace("&amp;", "&") for link in re.findall(r'href="/ship/parcels/(\?tab=\w+&amp;carrier=[^"]+)"', page)
    }
    assert {re.findall(r"tab=(\w+)", link)[0] for link in links} == {"ready", "moving", "alarm"}
    for link in links:
        wanted = 2 if "tab=ready" in link else 1
        assert text(owner, f"/ship/parcels/{link}").count("<tr data-id") == wanted
    assert len(cost(owner, "/ship/board/")) <= 3


# -- one parcel ---------------------------------------------------------------------------------------------------------


def test_the_page_of_a_parcel(owner: Client, sign_in, floor) -> None:
    _shop, ids = floor
    handed(ids[:1], 3)
    change(ids[0], cost="12.5", cost_currency="CNY")
    with tenant_context(ACME):
        number = Shipment.objects.get(pk=ids[0]).tracking_number
        when = clock.now() - timedelta(days=2)
        events = (
            TrackEvent(when, "InTransit", "", "PU10", "Picked up <b>by</b> Swift", "Shenzhen", utc_offset_minutes=480),
            TrackEvent(when + timedelta(hours=9), "InTransit", "departure", "LH20", "Flight has left", "Hong Kong"),
        )
        tracking.record_tracking(tracked=[Tracked(number, events)], source="carrier")
    page = text(owner, f"/ship/parcels/{ids[0]}/")
    assert "Flight has left" in page and "LH20" in page and "Picked up &lt;b&gt;by" in page and "local" in page
    assert "Hannah Weiss" in page and "LAMP" in page and "12.50" in page and "carrier PU10" in page
    clerk = text(sign_in("clerk"), f"/ship/parcels/{ids[0]}/")
    assert "12.50" not in clerk and "Hannah Weiss" in clerk
    assert "Hannah Weiss" not in text(sign_in("viewer"), f"/ship/parcels/{ids[0]}/")
    few = cost(owner, f"/ship/parcels/{ids[0]}/?tab=all")
    with tenant_context(ACME):
        many = tuple(
            TrackEvent(when + timedelta(minutes=n), "InTransit", "", f"C{n}", f"step {n}", "Leipzig") for n in range(60)
        )
        tracking.record_tracking(tracked=[Tracked(number, many)], source="carrier")
    assert len(cost(owner, f"/ship/parcels/{ids[0]}/?tab=all")) == len(few) <= 13, "\n".join(few)


def test_newer_and_older_of_the_list(owner: Client, floor) -> None:
    _shop, ids = floor
    page = text(owner, f"/ship/parcels/{ids[1]}/?tab=ready")
    assert f"/ship/parcels/{ids[2]}/?tab=ready" in page and f"/ship/parcels/{ids[0]}/?tab=ready" in page
    assert "data-older" not in text(owner, f"/ship/parcels/{ids[0]}/?tab=ready")


def test_out_of_scope_is_not_there(sign_in, floor) -> None:
    _shop, ids = floor
    packer = sign_in("warehouse")
    Membership.objects.filter(role="warehouse").update(warehouses=[99])
    paths = ["/", "/settle", "/take-back", "/book", "/undo-hand", "/ring"]
    for path in paths[:1]:
        assert packer.get(f"/ship/parcels/{ids[0]}{path}").status_code == 404
    for path in ("settle", "undo-hand", "ring"):
        assert packer.post(f"/ship/parcels/{ids[0]}/{path}").status_code == 404
    clerk = sign_in("clerk", accounts=[987654])
    assert clerk.get(f"/ship/parcels/{ids[0]}/").status_code == 404
    assert "No parcel here now" in text(clerk, "/ship/parcels/")
    assert "No parcel has the number" in text(clerk, "/ship/?code=" + text_number(ids[0]))


def text_number(pk: int) -> str:
    with tenant_context(ACME):
        return Shipment.objects.get(pk=pk).tracking_number


def test_an_estimate_says_of_how_many_it_is_learned(owner: Client, floor) -> None:
    shop, ids = floor
    with tenant_context(ACME):
        more = book(shop, 6, "PAST")
    for n, pk in enumerate(more):
        end = clock.now() - timedelta(days=2)
        change(pk, state="delivered", handed_at=end - timedelta(days=8 + n), delivered_at=end)
    handed(ids[:1], 1)
    page = text(owner, f"/ship/parcels/{ids[0]}/")
    assert "Estimate: arrives between" in page and "your last 6 parcels" in page
    change(more[0], country="FR")
    change(more[1], country="FR")
    assert "Estimate" not in text(owner, f"/ship/parcels/{ids[0]}/")


def test_void_hands_the_order_back_and_a_failed_one_is_booked_again(owner: Client, sign_in, floor) -> None:
    _shop, ids = floor
    page = text(owner, f"/ship/parcels/{ids[0]}/")
    assert "Void this parcel" in page and "must be destroyed" in page
    assert "Void this parcel" not in text(sign_in("warehouse"), f"/ship/parcels/{ids[0]}/")
    post(owner, f"/ship/parcels/{ids[0]}/take-back")
    with tenant_context(ACME):
        settle()
        parcel = Shipment.objects.get(pk=ids[0])
        order = Order.objects.get(consignments__shipment_id=ids[0])
        assert (parcel.state, order.state) == ("cancelled", "held")
        out = printing.print_labels(actor=ACTOR, shipment_ids=ids[:1])
        assert out.refused == {ids[0]: ("ship.state_cancelled", {})} and out.file is None
    change(ids[1], state="failed", waybill="", error_code="carrier.balance")
    assert "enough balance" in text(owner, f"/ship/parcels/{ids[1]}/")
    post(owner, f"/ship/parcels/{ids[1]}/book")
    assert post(owner, f"/ship/parcels/{ids[1]}/book", status=422)


def test_news_by_hand_for_carriers_that_tell_none(owner: Client, floor) -> None:
    _shop, ids = floor
    post(owner, f"/ship/parcels/{ids[0]}/milestone", {"main": "Delivered"}, status=422)  # has not left
    handed(ids[:1], 2)
    post(owner, f"/ship/parcels/{ids[0]}/milestone", {"main": "Nonsense"}, status=422)
    post(owner, f"/ship/parcels/{ids[0]}/milestone", {"main": "Delivered", "words": "the buyer says so"})
    page = text(owner, f"/ship/parcels/{ids[0]}/")
    assert "the buyer says so" in page and "person" in page
    with tenant_context(ACME):
        assert Shipment.objects.get(pk=ids[0]).state == "delivered"


# -- printing -----------------------------------------------------------------------------------------------------------


def pages_of(file: StoredFile) -> list[list[float]]:
    """Width and height of each page, in points."""
    with pikepdf.Pdf.open(io.BytesIO(files.read(file))) as found:
        return [[float(one) for one in page.mediabox[2:]] for page in found.pages]


def test_paper_of_all_sizes_with_slips_and_a_picking_list(floor) -> None:
    shop, ids = floor
    with tenant_context(ACME):
        more = book(shop, 2, "MORE")
        wanted = {sheets.LABEL: 1 + 10, sheets.A4X4: 1 + 3, sheets.A4X2: 1 + 5}
        for n, (layout, count) in enumerate(wanted.items()):
            wish = Wish(layout, picking=True, slips=True, again="printer" if n else "")
            out = printing.print_labels(actor=ACTOR, shipment_ids=[*ids, *more], wish=wish)
            assert out.file is not None and not out.refused
            made = pages_of(out.file)
            assert len(made) == count, layout
            assert made[1] == pytest.approx(list(sheets.PAGES[layout].size), abs=0.6)
        assert [one.nth for one in LabelPrint.objects.filter(shipment_id=ids[0]).order_by("pk")] == [1, 2, 3]
        found, places, _zone = papers.picks([*ids, *more])
        assert [(one.sku, one.units, one.parcels) for one in found] == [("LAMP", 5, 5)] and places == "SZ main"


def without_pages() -> bytes:
    made = io.BytesIO()
    pikepdf.Pdf.new().save(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (without_pages(), files.PDF),
        (b"%PDF-1.4 half", files.PDF),
        (b"\x89PNG\r\n\x1a\nhalf", files.PNG),
        (b"^XA^XZ", "text/plain"),
    ],
    ids=["no page", "half a PDF", "half a picture", "none of these"],
)
def test_a_label_that_cannot_be_read_is_named_and_stops_no_other(floor, content: bytes, media_type: str) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        bad = files.store("label", "label", content, media_type, permissions.LABEL)
        change(ids[1], label_file_id=bad.pk)
        out = printing.print_labels(actor=ACTOR, shipment_ids=ids)
        assert out.refused == {ids[1]: ("label.unreadable", {})}
        assert out.file is not None and len(pages_of(out.file)) == len(ids) - 1
        assert not LabelPrint.objects.filter(shipment_id=ids[1]).exists()


def test_a_wrong_wish_is_refused(owner: Client, floor) -> None:
    _shop, ids = floor
    assert "no such paper" in post(owner, "/ship/parcels/print", {"id": ids, "layout": "A0"}, htmx=False, status=422)
    assert "Choose why" in post(owner, "/ship/parcels/print", {"id": ids, "again": "fun"}, htmx=False, status=422)


def test_many_are_a_job_that_says_what_it_could_not_print(owner: Client, sign_in, floor, monkeypatch) -> None:
    shop, ids = floor
    monkeypatch.setattr(printing, "PART", 10)
    with tenant_context(ACME):
        ids = [*ids, *book(shop, 22, "MANY")]
    change(ids[4], label_file_id=None)
    to = post(owner, "/ship/parcels/print", {"all": "1", "view": "tab=ready", "slips": "1"}, htmx=False, status=302)
    assert re.fullmatch(r"/ship/print/\d+/", to)
    assert "Labels are put together" in text(owner, to)
    assert sign_in("warehouse", name="Wu").get(to).status_code == 404  # another person's
    with tenant_context(ACME):
        outbox.drain(30)
        job = Job.objects.get(kind=printing.JOB)
        assert (job.state, job.done, job.failed) == ("done", 24, 1), (job.error_code, job.error_params)
        file = StoredFile.objects.get(pk=job.result_file_id)
        assert len(pages_of(file)) == 48
        assert LabelPrint.objects.count() == 24
        assert StoredFile.objects.filter(kind="labels", purge_at__lte=clock.now()).count() == 3  # its parts go at once
    page = text(owner, to)
    assert "24 labels are ready." in page and f"/files/{file.uid}/?inline=1" in page
    assert "has given no label yet" in page and f"/ship/parcels/{ids[4]}/" in page


def test_a_print_that_was_killed_goes_on_and_counts_once(owner: Client, floor, monkeypatch) -> None:
    shop, ids = floor
    monkeypatch.setattr(printing, "PART", 5)
    with tenant_context(ACME):
        ids = [*ids, *book(shop, 20, "KILL")]
        job = printing.start(actor=ACTOR, shipment_ids=ids)
        real, made = printing._part, []

        def dies(*args, **more):
            made.append(1)
            if len(made) == 3:
                raise RuntimeError("killed")
            return real(*args, **more)

        monkeypatch.setattr(printing, "_part", dies)
        outbox.drain(30)
        assert Job.objects.get(pk=job.pk).state == "failed" and LabelPrint.objects.count() == 0
        monkeypatch.setattr(printing, "_part", real)
        from core import jobs

        jobs.resume(ACTOR, job.pk)
        outbox.drain(30)
        found = Job.objects.get(pk=job.pk)
        assert (found.state, found.done) == ("done", 23)
        assert set(LabelPrint.objects.values_list("nth", flat=True)) == {1} and LabelPrint.objects.count() == 23
        assert len(pages_of(StoredFile.objects.get(pk=found.result_file_id))) == 23


def test_a_sheet_that_grows_too_long_is_continued(owner: Client, floor, monkeypatch) -> None:
    shop, ids = floor
    monkeypatch.setattr(printing, "PART", 10)
    monkeypatch.setattr(printing, "SHEET_BYTES", 10)
    with tenant_context(ACME):
        ids = [*ids, *book(shop, 20, "LONG")]
        job = printing.start(actor=ACTOR, shipment_ids=ids)
        outbox.drain(30)
        made = Job.objects.get(pk=job.pk).checkpoint["sheets"]
        assert [len(pages_of(StoredFile.objects.get(pk=one))) for one in made] == [10, 10, 3]


def test_labels_from_the_orders_list(owner: Client, floor) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        orders = list(Order.objects.order_by("pk").values_list("pk", flat=True))
        Order.objects.filter(pk=orders[0]).first().consignments.update(state="cancelled")
    to = post(owner, "/ship/print/orders", {"id": orders, "view": "tab=booked"}, htmx=False, status=302)
    assert re.fullmatch(r"/files/[-0-9a-f]+/\?inline=1", to)
    with tenant_context(ACME):
        assert set(LabelPrint.objects.values_list("shipment_id", flat=True)) == set(ids[1:])
    page = text(owner, "/orders/?tab=all")
    assert "2 labels printed. 1 could not be done" in page and "The order has no parcel yet" in page
    assert f"S-{orders[0]}" in page.split("The order has no parcel yet")[1][:300]


# -- many at once -------------------------------------------------------------------------------------------------------


def test_pasted_numbers_are_looked_at_then_handed_over(owner: Client, floor) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        numbers = list(Shipment.objects.filter(pk__in=ids).order_by("pk").values_list("tracking_number", flat=True))
        Order.objects.filter(consignments__shipment_id=ids[2]).update(conflict="cancel_requested")
    pasted = "\n".join([*numbers, "NOPE-1", numbers[0]])
    page = post(owner, "/ship/batch/", {"numbers": pasted, "act": "look"}, htmx=False)
    assert "2 may leave" in page and "2 may not leave" in page and "1 stood twice" in page and "Do not send" in page
    with tenant_context(ACME):
        assert set(Shipment.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"ready"}
    page = post(owner, "/ship/batch/", {"numbers": pasted, "act": "hand"}, htmx=False)
    assert "2 parcels handed over." in page and "2 were not handed over" in page
    assert f">{numbers[2]}\nNOPE-1</textarea>" in page or f">NOPE-1\n{numbers[2]}</textarea>" in page
    page = post(owner, "/ship/batch/", {"numbers": pasted, "act": "look"}, htmx=False)
    assert "2 have left already" in page
    assert "Paste or scan" in post(owner, "/ship/batch/", {"numbers": " , "}, htmx=False, status=422)


def test_a_thousand_numbers_cost_few_queries(floor) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with tenant_context(ACME), CaptureQueriesContext(connection) as spent:
        found = batches.look(actor=ACTOR, text="\n".join(f"NO-{n}" for n in range(1000)))
        assert len(found.refused) == 1000 and len(spent) <= 5


# -- the desk -----------------------------------------------------------------------------------------------------------


def test_minus_takes_the_last_one_back(owner: Client, floor) -> None:
    _shop, ids = floor
    for pk in ids[:2]:
        post(owner, "/ship/hand", {"shipment": str(pk)})
    page = post(owner, "/ship/go", {"step": "scan", "entry": "-"})
    assert text_number(ids[1]) in page
    post(owner, "/ship/go", {"step": "scan", "entry": "-"})
    with tenant_context(ACME):
        assert set(Shipment.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"ready"}
    assert "There is nothing to undo" in post(owner, "/ship/go", {"step": "scan", "entry": "-"})


def test_several_parcels_of_an_order_are_offered(owner: Client, floor) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        order = Order.objects.get(consignments__shipment_id=ids[0])
        from orders.models import Consignment

        Consignment.objects.filter(shipment_id=ids[1]).update(order=order)
    page = post(owner, "/ship/go", {"step": "scan", "entry": order.number})
    assert "Several parcels fit" in page and f"?parcel={ids[0]}" in page and f"?parcel={ids[1]}" in page
    page = post(owner, "/ship/go", {"step": "scan", "entry": text_number(ids[0])})
    assert "This order has more parcels" in page and text_number(ids[1]) in page


def test_a_desk_of_a_house_that_weighs_everything(owner: Client, floor) -> None:
    _shop, ids = floor
    with tenant_context(ACME):
        options.change(WeighingOptions, actor=ACTOR, must_weigh=True)
    assert "Not weighed yet" in post(owner, "/ship/hand", {"shipment": str(ids[0])})


def test_more_than_two_hundred_go_as_a_job_and_those_left_are_named(owner: Client, floor) -> None:
    """Handed over, booked again, alarms settled: by parcel and reason, whether the browser waits or not."""
    _shop, ids = floor
    strange = list(range(10**9, 10**9 + 200))
    post(owner, "/ship/parcels/hand", {"id": [*ids, *strange], "view": "tab=ready"})
    with tenant_context(ACME):
        assert set(Shipment.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"ready"}
        outbox.drain(30)
        job = Job.objects.get(kind="ui.bulk")
        assert (job.state, job.title_code, job.total) == (Job.DONE, "job.parcels.hand", 203)
        assert (job.done, job.failed, len(job.log)) == (3, 200, 200)
        assert {(one["label"], one["code"]) for one in job.log} >= {("P-1000000000", "shipment.not_found")}
        assert set(Shipment.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"handed"}
    change(ids[0], state="failed", waybill="", error_code="carrier.refused")
    post(owner, "/ship/parcels/book", {"id": ids[:2], "view": "tab=failed"})
    page = text(owner, "/ship/parcels/?tab=all")
    assert "1 parcel is booked again. 1 could not be done" in page and f"P-{ids[1]}</a>" in page
    post(owner, "/ship/parcels/settle", {"id": ids, "view": "tab=alarm", "hours": "24", "note": "asked them"})
    assert "No alarm rings for this parcel" in text(owner, "/ship/parcels/?tab=all")
    post(owner, "/ship/parcels/settle", {"id": ids, "hours": "99999999"}, status=422)
    post(owner, "/ship/parcels/hand", {"view": "tab=ready"}, status=422)  # nothing is ticked
