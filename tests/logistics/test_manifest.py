"""The hand-over list: once per parcel, numbered per day of the warehouse, with a PDF."""

from __future__ import annotations

import io

import pikepdf
import pytest

from core import clock, files
from core.errors import BusinessError
from core.records.models import StoredFile
from fulfilment import services as floor
from logistics import queries
from logistics.models import Shipment
from logistics.services import manifest
from tests.support.parcels import ACTOR, booked_orders, parcel_of, settle


def close(shop):
    return manifest.close_manifest(
        actor=ACTOR, carrier_account_id=shop.service.carrier_account_id, warehouse_id=shop.warehouse.pk
    )


def test_everything_handed_over_stands_on_one_list(shop) -> None:
    ids = booked_orders(shop, 3)
    parcels = [parcel_of(pk) for pk in ids]
    floor.weigh(actor=ACTOR, shipment=parcels[0].pk, weight_g=385)
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel.pk for parcel in parcels[:2]])
    settle()
    account, _, warehouse, count, grams = queries.waiting_for_manifest(ACTOR)[0]
    assert (account, warehouse, count) == (shop.service.carrier_account_id, shop.warehouse.pk, 2)
    made = close(shop)
    assert (made.parcels, made.weight_g) == (2, 385 + parcels[1].expected_weight_g) == (2, grams)
    day = clock.day_in("Asia/Shanghai", made.closed_at)
    assert (made.number, made.day) == (f"M-{day:%Y%m%d}-1", day)
    assert set(Shipment.objects.filter(manifest=made).values_list("pk", flat=True)) == {p.pk for p in parcels[:2]}
    content = files.read(StoredFile.objects.get(pk=made.file_id))
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == 1
    with pytest.raises(BusinessError, match="manifest.nothing"):
        close(shop)
    floor.hand_over(actor=ACTOR, shipment_ids=[parcels[2].pk])
    assert close(shop).number.endswith("-2")
    with pytest.raises(BusinessError, match="handover.too_late"):
        floor.undo_hand_over(actor=ACTOR, shipment_id=parcels[2].pk)


def test_a_long_list_has_pages() -> None:
    lines = [manifest.Line(n, f"YT{n:016d}", f"S{n}-1", "云途全球专线挂号", "DE", 300) for n in range(100)]
    made = manifest.draw(
        lines, number="M-20261121-1", carrier="Yun", warehouse="深圳仓", closed_at=clock.now(), zone="Asia/Shanghai"
    )
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 3
