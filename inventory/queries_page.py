"""What stock pages show besides ``inventory.queries``: catalogue lists, one SKU, look-ups for forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from core import bulk
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import AuditEntry
from core.words import formats
from inventory import finding, queries
from inventory.codes import code_key
from inventory.models import Product, Sku, Valuation, Warehouse
from inventory.permissions import VIEW
from inventory.queries import FIGURES, StockRow, Worth


@dataclass
class SkuPage:
    """``next``: code key for ``after``, '' at the end."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""


def skus(
    actor: Actor,
    *,
    text: str = "",
    state: str = "",
    gaps: bool = False,
    products: Sequence[int] = (),
    after: str = "",
    limit: int = 50,
) -> SkuPage:
    """SKUs by code with their free units; ``gaps``: those without a weight or customs name, which no carrier takes."""
    actor.require(VIEW)
    rows = _narrowed(text, state, gaps, products).order_by("code_key")
    if after:
        rows = rows.filter(code_key__gt=after)
    names = (
        "id",
        "code",
        "code_key",
        "title",
        "title_zh",
        "state",
        "weight_g",
        "customs_name_en",
        "customs_name_zh",
        "battery",
    )
    found = list(rows.values(*names)[: limit + 1])
    page = SkuPage(found[:limit], found[limit - 1]["code_key"] if len(found) > limit else "")
    free = _free(actor, [row["id"] for row in page.rows])
    for row in page.rows:
        row["on_hand"], row["free"] = free.get(row["id"], (0, 0))
    return page


def _narrowed(text: str, state: str, gaps: bool, products: Sequence[int]) -> QuerySet[Sku]:
    rows = Sku.objects.all()
    if text.strip():
        rows = rows.filter(_named(text))
    if state:
        rows = rows.filter(state=state)
    if products:
        rows = rows.filter(product_id__in=products)
    return rows.filter(_GAPS) if gaps else rows


_GAPS = Q(weight_g=None) | Q(customs_name_en="") | Q(customs_name_zh="")


def _named(text: str) -> Q:
    """Any part of code, titles or barcode by the index of grams, and the start of the code, which may be short.

    Few hits come from both indexes; where there are many the list is walked by code and is full at once.
    """
    key, found = code_key(text), finding.holding(text, finding.OF_SKU)
    start = Q(code_key__startswith=key) if key else Q(pk=None)
    return start if found is None else start | found


def sku_counts(actor: Actor) -> dict[str, int]:
    actor.require(VIEW)
    row = bulk.fetch(
        "SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state <> 'active'),"
        " count(*) FILTER (WHERE state = 'active' AND (weight_g IS NULL OR customs_name_en = '' OR customs_name_zh = ''))"
        " FROM inventory_sku"
    )[0]
    return {"active": row[0], "gaps": row[2], "discontinued": row[1], "all": row[0] + row[1]}


def _free(actor: Actor, sku_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    scope = None if actor.warehouses is None else sorted(actor.warehouses)
    rows = bulk.fetch(
        "SELECT sku_id, sum(sellable), sum(sellable - reserved) FROM inventory_stock WHERE sku_id = ANY(%s)"
        " AND (%s::bigint[] IS NULL OR warehouse_id = ANY(%s::bigint[])) GROUP BY sku_id",
        [list(sku_ids), scope, scope],
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def short(actor: Actor) -> int:
    """Rows of stock below zero free: more is promised than is there."""
    actor.require(VIEW)
    rows = bulk.fetch("SELECT warehouse_id FROM inventory_stock WHERE sellable < reserved LIMIT 1000")
    return sum(1 for row in rows if actor.sees_warehouse(row[0]))


def sku(actor: Actor, sku_id: int) -> Sku:
    """Raises BusinessError ``sku.not_found``."""
    actor.require(VIEW)
    found = Sku.objects.select_related("successor", "product").filter(pk=sku_id).first()
    if found is None:
        raise BusinessError("sku.not_found")
    return found


def ids_of(codes: Sequence[str]) -> dict[str, int]:
    """{code key: SKU id} of the codes that are known."""
    keys = sorted({code_key(code) for code in codes})
    return dict(Sku.objects.filter(code_key__in=keys).values_list("code_key", "pk"))


def warehouse(actor: Actor, warehouse_id: int) -> Warehouse:
    """Raises BusinessError ``warehouse.not_found`` outside the actor's scope too."""
    actor.require(VIEW)
    found = Warehouse.objects.filter(pk=warehouse_id).first()
    if found is None or not actor.sees_warehouse(warehouse_id):
        raise BusinessError("warehouse.not_found")
    return found


def choices(actor: Actor) -> list[tuple[str, str]]:
    """(id, name) of the warehouses the actor works in."""
    return [(str(one.pk), one.name) for one in queries.warehouses(actor)]


def values_of(actor: Actor, rows: Sequence[StockRow], method: str) -> dict[tuple[int, str], Worth]:
    """{(SKU, pool): worth} for a page of stock rows. One query."""
    found = queries.worth(actor, sku_ids=[row.sku_id for row in rows], method=method)
    return {(one.sku_id, one.pool): one for one in found}


def pools(warehouse_ids: Sequence[int]) -> dict[int, str]:
    return dict(Warehouse.objects.filter(pk__in=warehouse_ids).values_list("pk", "pool_ref"))


def figure(name: str) -> str:
    """A figure of a stock row that can be opened. Raises BusinessError ``figure.unknown``."""
    if name not in FIGURES:
        raise BusinessError("figure.unknown")
    return name


def named(title: str, title_zh: str) -> str:
    """The title in the reader's language where it is there."""
    if formats.language().startswith("zh"):
        return title_zh or title
    return title or title_zh


def history(object_id: int, limit: int = 30, kind: str = "sku") -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=kind, object_id=object_id).order_by("-id")[:limit])


