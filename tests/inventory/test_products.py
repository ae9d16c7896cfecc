"""Products and SKUs by hand: found by fragments, moved, taken out of sale and back, two people at the same one."""

from __future__ import annotations

import pytest

from core import bulk
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor, of_role
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from inventory import queries_page, services
from inventory.models import Product, Sku
from inventory.services import products
from tests.inventory.conftest import Shop
from tests.inventory.test_races import at_once
from tests.support.database import ACME, BETA, WorkerDatabase
from tests.support.parcels import ACTOR


def codes(shop: Shop, text: str, **more: object) -> list[str]:
    return [row["code"] for row in queries_page.product_rows(shop.actor, text=text, **more).rows]


def test_products_are_found_by_any_part_of_theirs_and_of_their_skus(shop: Shop) -> None:
    lamp = services.create_product(actor=shop.actor, code="LMP-042", title="Desk lamp", title_zh="折叠台灯")
    services.create_product(actor=shop.actor, code="CUP", title="")
    sku = services.create_sku(actor=shop.actor, code="ZX-9000-B", title="black", product="LMP-042")
    for text in ("lmp-042", "lmp042", "p042", "sk lam", "台灯", "9000", "ZX-", "lack"):
        assert codes(shop, text) == ["LMP-042"], text
    assert codes(shop, "C") == ["CUP"] == codes(shop, "c") and Product.objects.get(code="CUP").title == "CUP"
    assert codes(shop, "100%") == [] == codes(shop, "_") and codes(shop, "") == ["CUP", "LMP-042"]
    # A sheet that brings another title makes the product findable by that, and no more by the former one.
    services.import_skus(
        actor=shop.actor, rows=[{"sku": "ZX-9000-B", "spu": "LMP-042", "product_title": "Reading light"}]
    )
    assert codes(shop, "reading") == ["LMP-042"] and codes(shop, "desk") == []
    services.update_product(actor=shop.actor, product_id=lamp.pk, title="", title_zh="书灯")
    assert codes(shop, "书灯") == ["LMP-042"] and codes(shop, "reading") == []
    assert Product.objects.get(pk=lamp.pk).title == "LMP-042" and sku.product_id == lamp.pk


