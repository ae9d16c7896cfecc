"""Products, SKUs and warehouses: made and changed, one at a time (many at once: ``sku_rows``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit, bulk, clock
from core.errors import BusinessError
from core.events import emit
from core.permissions import Actor
from core.records.models import AuditEntry
from inventory import finding
from inventory.codes import code_key
from inventory.models import Location, Move, Product, Sku, Warehouse
from inventory.permissions import EDIT_CATALOGUE, EDIT_WAREHOUSE
from inventory.services import skusheet
from inventory.services.places import STANDARD

ADDED = "inventory.skus_added"  # {ids}: listings that wait for a SKU of this code are matched
WAREHOUSE_FIELDS = frozenset(("name", "country", "timezone", "sender", "pool_ref", "active", "priority", "account_ref"))


def create_product(*, actor: Actor, code: str, title: str = "", title_zh: str = "") -> Product:
    """Raises NotAllowed; BusinessError (``product.code_taken``, ``product.code_missing``)."""
    actor.require(EDIT_CATALOGUE)
    code, title, title_zh = code.strip(), title.strip(), title_zh.strip()
    if not code:
        raise BusinessError("product.code_missing", field="code")
    try:
        with transaction.atomic():
            now = clock.now()
            product = Product.objects.create(
                code=code, title=title or code, title_zh=title_zh, created_at=now, updated_at=now
            )
            audit.record(actor, "product", product.pk, "product.created", name=product.code)
            return product
    except IntegrityError:
        raise BusinessError("product.code_taken", name=code) from None


def create_sku(*, actor: Actor, code: str, **fields: Any) -> Sku:
    """Make a SKU. ``fields``: as in ``skusheet`` (title, title_zh, weight_g, product, …), text or typed.

    Raises NotAllowed; BusinessError: ``sku.code_taken``, ``sku.code_missing`` or the field's own code.
    """
    actor.require(EDIT_CATALOGUE)
    code, values = _checked(code, fields)
    now = clock.now()
    try:
        with transaction.atomic():
            values = _with_product(values)
            sku = Sku(code=code, code_key=code_key(code), created_at=now, updated_at=now, **values)
            sku.save(force_insert=True)
            audit.record(actor, "sku", sku.pk, "sku.created", sku=code)
            emit(ADDED, {"ids": [sku.pk]})
            return sku
    except IntegrityError:
        raise BusinessError("sku.code_taken", name=code) from None


def update_sku(*, actor: Actor, sku_id: int, seen: datetime | None = None, **fields: Any) -> Sku:
    """Change fields of a SKU; its code stays for ever. An empty ``product`` takes it out of its product.

    ``seen``: the ``updated_at`` that the person had before him; refused when somebody has changed the SKU since.
    Raises NotAllowed; BusinessError (``sku.unknown``, ``record.changed_meanwhile``, field codes).
    """
    actor.require(EDIT_CATALOGUE)
    with transaction.atomic():
        sku = _sku(sku_id)
        unchanged("sku", sku.pk, sku.updated_at, seen)
        values = _with_product(_checked(sku.code, fields)[1])
        if fields.get("product") == "":
            values["product_id"] = None
        changed = sorted(name for name, value in values.items() if getattr(sku, name) != value)
        if changed:
            former = {name.removesuffix("_id"): _former(sku, name) for name in changed}
            for name in changed:
                setattr(sku, name, values[name])
            sku.updated_at, sku.grams = clock.now(), finding.of_sku(sku)
            sku.save(update_fields=[*changed, "grams", "updated_at"])
            fields_named = [name.removesuffix("_id") for name in changed]
            audit.record(actor, "sku", sku.pk, "sku.changed", fields=fields_named, former=former)
    return sku


def discontinue_sku(*, actor: Actor, sku_id: int, successor_id: int | None = None) -> Sku:
    """The SKU is not sold any more: nothing links to it by itself again; the successor is offered instead (Req. 70).

    Raises NotAllowed; BusinessError: ``sku.unknown``, ``sku.bad_successor`` (itself, discontinued, or a circle).
    """
    actor.require(EDIT_CATALOGUE)
    with transaction.atomic():
        sku = _sku(sku_id)
        heir = None
        if successor_id is not None:
            heir = _sku(successor_id)
            if successor_id == sku_id or heir.state != Sku.ACTIVE:
                raise BusinessError("sku.bad_successor", sku=sku_id, successor=successor_id)
        if (sku.state, sku.successor_id) != (Sku.DISCONTINUED, successor_id):
            sku.state, sku.successor, sku.updated_at = Sku.DISCONTINUED, heir, clock.now()
            sku.save(update_fields=["state", "successor", "updated_at"])
            audit.record(actor, "sku", sku.pk, "sku.let_go", successor=heir.code if heir else None)
    return sku


def resume_sku(*, actor: Actor, sku_id: int) -> Sku:
    """It is sold again; it has no successor then. Raises NotAllowed; BusinessError ``sku.unknown``."""
    actor.require(EDIT_CATALOGUE)
    with transaction.atomic():
        sku = _sku(sku_id)
        if sku.state != Sku.ACTIVE:
            sku.state, sku.successor, sku.updated_at = Sku.ACTIVE, None, clock.now()
            sku.save(update_fields=["state", "successor", "updated_at"])
            audit.record(actor, "sku", sku.pk, "sku.sold_again")
            emit(ADDED, {"ids": [sku.pk]})
    return sku


def unchanged(kind: str, object_id: int, at: datetime, seen: datetime | None) -> None:
    """Raises BusinessError ``record.changed_meanwhile`` (who, when, fields) where ``seen`` is not the version of now."""
    if seen is None or at == seen:
        return
    last = AuditEntry.objects.filter(kind=kind, object_id=object_id).order_by("-id").first()
    raise BusinessError(
        "record.changed_meanwhile",
        who=last.actor_label if last else "",
        at=at.isoformat(),
        fields=list(last.params.get("fields", ())) if last else [],
    )


def create_warehouse(*, actor: Actor, code: str, name: str, kind: str = Warehouse.OWN, **fields: Any) -> Warehouse:
    """Make a warehouse with its standard locations. ``fields``: country, timezone, sender, pool_ref, priority, account_ref.

    ``pool_ref`` is the costing pool: '' together with all others, any other text apart. Raises NotAllowed; BusinessError:
    ``warehouse.code_taken``, ``warehouse.bad_field``.
    """
    actor.require(EDIT_WAREHOUSE)
    _only(fields)
    try:
        with transaction.atomic():
            warehouse = Warehouse.objects.create(code=code.strip(), name=name, kind=kind, **fields)
            Location.objects.bulk_create(
                Location(warehouse=warehouse, kind=_kind(warehouse, place), code=place.upper()) for place in STANDARD
            )
            audit.record(actor, "warehouse", warehouse.pk, "warehouse.created", name=warehouse.code)
            return warehouse
    except IntegrityError:
        raise BusinessError("warehouse.code_taken", name=code) from None


def update_warehouse(*, actor: Actor, warehouse_id: int, **fields: Any) -> Warehouse:
    """Change a warehouse. Its costing pool cannot change once goods moved there: value would have to move with it.

    Raises NotAllowed; BusinessError: ``warehouse.unknown``, ``warehouse.bad_field``, ``warehouse.pool_fixed``.
    """
    actor.require(EDIT_WAREHOUSE)
    _only(fields)
    with transaction.atomic():
        warehouse = Warehouse.objects.select_for_update().filter(pk=warehouse_id).first()
        if warehouse is None:
            raise BusinessError("warehouse.unknown", warehouse=warehouse_id)
        changed = sorted(name for name, value in fields.items() if getattr(warehouse, name) != value)
        if "pool_ref" in changed and _moved(warehouse):
            raise BusinessError("warehouse.pool_fixed", warehouse=warehouse.code)
        if changed:
            for name in changed:
                setattr(warehouse, name, fields[name])
            warehouse.save(update_fields=changed)
            audit.record(actor, "warehouse", warehouse.pk, "warehouse.changed", fields=changed)
    return warehouse


def _kind(warehouse: Warehouse, place: str) -> str:
    return Location.PLATFORM if warehouse.kind == Warehouse.PLATFORM and place == Location.STOCK else place


def _moved(warehouse: Warehouse) -> bool:
    mine = Location.objects.filter(warehouse=warehouse).values("pk")
    return Move.objects.filter(Q(from_location__in=mine) | Q(to_location__in=mine)).exists()


def _only(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in WAREHOUSE_FIELDS:
            raise BusinessError("warehouse.bad_field", field=name)


def _sku(sku_id: int) -> Sku:
    sku = Sku.objects.select_for_update().filter(pk=sku_id).first()
    if sku is None:
        raise BusinessError("sku.unknown", sku=sku_id)
    return sku


def _checked(code: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Values of fields given as text or typed; the first problem is raised."""
    unknown = sorted(name for name in fields if name not in skusheet.READERS)
    if unknown:
        raise BusinessError("sku.bad_field", field=unknown[0])
    code, values, problems = skusheet.read({**fields, "code": code})
    if problems:
        field, problem, params = problems[0]
        raise BusinessError(problem, field=field, **params)
    return code, values


