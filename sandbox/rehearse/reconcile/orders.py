"""Orders of one account: each stands once, is equal, and was sent and confirmed once if the seller ships it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..control import Control
from . import ours
from .carriers import Booked, Parcels
from .difference import plain
from .facts import AccountFacts, Facts
from .ours import OurOrder, OurParcel

if TYPE_CHECKING:
    from .check import Report

MEETS = frozenset({"cancelled_after_handover", "cancelled_in_flight"})  # conflicts that explain a parcel nobody wants
MADE = frozenset({"ready", "packed", "handed", "delivered", "returned"})


def compare(account: AccountFacts, facts: Facts, control: Control, parcels: Parcels, report: Report) -> None:
    """Everything about the orders of one account. Reads both sides once."""
    here = ours.orders(account.id)
    asked = ours.confirmations(account.id)
    for theirs in control.orders(account.platform, account.name):
        number = theirs["external_id"]
        found = here.pop(number, [])
        if theirs.get("malformed"):
            report.counts["malformed orders"] += 1
            continue
        if theirs.get("combined_into"):
            _combined(account, theirs, found, report)
            continue
        report.counts["orders"] += 1
        if len(found) != 1:
            report.add(account.platform, number, "order", "once", f"{len(found)} times" if found else "missing")
            continue
        _equal(account, facts, theirs, found[0], report)
        _sent(account, facts, theirs, found[0], parcels, asked.pop(number, []), report)
    for number, orders in here.items():
        for order in orders:
            if order.state != "combined":
                report.add(account.platform, number, "order", "", f"unknown to the platform ({order.state})")
    _meet(here, parcels)
    for number, rows in asked.items():
        for state, code in rows:
            if state != "confirmed":
                report.add(account.platform, number, "confirmation that nobody needs", "", f"{state} ({code})")


def _meet(orders: dict[str, list[OurOrder]], parcels: Parcels) -> None:
    for found in orders.values():
        for order in found:
            parcels.met |= {parcel.reference for parcel in order.parcels}


def _combined(account: AccountFacts, theirs: dict[str, Any], found: list[OurOrder], report: Report) -> None:
    """An order that became part of another one: never seen, or closed as combined and without lines of its own."""
    report.counts["orders combined into others"] += 1
    for order in found:
        if order.state != "combined" or order.combined_into is None:
            report.add(account.platform, order.external_id, "order combined by eBay", "combined", order.state)
        if order.lines:
            report.add(account.platform, order.external_id, "lines of a combined order", "moved", list(order.lines))


# -- equal -----------------------------------------------------------------------------------------------------------------


def _equal(account: AccountFacts, facts: Facts, theirs: dict[str, Any], order: OurOrder, report: Report) -> None:
    platform, number = account.platform, order.external_id
    pending = platform == "amazon" and theirs["status"] in ("PENDING", "PENDING_AVAILABILITY")
    if not pending:
        if order.currency != theirs["currency"]:
            report.add(platform, number, "currency", theirs["currency"], order.currency)
        if order.total != Decimal(theirs["total"]):
            report.add(platform, number, "total", theirs["total"], order.total)
    _lines(platform, pending, theirs, order, report)
    if not pending and not order.edited:
        _receiver(platform, theirs, order, report)
    elif order.edited:
        given = facts.names_given.get((account.name, number))
        if given is None:
            report.add(platform, number, "address", "as told", "edited by a person")
        elif order.receiver["name"] != given:
            report.add(platform, number, "name given by a person", given, order.receiver["name"])


def _lines(platform: str, pending: bool, theirs: dict[str, Any], order: OurOrder, report: Report) -> None:
    told = {line["external_line_id"]: line for line in theirs["lines"]}
    for line_id in sorted(told.keys() | order.lines.keys()):
        report.counts["lines"] += 1
        there, here = told.get(line_id), order.lines.get(line_id)
        if there is None or here is None:
            where = "missing" if here is None else "unknown to the platform"
            report.add(platform, order.external_id, f"line {line_id}", "once", where)
            continue
        # What left the house before it was cancelled is shown as a conflict, its pieces stand as sent.
        cancelled = here.cancelled if order.conflict in MEETS else there["cancelled_quantity"]
        expected = (there["sku"], there["quantity"], cancelled)
        found = (here.sku, here.quantity, here.cancelled)
        if plain(expected[0]) != plain(found[0]) or expected[1:] != found[1:]:
            report.add(platform, order.external_id, f"line {line_id} (SKU, pieces, cancelled)", expected, found)
        if not pending and Decimal(there["unit_price"]) != here.unit_price:
            report.add(platform, order.external_id, f"line {line_id} unit price", there["unit_price"], here.unit_price)


# Whose address nobody here needs: it is not asked for again where the platform held it back at first (data minimisation).
NOT_OURS = frozenset({"platform", "cancelled", "elsewhere"})


def _receiver(platform: str, theirs: dict[str, Any], order: OurOrder, report: Report) -> None:
    if order.state in NOT_OURS and not any(order.receiver.values()):
        report.counts["receivers held back, never needed"] += 1
        return
    told = theirs.get("ship_to") or theirs["recipient"]
    for name in ("name", "company", "city", "region", "postcode", "country", "phone"):
        if plain(told.get(name)) != plain(order.receiver[name]):
            report.add(platform, order.external_id, f"receiver's {name}", told.get(name), order.receiver[name])
    expected = [text for text in map(plain, told["lines"]) if text]
    found = [text for text in map(plain, order.receiver["lines"]) if text]
    if expected != found:
        report.add(platform, order.external_id, "receiver's lines", expected, found)


# -- sent ------------------------------------------------------------------------------------------------------------------


def _sent(
    account: AccountFacts,
    facts: Facts,
    theirs: dict[str, Any],
    order: OurOrder,
    parcels: Parcels,
    asked: list[tuple[str, str]],
    report: Report,
) -> None:
    """Bookings, confirmations and the state of one order."""
    parcels.met |= {parcel.reference for parcel in order.parcels}
    made = [parcel for parcel in order.parcels if parcel.made and parcel.state in MADE]
    stray = [
        one.waybill
        for parcel in order.parcels
        if parcel not in made and parcel.carrier == "yunexpress"
        for one in parcels.alive(parcel.reference)
    ]
    if stray:
        report.add("yunexpress", order.external_id, "bookings that no parcel of ours stands for", 0, stray)
    if theirs["seller_ships"]:
        _shipped(account, facts, theirs, order, made, parcels, report)
        for state, code in asked:
            if state != "confirmed":
                report.add(account.platform, order.external_id, "confirmation", "confirmed", f"{state} ({code})")
        return
    report.counts["orders that are not ours to send"] += 1
    explained = order.conflict in MEETS
    if (account.name, order.external_id) in facts.cancelled_unseen and order.parcels:
        report.add(account.platform, order.external_id, "parcels of an order cancelled before we knew it", 0, len(made))
    if made and not explained:
        report.add(account.platform, order.external_id, "parcels of an order that is not sent", 0, len(made))
    if theirs["confirmations"] and not explained:
        report.add(account.platform, order.external_id, "confirmations of an order that is not sent", 0, order.state)
    wanted = "platform" if order.platform_fulfilled else "cancelled"
    pending = theirs["status"] in ("PENDING", "pending")
    if order.state != wanted and not explained and not pending:
        report.add(account.platform, order.external_id, "state", wanted, f"{order.state} ({order.conflict})")


def _shipped(
    account: AccountFacts,
    facts: Facts,
    theirs: dict[str, Any],
    order: OurOrder,
    made: list[OurParcel],
    parcels: Parcels,
    report: Report,
) -> None:
    report.counts["orders to send"] += 1
    platform, number = account.platform, order.external_id
    # What eBay combined after both had their parcel travels as two.
    most = max(1, len(theirs.get("combined_from") or [])) if len(made) > 1 else 1
    if not 1 <= len(made) <= most:
        report.add(platform, number, "parcels", 1, f"{len(made)} ({order.state})")
    ends = ("delivered", "returned") if facts.must_arrive else ("handed", "delivered", "returned")
    if order.state not in ends:
        report.add(platform, number, "state", ends[0], f"{order.state} ({order.conflict})")
    wanted = {line["external_line_id"]: line["quantity"] - line["cancelled_quantity"] for line in theirs["lines"]}
    packed: dict[str, int] = {}
    expected = []
    for parcel in made:
        for line, pieces in parcel.pieces.items():
            packed[line] = packed.get(line, 0) + pieces
        expected.append((_number(parcel, order, parcels, report), parcel.carrier, parcel.pieces))
    if made and packed != {line: pieces for line, pieces in wanted.items() if pieces}:
        report.add(platform, number, "pieces in parcels", wanted, packed)
    _confirmed(account, facts, theirs, expected, report)


def _number(parcel: OurParcel, order: OurOrder, parcels: Parcels, report: Report) -> str:
    """The number that the carrier gave; the pool's numbers are known by us alone."""
    if parcel.carrier != "yunexpress":
        return parcel.number
    alive = parcels.alive(parcel.reference)
    if len(alive) != 1:
        report.add("yunexpress", order.external_id, f"bookings of {parcel.reference}", 1, len(alive))
        return parcel.number
    booking: Booked = alive[0]
    if booking.number != (parcel.number or parcel.waybill):
        report.add("yunexpress", order.external_id, "number", booking.number, parcel.number)
    if booking.country != parcel.country or (
        order.state != "combined" and booking.country != order.receiver["country"]
    ):
        report.add("yunexpress", order.external_id, "country of the parcel", order.receiver["country"], booking.country)
    if booking.postcode and booking.postcode != plain(order.receiver["postcode"]):
        report.add("yunexpress", order.external_id, "postcode", order.receiver["postcode"], booking.postcode)
    return booking.number


