"""Lines of units that people paste (a receipt, a count): ``CODE QTY [COST]`` each, every error by its line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from inventory.codes import code_key

MOST_LINES = 5000


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    sku_id: int
    quantity: int
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """``code`` for ``core.words``; ``text`` is the line as it was given."""

    line: int
    text: str
    code: str


def codes(text: str) -> list[str]:
    """The SKU codes that the lines name, for one look-up of all."""
    return [parts[0] for _, _, parts in _split(text) if parts]


def read(text: str, known: Mapping[str, int], *, signed: bool) -> tuple[list[Line], list[Problem]]:
    """``known``: {code key: SKU id}. ``signed``: a change such as +3 or -2, and no cost; else a count above zero."""
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, raw, parts in _split(text):
        refuse = _refuser(problems, number, raw)
        if number > MOST_LINES:
            refuse("pasted.too_many")
            break
        if not 2 <= len(parts) <= (2 if signed else 3):
            refuse("pasted.two_columns" if signed else "pasted.columns")
            continue
        sku = known.get(code_key(parts[0]))
        quantity = _whole(parts[1])
        cost = _amount(parts[2]) if len(parts) == 3 else None
        if sku is None:
            refuse("pasted.unknown_sku")
        elif quantity is None or quantity == 0 or (quantity < 0 and not signed):
            refuse("pasted.bad_change" if signed else "pasted.bad_quantity")
        elif len(parts) == 3 and cost is None:
            refuse("pasted.bad_cost")
        else:
            lines.append(Line(number, sku, quantity, cost))
    return lines, problems


def _refuser(problems: list[Problem], number: int, raw: str) -> Callable[[str], None]:
    return lambda code: problems.append(Problem(number, raw[:80], code))


def _split(text: str) -> list[tuple[int, str, list[str]]]:
    """(line number from 1, line, its columns) of lines that hold something; columns by tab, semicolon, comma or blank."""
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        parts = re.split(r"\t+|;|；|，|,(?!\d)", line)
        if len(parts) == 1:
            parts = line.split()
        found.append((number, line, [part.strip() for part in parts if part.strip()]))
    return found


def _whole(text: str) -> int | None:
    text = text.replace("\N{MINUS SIGN}", "-").replace(",", "")
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else None


def _amount(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < Decimal("1e12") else None


def listed(text: str) -> list[str]:
    """Codes alone, one on a line or with commas between them, each once."""
    parts = (part.strip() for part in re.split(r"[\n\r,，;；\t]+", text))
    return list(dict.fromkeys(part[:80] for part in parts if part))