def code_of(sku_id: int) -> str:
    return Sku.objects.filter(pk=sku_id).values_list("code", flat=True).first() or str(sku_id)


def product(actor: Actor, product_id: int) -> Product:
    """Raises BusinessError ``product.not_found``."""
    actor.require(VIEW)
    found = Product.objects.filter(pk=product_id).first()
    if found is None:
        raise BusinessError("product.not_found")
    return found


def by_codes(texts: Sequence[str]) -> dict[str, int]:
    """{text as typed: SKU} of codes that are known, else of barcodes."""
    known = ids_of(texts)
    found = {text: known[code_key(text)] for text in texts if code_key(text) in known}
    left = [text for text in texts if text not in found]
    rows = Sku.objects.filter(barcode__in=left).order_by("-pk").values_list("barcode", "pk") if left else ()
    return found | dict(rows)


def sku_ids(
    actor: Actor, *, text: str = "", state: str = "", gaps: bool = False, products: Sequence[int] = (), limit: int
) -> list[int]:
    """All of a view, for an act on it."""
    actor.require(VIEW)
    return list(_narrowed(text, state, gaps, products).order_by("code_key").values_list("pk", flat=True)[:limit])


def products(actor: Actor) -> list[tuple[str, str]]:
    """(id, code and title) of the first products by code, for the filter."""
    actor.require(VIEW)
    rows = Product.objects.order_by("code").values_list("pk", "code", "title", "title_zh")[:1000]
    return [(str(pk), f"{code} {named(title, chinese)}".strip()) for pk, code, title, chinese in rows]


def variants(found: Sku) -> list[Sku]:
    """The other SKUs of its product."""
    if found.product_id is None:
        return []
    rows = Sku.objects.filter(product_id=found.product_id).exclude(pk=found.pk).defer("grams").order_by("code_key")
    return list(rows[:50])


METHODS = Valuation.METHODS
MOST_VARIANTS = 500  # of a product, on its page


def product_rows(actor: Actor, *, text: str = "", after: str = "", limit: int = 50) -> SkuPage:
    """Products by code with how many SKUs they have and what is for sale of them in the actor's warehouses."""
    actor.require(VIEW)
    rows = Product.objects.order_by("code")
    if after:
        rows = rows.filter(code__gt=after)
    if text.strip():
        rows = rows.filter(pk__in=_products_named(text.strip(), after, limit + 1))
    found: list[dict[str, Any]] = [dict(row) for row in rows.values("id", "code", "title", "title_zh")[: limit + 1]]
    page = SkuPage(found[:limit], found[limit - 1]["code"] if len(found) > limit else "")
    scope = None if actor.warehouses is None else sorted(actor.warehouses)
    sums = {
        row[0]: row[1:]
        for row in bulk.fetch(
            "SELECT k.product_id, count(DISTINCT k.id), coalesce(sum(s.sellable), 0), coalesce(sum(s.sellable - s.reserved), 0)"
            " FROM inventory_sku k LEFT JOIN inventory_stock s ON s.sku_id = k.id"
            " AND (%s::bigint[] IS NULL OR s.warehouse_id = ANY(%s::bigint[]))"
            " WHERE k.product_id = ANY(%s) GROUP BY k.product_id",
            [scope, scope, [row["id"] for row in page.rows]],
        )
    }
    for row in page.rows:
        row["skus"], row["on_hand"], row["free"] = (int(n) for n in sums.get(row["id"], (0, 0, 0)))
    return page


def _products_named(text: str, after: str, limit: int) -> list[int]:
    """The first products by code, found by any part of their own words, of one of their SKUs, or by the start of their code.

    Each way has its index and gives no more than a page.
    """
    found = finding.holding(text, finding.OF_PRODUCT)
    own = Q(code__startswith=text) | Q(code__startswith=text.upper())
    if found is not None:
        own |= found
    mine = Product.objects.filter(own, code__gt=after).order_by("code").values_list("pk", flat=True)[:limit]
    skus = Sku.objects.filter(_named(text), product__code__gt=after).order_by("product__code")
    theirs = skus.values_list("product_id", "product__code").distinct()[:limit]
    return [*mine, *(pk for pk, _code in theirs if pk is not None)]
