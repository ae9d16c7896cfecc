"""Products: renamed, emptied, removed; SKUs moved between them, and taken out of sale or brought back, many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import BusinessError
from core.permissions import Actor
from inventory import finding
from inventory.models import Product, Sku
from inventory.permissions import EDIT_CATALOGUE
from inventory.services.catalogue import discontinue_sku, resume_sku, unchanged


@dataclass
class Outcome:
    """Ids that are as wanted now, and {id: (code, params)} of those that could not be done."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)


def update_product(
    *, actor: Actor, product_id: int, title: str, title_zh: str = "", seen: datetime | None = None
) -> Product:
    """Change its titles; its code stays for ever, sheets name it by that. Without a title the code stands in its place.

    ``seen``: the ``updated_at`` that the person had before him. Raises NotAllowed; BusinessError (``product.not_found``,
    ``record.changed_meanwhile``).
    """
    actor.require(EDIT_CATALOGUE)
    with transaction.atomic():
        product = _locked(product_id)
        unchanged("product", product.pk, product.updated_at, seen)
        wanted = {"title": title.strip() or product.code, "title_zh": title_zh.strip()}
        former = {name: getattr(product, name) for name, value in wanted.items() if getattr(product, name) != value}
        if former:
            for name in former:
                setattr(product, name, wanted[name])
            product.updated_at, product.grams = clock.now(), finding.of_product(product)
            product.save(update_fields=[*former, "grams", "updated_at"])
            audit.record(actor, "product", product.pk, "product.changed", fields=sorted(former), former=former)
    return product


def delete_product(*, actor: Actor, product_id: int) -> None:
    """Remove a product that holds nothing. Raises NotAllowed; BusinessError (``product.not_found``, ``product.not_empty``)."""
    actor.require(EDIT_CATALOGUE)
    with transaction.atomic():
        product = _locked(product_id)
        left = Sku.objects.filter(product=product).count()
        if left:
            raise BusinessError("product.not_empty", n=left)
        audit.record(actor, "product", product.pk, "product.deleted", name=product.code)
        product.delete()


def move_skus(*, actor: Actor, sku_ids: Sequence[int], product_id: int | None) -> Outcome:
    """Put SKUs into a product (None: into none), out of whichever they are in. Those that are there already stay.

    Raises NotAllowed; BusinessError (``product.not_found``).
    """
    actor.require(EDIT_CATALOGUE)
    out = Outcome()
    with transaction.atomic():
        # The product stays until its new SKUs stand in it.
        product = _locked(product_id) if product_id is not None else None
        found = {
            sku.pk: sku
            for sku in Sku.objects.select_for_update(of=("self",))
            .select_related("product")
            .defer("grams")
            .filter(pk__in=sku_ids)
            .order_by("pk")
        }
        moved = [sku for sku in found.values() if sku.product_id != product_id]
        Sku.objects.filter(pk__in=[sku.pk for sku in moved]).update(product=product, updated_at=clock.now())
        entries: list[audit.Entry] = [
            (
                "sku",
                sku.pk,
                "sku.changed",
                {"fields": ["product"], "former": {"product": sku.product.code if sku.product else None}},
            )
            for sku in moved
        ]
        if product is not None and moved:
            codes = [sku.code for sku in moved]
            entries.append(("product", product.pk, "product.got", {"n": len(codes), "skus": codes[:20]}))
        audit.record_many(actor, entries)
    out.done = [pk for pk in dict.fromkeys(sku_ids) if pk in found]
    out.refused = {pk: ("sku.not_found", {}) for pk in sku_ids if pk not in found}
    return out


def put_into(*, actor: Actor, sku_ids: Sequence[int], code: str) -> Outcome:
    """As ``move_skus``, the product by its code; '' takes them out. Raises BusinessError ``product.unknown``."""
    code = code.strip()
    if not code:
        return move_skus(actor=actor, sku_ids=sku_ids, product_id=None)
    return move_skus(actor=actor, sku_ids=sku_ids, product_id=known(code))


def known(code: str) -> int:
    """The id of a product. Raises BusinessError ``product.unknown``."""
    found = Product.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise BusinessError("product.unknown", name=code)
    return found


def sell(*, actor: Actor, sku_ids: Sequence[int], wanted: bool) -> Outcome:
    """Take SKUs out of sale, or bring them back. Raises NotAllowed."""
    actor.require(EDIT_CATALOGUE)
    out = Outcome()
    for pk in sorted(set(sku_ids)):
        try:
            with transaction.atomic():
                if wanted:
                    resume_sku(actor=actor, sku_id=pk)
                else:
                    discontinue_sku(actor=actor, sku_id=pk)
        except BusinessError as error:
            out.refused[pk] = (error.code, error.params)
        else:
            out.done.append(pk)
    return out


def _locked(product_id: int) -> Product:
    product = Product.objects.select_for_update().filter(pk=product_id).first()
    if product is None:
        raise BusinessError("product.not_found")
    return product
