"""Real orders from an Online-Retail CSV: which invoices can be orders, which cancel one, and why the others are neither.

Columns: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country. Every invoice ends as an
order, as a cancellation or return of an order, or in ``Source.rejected`` under its reason; nothing goes in silence.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TextIO
from zlib import crc32

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]

# Goods: five digits with letters, and the few codes outside that pattern that were sold and sent. The rest are charges.
_GOODS = re.compile(r"\d{5}[A-Z]*|DCGS\w+|GIFT_0001_\d+|PADS")
_CENT = Decimal("0.01")
# A whole order that is taken back within this time had not left the house yet.
BEFORE_SHIPPING = timedelta(hours=24)

COUNTRIES: Mapping[str, str] = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA", "Cyprus": "CY",
    "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR",
    "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT",
    "Malta": "MT", "Netherlands": "NL", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA",
    "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}  # fmt: skip
NO_COUNTRY: Mapping[str, str] = {"Unspecified": "country_unspecified", "European Community": "country_is_a_region"}
_CHANNEL_ISLANDS = ("JE", "GG")


class RawLine(NamedTuple):
    """``sku`` in upper case (the data spells some codes both ways), ``price`` in pounds as written."""

    sku: str
    quantity: int
    price: Decimal


@dataclass(slots=True)
class Invoice:
    number: str
    at: datetime
    customer: str
    country: str
    lines: list[RawLine] = field(default_factory=list)


@dataclass(slots=True)
class SourceOrder:
    """An invoice that is an order. ``country`` is ISO alpha-2; ``charges``: postage and other charges, as invoiced."""

    number: str
    at: datetime
    customer: str
    country: str
    lines: list[RawLine]
    charges: Decimal


@dataclass(slots=True)
class SourceReturn:
    """What invoice ``number`` takes back from ``order``: (place of the line in the order, quantity)."""

    number: str
    at: datetime
    order: SourceOrder
    kind: str
    lines: list[tuple[int, int]]


@dataclass(slots=True)
class Source:
    """All that was read. ``taken_back`` counts the C invoices behind ``returns`` (one may touch several orders)."""

    orders: list[SourceOrder]
    returns: list[SourceReturn]
    titles: dict[str, str]
    rejected: Counter[str]
    notes: Counter[str]
    rows: int
    invoices: int
    taken_back: int = 0


class BadDataset(ValueError):
    """The file is not an Online-Retail CSV; the message says which line and why."""


def _open(path: Path) -> TextIO:
    with path.open("rb") as probe:
        zipped = probe.read(2) == b"\x1f\x8b"
    if zipped:
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _money(text: str, known: dict[str, Decimal]) -> Decimal:
    price = known.get(text)
    if price is None:
        price = known[text] = Decimal(text)
        if not price.is_finite():
            raise ValueError(f"price {text}")
    return price


def read_invoices(path: Path) -> tuple[list[Invoice], dict[str, str], Counter[str], int]:
    """Invoices in the order of their first line, the title of each SKU, notes, and the number of rows.

    Raises BadDataset, OSError.
    """
    invoices: dict[str, Invoice] = {}
    titles: dict[str, Counter[str]] = defaultdict(Counter)
    prices: dict[str, Decimal] = {}
    skus: dict[str, str] = {}
    notes: Counter[str] = Counter()
    rows = 0
    with _open(path) as stream:
        reader = csv.reader(stream)
        if next(reader, None) != COLUMNS:
            raise BadDataset("line 1: the columns of Online Retail were expected")
        for row in reader:
            rows += 1
            try:
                number, code, title, quantity, at, price, customer, country = row
                invoice = invoices.get(number)
                if invoice is None:
                    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
                    invoice = invoices[number] = Invoice(number, moment, customer, country)
                sku = skus.get(code)
                if sku is None:
                    sku = skus[code] = code.strip().upper()
                if sku != code:
                    notes["sku_in_upper_case"] += 1
                amount = _money(price, prices)
                invoice.lines.append(RawLine(sku, int(quantity), amount))
            except (ValueError, ArithmeticError) as error:
                raise BadDataset(f"line {reader.line_num}: {error}") from error
            if amount > 0 and title:  # rows without a price carry stock notes ("damaged", "lost") for a title
                titles[sku][title.strip()] += 1
    best = {sku: max(sorted(found), key=found.__getitem__) for sku, found in titles.items()}
    return list(invoices.values()), best, notes, rows


def iso_country(name: str, customer: str) -> tuple[str, str]:
    """(ISO alpha-2, "") or ("", reason why there is none)."""
    if name == "Channel Islands":  # two postal countries; a customer stays on one of them
        return _CHANNEL_ISLANDS[crc32(customer.encode()) % 2], ""
    code = COUNTRIES.get(name, "")
    return code, "" if code else NO_COUNTRY.get(name, "country_unknown")


def is_goods(sku: str) -> bool:
    return _GOODS.fullmatch(sku) is not None


def why_not_an_order(invoice: Invoice) -> str:
    """Reason why an invoice (not a C invoice) cannot be an order; empty when it can."""
    if invoice.number[:1] == "A":
        return "bad_debt"
    sold = [line for line in invoice.lines if line.quantity > 0]
    if not sold:
        return "stock_adjustment"  # only negative quantities, without a price
    if not any(line.price > 0 for line in sold):
        return "nothing_priced"
    if not any(is_goods(line.sku) for line in sold):
        return "service_codes_only"
    return iso_country(invoice.country, invoice.customer)[1]


@lru_cache(maxsize=65536)
def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _order(invoice: Invoice, notes: Counter[str]) -> SourceOrder:
    lines: list[RawLine] = []
    charges = Decimal(0)
    for line in invoice.lines:
        if line.quantity <= 0:
            notes["negative_line_left_out"] += 1
        elif is_goods(line.sku):
            price = _cents(line.price)
            if price != line.price:
                notes["price_rounded_to_cents"] += 1
            lines.append(line._replace(price=price))
        else:
            notes["charge_line_as_shipping"] += 1
            charges += line.price * line.quantity
    country, _ = iso_country(invoice.country, invoice.customer)
    return SourceOrder(invoice.number, invoice.at, invoice.customer, country, lines, _cents(charges))


class _Matcher:
    """Finds what a C invoice takes back: same customer and SKU, enough left, the nearest earlier order."""

    def __init__(self, orders: list[SourceOrder]) -> None:
        self.sold: dict[tuple[str, str], list[list[int]]] = defaultdict(list)  # [order, line, quantity left], by time
        self.orders = orders
        for index, order in enumerate(orders):
            if order.customer:
                for place, line in enumerate(order.lines):
                    self.sold[order.customer, line.sku].append([index, place, line.quantity])

    def take(self, customer: str, line: RawLine, at: datetime) -> tuple[int, int] | None:
        wanted = -line.quantity
        for entry in reversed(self.sold.get((customer, line.sku), ())):
            if entry[2] >= wanted and self.orders[entry[0]].at <= at:
                entry[2] -= wanted
                return entry[0], entry[1]
        return None

    def match(self, invoice: Invoice, notes: Counter[str]) -> Iterator[SourceReturn]:
        found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for line in invoice.lines:
            if line.quantity >= 0 or not is_goods(line.sku):
                continue
            hit = self.take(invoice.customer, line, invoice.at)
            if hit is None:
                notes["taken_back_line_unmatched"] += 1
            else:
                found[hit[0]][hit[1]] -= line.quantity
        for index, places in sorted(found.items()):
            order = self.orders[index]
            whole = all(places.get(place) == line.quantity for place, line in enumerate(order.lines))
            kind = "cancellation" if whole and invoice.at - order.at <= BEFORE_SHIPPING else "return"
            yield SourceReturn(invoice.number, invoice.at, order, kind, sorted(places.items()))


def _why_not_taken_back(invoice: Invoice) -> str:
    if not any(line.quantity < 0 and is_goods(line.sku) for line in invoice.lines):
        return "credit_without_goods"
    return "cancellation_without_customer" if not invoice.customer else "cancellation_without_match"


def read_source(path: Path, limit: int | None = None) -> Source:
    """Read a CSV or CSV.GZ; ``limit`` keeps the first invoices only. Raises BadDataset, OSError."""
    invoices, titles, notes, rows = read_invoices(path)
    if limit is not None:
        invoices = invoices[:limit]
        rows = sum(len(invoice.lines) for invoice in invoices)
    rejected: Counter[str] = Counter()
    orders: list[SourceOrder] = []
    credits_: list[Invoice] = []
    for invoice in sorted(invoices, key=lambda one: (one.at, one.number)):
        if invoice.number[:1] == "C":
            credits_.append(invoice)
            continue
        reason = why_not_an_order(invoice)
        if reason:
            rejected[reason] += 1
        else:
            orders.append(_order(invoice, notes))
    source = Source(orders, [], titles, rejected, notes, rows, len(invoices))
    matcher = _Matcher(orders)
    for invoice in credits_:
        matched = list(matcher.match(invoice, notes)) if invoice.customer else []
        if matched:
            source.taken_back += 1
            source.returns.extend(matched)
        else:
            rejected[_why_not_taken_back(invoice)] += 1
    return source