def test_skus_are_moved_with_history_and_unknown_ones_are_named(shop: Shop) -> None:
    one = services.create_product(actor=shop.actor, code="P1")
    skus = [services.create_sku(actor=shop.actor, code=f"S-{n}", product="P0") for n in range(3)]
    ids = [sku.pk for sku in skus]
    out = services.move_skus(actor=shop.actor, sku_ids=[*ids[:2], 10**9], product_id=one.pk)
    assert out.done == ids[:2] and out.refused == {10**9: ("sku.not_found", {})}
    again = services.move_skus(actor=shop.actor, sku_ids=ids[:2], product_id=one.pk)
    assert again.done == ids[:2]
    entries = AuditEntry.objects.filter(kind="sku", object_id=ids[0], code="sku.changed")
    assert [entry.params for entry in entries] == [{"fields": ["product"], "former": {"product": "P0"}}]
    with pytest.raises(BusinessError, match="product.not_empty"):
        services.delete_product(actor=shop.actor, product_id=one.pk)
    services.update_sku(actor=shop.actor, sku_id=ids[1], product="")  # emptied in the form
    products.put_into(actor=shop.actor, sku_ids=ids[:1], code="")
    assert Sku.objects.filter(product=None, pk__in=ids).count() == 2
    services.delete_product(actor=shop.actor, product_id=one.pk)
    assert not Product.objects.filter(pk=one.pk).exists()
    with pytest.raises(BusinessError, match="product.unknown"):
        products.put_into(actor=shop.actor, sku_ids=ids, code="P1")
    viewer = Actor("user", 9, "viewer", of_role("viewer"))
    for act in (
        lambda: services.move_skus(actor=viewer, sku_ids=ids, product_id=None),
        lambda: services.resume_sku(actor=viewer, sku_id=ids[0]),
        lambda: services.delete_product(actor=viewer, product_id=1),
        lambda: services.update_product(actor=viewer, product_id=1, title="x"),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_whoever_saves_over_what_he_has_not_seen_is_told(shop: Shop) -> None:
    sku = services.create_sku(actor=shop.actor, code="S", title="Lamp")
    seen = Sku.objects.get(pk=sku.pk).updated_at
    services.update_sku(actor=shop.actor, sku_id=sku.pk, seen=seen, weight_g="200")
    with pytest.raises(BusinessError, match="record.changed_meanwhile") as told:
        services.update_sku(actor=shop.actor, sku_id=sku.pk, seen=seen, title="Light")
    assert told.value.params["fields"] == ["weight_g"] and told.value.params["who"] == shop.actor.label
    services.update_sku(actor=shop.actor, sku_id=sku.pk, seen=Sku.objects.get(pk=sku.pk).updated_at, title="Light")
    product = services.create_product(actor=shop.actor, code="P")
    before = Product.objects.get(pk=product.pk).updated_at
    services.update_product(actor=shop.actor, product_id=product.pk, seen=before, title="A")
    with pytest.raises(BusinessError, match="record.changed_meanwhile"):
        services.update_product(actor=shop.actor, product_id=product.pk, seen=before, title="B")


def test_out_of_sale_and_back(shop: Shop) -> None:
    old, new = (services.create_sku(actor=shop.actor, code=code) for code in ("OLD", "NEW"))
    services.discontinue_sku(actor=shop.actor, sku_id=old.pk, successor_id=new.pk)
    for wrong in (new.pk, old.pk):
        with pytest.raises(BusinessError, match="sku.bad_successor"):
            services.discontinue_sku(
                actor=shop.actor, sku_id=new.pk, successor_id=old.pk if wrong == old.pk else new.pk
            )
    services.discontinue_sku(actor=shop.actor, sku_id=old.pk, successor_id=new.pk)  # twice: one entry
    entries = AuditEntry.objects.filter(kind="sku", object_id=old.pk, code="sku.let_go")
    assert [entry.params for entry in entries] == [{"successor": "NEW"}]
    out = products.sell(actor=shop.actor, sku_ids=[old.pk, 10**9], wanted=True)
    assert out.done == [old.pk] and list(out.refused) == [10**9]
    found = Sku.objects.get(pk=old.pk)
    assert (found.state, found.successor_id) == (Sku.ACTIVE, None)


def test_two_at_once_save_one_after_the_other(committed_db: WorkerDatabase) -> None:
    """Both saw the same version; one of them is told, nothing is overwritten unseen."""
    with tenant_context(ACME):
        sku = services.create_sku(actor=ACTOR, code="RACE", title="Lamp")
        seen = Sku.objects.get(pk=sku.pk).updated_at

    def save(index: int) -> str:
        try:
            services.update_sku(actor=ACTOR, sku_id=sku.pk, seen=seen, title="AB"[index])
        except BusinessError as error:
            return error.code
        return ""

    assert sorted(at_once(2, save, ACME)) == ["", "record.changed_meanwhile"]
    with tenant_context(ACME):
        assert Sku.objects.get(pk=sku.pk).title in "AB"


def test_a_search_in_fifty_thousand_skus_and_products_uses_the_indexes(shop: Shop) -> None:
    """Plans, not times: machines differ. Nothing is walked through."""
    rows = [
        {"sku": f"K-{n:05d}-X", "title": f"Thing {n} of {n % 97}", "spu": f"P-{n:05d}", "weight": "1"}
        for n in range(20_000)
    ]
    services.import_skus(actor=shop.actor, rows=rows)
    bulk.execute("ANALYZE inventory_sku")
    bulk.execute("ANALYZE inventory_product")
    for text in ("K-04242", "4242", "hing 4242"):
        found = queries_page._narrowed(text, "active", False, ()).order_by("code_key")[:51]
        assert "Seq Scan" not in found.explain(), text
    assert [row["code"] for row in queries_page.skus(shop.actor, text="04242-X").rows] == ["K-04242-X"]
    assert codes(shop, "K-04242") == ["P-04242"] and codes(shop, "P-01424") == ["P-01424"]


def test_another_tenant_has_products_of_its_own(shop: Shop) -> None:
    mine = services.create_product(actor=shop.actor, code="MINE-1", title="Lamp")
    with tenant_context(BETA):
        assert codes(shop, "MINE") == []
        with pytest.raises(BusinessError, match="product.not_found"):
            queries_page.product(shop.actor, mine.pk)
        services.create_product(actor=shop.actor, code="MINE-1")  # its own of the same code
