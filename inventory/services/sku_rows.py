"""Many SKUs at once from the rows of a sheet: a few statements for a batch, however long it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import audit, bulk, clock
from core.events import emit
from core.permissions import Actor
from inventory import finding
from inventory.codes import code_key
from inventory.models import Sku
from inventory.permissions import EDIT_CATALOGUE
from inventory.services import skusheet
from inventory.services.catalogue import ADDED, products, shown
from inventory.sheets.kinds import CHANGED, NEW, REFUSED, SAME, Row, Verdict

# Columns of inventory_sku that a sheet writes, with their types.
TYPES = {
    "product_id": "bigint",
    **dict.fromkeys(("title", "title_zh", "barcode", "hs_code", "customs_name_en", "customs_name_zh"), "text"),
    **dict.fromkeys(("customs_currency", "origin_country"), "text"),
    **dict.fromkeys(("weight_g", "length_mm", "width_mm", "height_mm", "moq", "carton", "lead_days"), "int"),
    "customs_value": "numeric",
    "battery": "boolean",
    "tags": "jsonb",
}
_DEFAULTS: dict[str, Any] = {
    field.name: field.get_default()
    for field in Sku._meta.concrete_fields
    if field.attname in TYPES.keys() - {"product_id"}
}


@dataclass(frozen=True, slots=True)
class LineError:
    """``line`` is the sheet's own number (2 = first row under the heading)."""

    line: int
    field: str
    code: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportResult:
    created: int
    updated: int
    unchanged: int
    errors: tuple[LineError, ...]


def import_skus(*, actor: Actor, rows: Iterable[Mapping[str, Any]], dry_run: bool = False) -> ImportResult:
    """Make or change SKUs from rows by their headings (``skusheet.HEADINGS``). Rows with errors are left out and named.

    A dry run says the same and writes nothing. Raises NotAllowed.
    """
    actor.require(EDIT_CATALOGUE)
    given, verdicts = [], []
    lines: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        one = Row(line, row)
        key = identity(row)
        if key in lines:
            code = skusheet.read(row)[0]
            verdicts.append(Verdict(line, REFUSED, [("code", "sheet.twice", {"code": code, "line": lines[key]})]))
            continue
        if key and not skusheet.read(row)[2]:
            lines[key] = line
        given.append(one)
    verdicts += bring_skus(actor=actor, rows=given, options={}, key="", write=not dry_run)
    counts = {outcome: sum(1 for one in verdicts if one.outcome == outcome) for outcome in (NEW, CHANGED, SAME)}
    errors = [
        LineError(one.line, *problem) for one in sorted(verdicts, key=lambda v: v.line) for problem in one.problems
    ]
    return ImportResult(counts[NEW], counts[CHANGED], counts[SAME], tuple(errors))


def identity(row: Mapping[str, Any]) -> str:
    """What a row is about: rows with the same are one SKU."""
    for heading, cell in row.items():
        if skusheet.field_of(heading) == "code":
            return code_key("" if cell is None else str(cell))
    return ""


def bring_skus(
    *, actor: Actor, rows: Iterable[Row], options: Mapping[str, Any], key: str, write: bool
) -> list[Verdict]:
    """A batch of rows, each SKU once. Only fields that the sheet has are changed. Raises NotAllowed."""
    actor.require(EDIT_CATALOGUE)
    verdicts: list[Verdict] = []
    wanted: dict[str, tuple[int, str, dict[str, Any]]] = {}
    titles: dict[str, tuple[str, str]] = {}
    for row in rows:
        code, values, problems = skusheet.read(row.cells)
        if problems:
            verdicts.append(Verdict(row.line, REFUSED, problems))
            continue
        named = (values.pop("product_title", ""), values.pop("product_title_zh", ""))
        if "product" in values:
            known = titles.get(values["product"], ("", ""))
            titles[values["product"]] = (named[0] or known[0], named[1] or known[1])
        wanted[code_key(code)] = (row.line, code, values)
    with transaction.atomic():
        there = {s.code_key: s for s in _locked(list(wanted), write)}
        ids = products(titles, write=write)
        new: list[tuple[str, str, dict[str, Any]]] = []
        changed: list[tuple[Sku, dict[str, Any]]] = []
        names: set[str] = set()
        for sku_key, (line, code, values) in wanted.items():
            if "product" in values:
                # Of a dry run: a product that is yet to be made is another one than the SKU has.
                values["product_id"] = ids.get(values.pop("product"), 0)
            sku = there.get(sku_key)
            if sku is None:
                new.append((code, sku_key, values))
                verdicts.append(Verdict(line, NEW))
                continue
            different = {name: value for name, value in values.items() if getattr(sku, name) != value}
            verdicts.append(Verdict(line, CHANGED if different else SAME))
            if different:
                names |= different.keys()
                changed.append((sku, different))
        if write:
            _write(actor, new, changed, sorted(names))
    return verdicts


def _locked(keys: list[str], write: bool) -> list[Sku]:
    found = Sku.objects.filter(code_key__in=keys).defer("grams").order_by("id")
    return list(found.select_for_update() if write else found)


def _write(
    actor: Actor,
    new: list[tuple[str, str, dict[str, Any]]],
    changed: list[tuple[Sku, dict[str, Any]]],
    names: list[str],
) -> None:
    now = clock.now()
    entries: list[audit.Entry] = []
    if new:
        columns = ("id", "code", "code_key", "state", "grams", "created_at", "updated_at", *TYPES)
        rows = []
        ids = bulk.ids("inventory_sku", len(new))
        for pk, (code, sku_key, values) in zip(ids, new, strict=True):
            full = {"product_id": None, **_DEFAULTS, **values}
            full["tags"] = json.dumps(full["tags"], ensure_ascii=False)
            grams = finding.grams_of(code, full["title"], full["title_zh"], full["barcode"])
            rows.append((pk, code, sku_key, Sku.ACTIVE, grams, now, now, *(full[name] for name in TYPES)))
            entries.append(("sku", pk, "sku.created", {"sku": code}))
        bulk.copy("inventory_sku", columns, rows)
        emit(ADDED, {"ids": ids})
    if changed:
        rows = []
        for sku, different in changed:
            former = {name: shown(getattr(sku, name)) for name in different if name != "product_id"}
            for name, value in different.items():
                setattr(sku, name, value)
            listed = ",".join(map(str, finding.of_sku(sku)))
            values_ = [json.dumps(sku.tags, ensure_ascii=False) if n == "tags" else getattr(sku, n) for n in names]
            rows.append((sku.pk, *values_, f"{{{listed}}}", now))
            fields = sorted(name.removesuffix("_id") for name in different)
            entries.append(("sku", sku.pk, "sku.changed", {"fields": fields, "former": former}))
        bulk.update(
            "inventory_sku",
            "id",
            [*((name, TYPES[name]) for name in names), ("grams", "int[]"), ("updated_at", "timestamptz")],
            rows,
        )
    audit.record_many(actor, entries)
