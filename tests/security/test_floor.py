"""The floor, as a packer of one account or one warehouse: nothing of the others is printed, weighed or given away."""

from __future__ import annotations

import io
import struct
import zlib

import pikepdf
import pytest
from django.test import Client

from core import clock, files
from core.permissions import MANAGER, WAREHOUSE
from core.tenancy import tenant_context
from fulfilment import alarms, bulk, sheets
from fulfilment import services as floor
from fulfilment.models import AlarmMark, LabelPrint
from logistics import permissions as carriers
from logistics.models import Shipment
from orders.models import Consignment, Order
from tests.security.conftest import SignIn, Two
from tests.security.test_scope import narrowed
from tests.support.database import ACME

pytestmark = pytest.mark.django_db
NUMBER = "YT2611220000000001"


def page() -> bytes:
    out = io.BytesIO()
    with pikepdf.Pdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(out)
    return out.getvalue()


def parcel(two: Two, one: Order, state: str, **values: object) -> Shipment:
    """A parcel of an order with a label; inside the tenant's schema."""
    assert one.warehouse_id is not None
    label = files.store("label", "label.pdf", page(), files.PDF, carriers.LABEL)
    values = {"tracking_number": NUMBER, "waybill": NUMBER, "label_file_id": label.pk} | values
    made = Shipment.objects.create(
        reference=f"P-{one.pk}-{state}",
        service=two.shop.service,
        warehouse_ref=one.warehouse_id,
        state=state,
        receiver={"name": "Hannah Weiss"},
        country="DE",
        expected_weight_g=100,
        created_at=clock.now(),
        **values,
    )
    Consignment.objects.create(
        order=one, warehouse_id=one.warehouse_id, service=two.shop.service, shipment=made, created_at=clock.now()
    )
    return made


def state_of(one: Shipment) -> str:
    with tenant_context(ACME):
        return str(Shipment.objects.values_list("state", flat=True).get(pk=one.pk))


@pytest.fixture
def of_other_account(sign_in: SignIn, two: Two) -> Client:
    """A warehouse member who looks after another channel account than the orders are of."""
    return sign_in(WAREHOUSE, accounts=[two.shop.account.pk + 1])


def test_labels_of_another_account_are_not_printed(of_other_account: Client, two: Two) -> None:
    with tenant_context(ACME):
        made = parcel(two, two.near, "ready")
    for path, given in (("/ship/print", {"shipment": made.pk}), ("/ship/parcels/print", {"ids": str(made.pk)})):
        answer = of_other_account.post(path, given)
        assert answer.status_code in (302, 404, 422), path
        assert "/files/" not in answer.get("Location", "")
    with tenant_context(ACME):
        assert not LabelPrint.objects.exists()
        made.refresh_from_db()
        assert made.print_count == 0


def test_parcels_of_another_account_are_not_given_away(of_other_account: Client, two: Two) -> None:
    with tenant_context(ACME):
        made = parcel(two, two.near, "ready")
    of_other_account.post("/ship/parcels/hand", {"id": [str(made.pk)]})
    of_other_account.post("/ship/hand", {"shipment": made.pk})
    of_other_account.post("/ship/go", {"entry": "", "step": "hand", "shipment": made.pk})
    of_other_account.post("/ship/batch/", {"numbers": NUMBER, "act": "hand"})
    assert state_of(made) == "ready"


def test_failed_parcels_of_another_account_are_not_booked_again(of_other_account: Client, two: Two) -> None:
    with tenant_context(ACME):
        made = parcel(two, two.near, "failed", waybill="", tracking_number="", label_file_id=None)
    of_other_account.post("/ship/parcels/book", {"id": [str(made.pk)]})
    assert state_of(made) == "failed"


def test_alarms_of_another_account_are_not_settled(of_other_account: Client, two: Two) -> None:
    with tenant_context(ACME):
        made = parcel(two, two.near, "ready", track_main="InTransit", track_at=clock.now())
    of_other_account.post("/ship/parcels/settle", {"id": [str(made.pk)]})
    with tenant_context(ACME):
        assert not AlarmMark.objects.exists()
        assert alarms.mark(actor=narrowed(two), shipment_ids=[made.pk]) == [made.pk], "one's own rings"
    of_other_account.post(f"/ship/parcels/{made.pk}/ring")
    with tenant_context(ACME):
        assert AlarmMark.objects.exists()


def test_the_palette_finds_no_parcel_of_another_account(of_other_account: Client, sign_in: SignIn, two: Two) -> None:
    with tenant_context(ACME):
        parcel(two, two.near, "ready")
    way = f"/ui/palette?q={NUMBER}"
    assert b"/ship/parcels/" not in of_other_account.get(way).content
    assert b"/ship/parcels/" in sign_in(WAREHOUSE, accounts=[two.shop.account.pk]).get(way).content


@pytest.mark.parametrize("scope", ["warehouses", "accounts"])
def test_the_desk_takes_nothing_back_that_is_not_ones_own(sign_in: SignIn, two: Two, scope: str) -> None:
    """The act was done before the desk found out that it must not show the parcel."""
    given = [two.shop.warehouse.pk] if scope == "warehouses" else [two.shop.account.pk + 1]
    client = sign_in(WAREHOUSE, **{scope: given})
    with tenant_context(ACME):
        packed = parcel(two, two.far, "packed", weight_g=120, weighed_at=clock.now())
        handed = parcel(two, two.far, "handed", handed_at=clock.now(), tracking_number="YT2", waybill="YT2")
    client.post("/ship/undo-weight", {"shipment": packed.pk})
    client.post("/ship/undo-hand", {"shipment": handed.pk})
    assert (state_of(packed), state_of(handed)) == ("packed", "handed")


def test_ones_own_parcels_go_as_before(two: Two) -> None:
    with tenant_context(ACME):
        mine, theirs = (
            parcel(two, two.near, "ready"),
            parcel(two, two.far, "ready", tracking_number="YT2", waybill="YT2"),
        )
        actor = narrowed(two, MANAGER)
        out = bulk.HAND.do(actor, [theirs.pk, mine.pk], {})
        assert list(out.done) == [mine.pk]
        assert out.refused[theirs.pk][0] == "shipment.not_found"
        assert floor.undo_hand_over(actor=actor, shipment_id=mine.pk) == "ready"


@pytest.mark.parametrize("side", [7_000, 14_000])
def test_a_picture_of_some_kilobytes_fills_no_memory(side: int) -> None:
    """A label comes from whatever server a company calls its carrier."""
    row = zlib.compress(b"\0" * (side // 8 + 1) * side, 9)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    picture = files.BEGINS[files.PNG] + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    assert len(picture) < 50_000
    with pytest.raises(sheets.NoLabel):
        sheets.opened(picture, files.PNG)