def _with_product(values: dict[str, Any]) -> dict[str, Any]:
    titles = (values.pop("product_title", ""), values.pop("product_title_zh", ""))
    if "product" in values:
        code = values.pop("product")
        values["product_id"] = products({code: titles}, write=True)[code]
    return values


def products(wanted: Mapping[str, tuple[str, str]], *, write: bool) -> dict[str, int]:
    """{product code: id} of {code: (title, Chinese title)}. ``write``: those that are not there are made, titles that
    are given win over those that are there."""
    if not wanted:
        return {}
    if write:
        now = clock.now()
        bulk.insert(
            "inventory_product",
            ("code", "title", "title_zh", "grams", "created_at", "updated_at"),
            [
                (code, title or code, chinese, finding.grams_of(code, title or code, chinese, ""), now, now)
                for code, (title, chinese) in sorted(wanted.items())
            ],
            conflict="(code) DO NOTHING",
        )
        changed = bulk.fetch(
            "UPDATE inventory_product p SET title = coalesce(nullif(w.title, ''), p.title),"
            " title_zh = coalesce(nullif(w.chinese, ''), p.title_zh), updated_at = %s"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS w(code, title, chinese) WHERE p.code = w.code"
            " AND ((w.title <> '' AND w.title <> p.title) OR (w.chinese <> '' AND w.chinese <> p.title_zh))"
            " RETURNING p.id, p.code, p.title, p.title_zh",
            [now, *bulk.columns([(code, *titles) for code, titles in sorted(wanted.items())])],
        )
        grams = [(pk, _array(finding.grams_of(code, title, chinese, ""))) for pk, code, title, chinese in changed]
        bulk.update("inventory_product", "id", [("grams", "int[]")], grams)
    return dict(Product.objects.filter(code__in=[*wanted]).values_list("code", "pk"))


def _array(numbers: Sequence[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _former(sku: Sku, name: str) -> Any:
    """What stood there, as the history keeps it: a product by its code."""
    if name == "product_id":
        return sku.product.code if sku.product else None
    return shown(getattr(sku, name))


def shown(value: Any) -> Any:
    """A field's value as the history keeps it: JSON, short."""
    if isinstance(value, Decimal):
        return str(value.normalize())
    return value[:80] if isinstance(value, str) else value
