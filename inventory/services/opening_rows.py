"""Opening stock from the rows of a sheet: posted in batches, never twice for a SKU in a warehouse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from core import bulk
from core.currencies import KNOWN
from core.errors import BusinessError
from core.permissions import Actor
from inventory import queries
from inventory.codes import code_key
from inventory.permissions import OPENING
from inventory.services.drafts import told
from inventory.services.movements import ReceiptLine, opening
from inventory.services.periods import calendar
from inventory.sheets.kinds import NEW, REFUSED, SAME, Problem, Row, Verdict

MOST = 2**31 - 1


def identity(cells: Mapping[str, Any]) -> str:
    code = code_key(str(cells.get("sku", "")))
    return f"{code}|{str(cells.get('warehouse', '')).strip().casefold()}" if code else ""


def bring_opening(
    *, actor: Actor, rows: Sequence[Row], options: Mapping[str, Any], key: str, write: bool
) -> list[Verdict]:
    """A row with 0 units changes nothing. Raises NotAllowed."""
    actor.require(OPENING)
    currency = calendar().currency
    skus = _skus([str(row.cells.get("sku", "")) for row in rows])
    places = {name: one.pk for one in queries.warehouses(actor) for name in (one.code.casefold(), one.name.casefold())}
    chosen = int(options.get("warehouse") or 0)
    verdicts: list[Verdict] = []
    lines: dict[int, list[tuple[Row, ReceiptLine]]] = defaultdict(list)
    for row in rows:
        named = str(row.cells.get("warehouse", "")).strip()
        place = places.get(named.casefold(), 0) if named else chosen
        problems: list[Problem] = []
        if not place:
            problems.append(("warehouse", "sheet.no_warehouse" if named else "sheet.which_warehouse", {"value": named}))
        line = _line(row.cells, skus, currency, problems)
        if problems:
            verdicts.append(Verdict(row.line, REFUSED, problems))
        elif line is None:
            verdicts.append(Verdict(row.line, SAME))
        else:
            lines[place].append((row, line))
    for place, some in sorted(lines.items()):
        there = _there(place, [line.sku_id for _, line in some], key)
        fresh = [(row, line) for row, line in some if line.sku_id not in there]
        verdicts += [
            Verdict(row.line, REFUSED, [("sku", "sheet.opening_there", {"units": there[line.sku_id]})])
            for row, line in some
            if line.sku_id in there
        ]
        verdicts += [Verdict(row.line, NEW) for row, _ in fresh]
        if write and fresh:
            opening(actor=actor, warehouse_id=place, lines=[line for _, line in fresh], key=f"{key}:{place}")
    return verdicts


def _skus(codes: list[str]) -> dict[str, int]:
    keys = sorted({code_key(code) for code in codes})
    return dict(bulk.fetch("SELECT code_key, id FROM inventory_sku WHERE code_key = ANY(%s)", [keys]))


def _there(warehouse: int, skus: list[int], key: str) -> dict[int, int]:
    """{SKU: units} whose opening stock is booked there by something else and was not taken back."""
    rows = bulk.fetch(
        "SELECT m.sku_id, sum(m.quantity) FROM inventory_move m JOIN inventory_location t ON t.id = m.to_location_id"
        " WHERE m.sku_id = ANY(%s) AND m.source_kind = 'opening' AND t.warehouse_id = %s AND NOT starts_with(m.key, %s)"
        " AND NOT EXISTS (SELECT 1 FROM inventory_move u WHERE u.source_kind = 'undo' AND u.source_id = m.id)"
        " GROUP BY m.sku_id",
        [skus, warehouse, f"{key}:"],
    )
    return {sku: int(units) for sku, units in rows}


def _line(cells: Mapping[str, Any], skus: Mapping[str, int], base: str, problems: list[Problem]) -> ReceiptLine | None:
    """None for a row of 0 units, or with problems."""
    code = str(cells.get("sku", "")).strip()
    sku = skus.get(code_key(code))
    if not code:
        problems.append(("sku", "sku.code_missing", {}))
    elif sku is None:
        problems.append(("sku", "sheet.unknown_sku", {"value": code[:80]}))
    units = _number(cells, "quantity", problems)
    if units is not None and (units != units.to_integral_value() or not 0 <= units <= MOST):
        problems.append(("quantity", "sheet.not_units", {"value": str(cells["quantity"])[:40]}))
    if units is None and not any(field == "quantity" for field, _, _ in problems):
        problems.append(("quantity", "sheet.no_units", {}))
    cost, rate = _number(cells, "unit_cost", problems), _number(cells, "rate", problems)
    currency = str(cells.get("currency", "")).strip().upper() or base
    if currency not in KNOWN:
        problems.append(("currency", "cost.unknown_currency", {"currency": currency[:8]}))
    elif cost is not None:
        try:
            told(amount=cost, currency=currency, base_currency=base, rate=rate)
        except BusinessError as error:
            problems.append(("rate" if error.code == "cost.rate_missing" else "unit_cost", error.code, error.params))
    if problems or not units or sku is None:
        return None
    return ReceiptLine(sku, int(units), cost, "" if currency == base else currency, rate)


def _number(cells: Mapping[str, Any], name: str, problems: list[Problem]) -> Decimal | None:
    text = str(cells.get(name, "")).strip().replace(",", "")
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal("1e12"):
        problems.append((name, "sheet.not_a_number", {"value": text[:40]}))
        return None
    return number
