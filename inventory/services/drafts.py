"""What is to be posted, before it is written: plain values, no model instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.currencies import KNOWN
from core.errors import BusinessError
from core.values import money4


@dataclass(frozen=True, slots=True)
class Told:
    """A cost as told for a whole move: ``amount`` in ``currency``, ``rate`` to base, ``base`` = amount × rate."""

    amount: Decimal
    currency: str
    rate: Decimal
    base: Decimal
    reason: str = ""


@dataclass(slots=True)
class Draft:
    """One move to be. ``value_kind`` names its entries. ``strict``: refuse when the units are not there, or are reserved.

    ``floating``: the time is that of the posting; it may move on a little while waiting for locks, so that workers who meet
    at a SKU post in effective order. ``owner`` (kind, id): whose reservation at that warehouse is used up by it.
    """

    key: str
    source_kind: str
    value_kind: str
    sku_id: int
    quantity: int
    from_id: int
    to_id: int
    effective_at: datetime
    source_id: int | None = None
    source_line: int | None = None
    lot_id: int | None = None
    reason: str = ""
    reverses_id: int | None = None
    told: Told | None = None
    strict: bool = False
    floating: bool = False
    owner: tuple[str, int] | None = None
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posted:
    """``moves``: ids in the order asked for; ``written``: those written now, the others had been posted before.

    ``negative``: [(warehouse, SKU, sellable units), …] that stand below zero after it.
    """

    moves: tuple[int, ...]
    written: frozenset[int] = frozenset()
    negative: tuple[tuple[int, int, int], ...] = ()

    @property
    def repeated(self) -> bool:
        """Nothing was done now: all of it had been posted before."""
        return not self.written


def told(*, amount: Decimal, currency: str, base_currency: str, rate: Decimal | None = None, reason: str = "") -> Told:
    """A told cost, converted. ``amount`` is of the whole move, not negative; ``rate`` is needed for other currencies.

    Raises BusinessError: ``cost.negative``, ``cost.unknown_currency``, ``cost.rate_missing``.
    """
    if isinstance(amount, float):
        raise TypeError("amounts are Decimal, never float")
    amount, currency = Decimal(amount), currency or base_currency
    if amount < 0:
        raise BusinessError("cost.negative", amount=str(amount))
    if currency not in KNOWN:
        raise BusinessError("cost.unknown_currency", currency=currency)
    if currency == base_currency:
        rate = Decimal(1)
    elif rate is None or rate <= 0:
        raise BusinessError("cost.rate_missing", currency=currency, base=base_currency)
    amount = money4(amount)
    rate = rate.quantize(Decimal("0.0000000001"))
    return Told(amount, currency, rate, money4(amount * rate), reason)


def check_quantity(quantity: int, sku_id: int) -> int:
    """Raises BusinessError (``ledger.bad_quantity``) unless it is a whole number above zero."""
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 < quantity < 2**31:
        raise BusinessError("ledger.bad_quantity", quantity=str(quantity), sku=sku_id)
    return quantity


def line_keys(key: str, count: int) -> list[str]:
    """Keys of an act's moves, by the place of the line. Raises BusinessError (``ledger.bad_key``)."""
    if not key or len(key) > 110:
        raise BusinessError("ledger.bad_key", key=key[:120])
    return [f"{key}#{place}" for place in range(count)]