def _confirmed(
    account: AccountFacts,
    facts: Facts,
    theirs: dict[str, Any],
    expected: list[tuple[str, str, dict[str, int]]],
    report: Report,
) -> None:
    """What the marketplace was told equals what was sent: number, carrier and pieces, once each."""
    # Where a parcel is not the whole order, eBay is told line by line; a line told twice shows in its pieces.
    by_parcel: dict[tuple[str, str], dict[str, int]] = {}
    for one in theirs["confirmations"]:
        pieces = by_parcel.setdefault((one["tracking_number"], one["carrier"]), {})
        for line in one["lines"]:
            pieces[line["external_line_id"]] = pieces.get(line["external_line_id"], 0) + line["quantity"]
    told = [(number, carrier, pieces) for (number, carrier), pieces in by_parcel.items()]
    wanted = [
        (number, facts.carrier_names.get((carrier, account.platform), carrier), pieces)
        for number, carrier, pieces in expected
    ]
    report.counts["confirmations"] += len(told)
    if _sorted(told) != _sorted(wanted):
        report.add(account.platform, theirs["external_id"], "confirmations", _sorted(wanted), _sorted(told))


def _sorted(parcels: list[tuple[str, str, dict[str, int]]]) -> list[tuple[str, str, list[tuple[str, int]]]]:
    return sorted((number, carrier, sorted(pieces.items())) for number, carrier, pieces in parcels)
