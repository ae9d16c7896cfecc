"""What the carrier has: one booking per reference of ours, with our receiver, and none that we do not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core import bulk

from ..control import Control
from .difference import plain
from .facts import Facts

if TYPE_CHECKING:
    from .check import Report


@dataclass
class Booked:
    """A booking at the carrier. ``number``: what a marketplace should be told."""

    reference: str
    waybill: str
    number: str
    cancelled: bool
    country: str
    postcode: str
    calls: int


@dataclass
class Parcels:
    """All bookings by reference; ``met``: references that belong to an order of ours."""

    booked: dict[str, list[Booked]] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def alive(self, reference: str) -> list[Booked]:
        return [one for one in self.booked.get(reference, []) if not one.cancelled]


def index(facts: Facts, control: Control, report: Report) -> Parcels:
    """Read the carrier's list. Two bookings with one reference are named at once."""
    found = Parcels()
    for row in control.shipments(facts.carrier_account):
        found.booked.setdefault(row["reference"], []).append(_booked(row))
        report.counts["bookings"] += not row["cancelled"]
        report.counts["bookings cancelled"] += row["cancelled"]
        report.counts["labels"] += row["labels"]
    for reference, bookings in found.booked.items():
        if sum(not one.cancelled for one in bookings) > 1:
            report.add("yunexpress", reference, "bookings", 1, [one.waybill for one in bookings if not one.cancelled])
    _pool(report)
    return found


def _booked(row: dict[str, Any]) -> Booked:
    who = row["recipient"]
    return Booked(
        reference=row["reference"],
        waybill=row["waybill"],
        number=row["tracking_number"] or row["waybill"],
        cancelled=row["cancelled"],
        country=who.get("country_code", ""),
        postcode=plain(who.get("postal_code")),
        calls=row["create_calls"],
    )


def _pool(report: Report) -> None:
    """A number of the pool is used by one parcel only (the table of shipments must agree with the pool)."""
    rows = bulk.fetch(
        "SELECT s.tracking_number, count(*) FROM logistics_shipment s WHERE s.tracking_number <> ''"
        " AND s.state NOT IN ('cancelled', 'failed') GROUP BY s.tracking_number HAVING count(*) > 1"
    )
    for number, count in rows:
        report.add("numbers", str(number), "parcels with this number", 1, count)
    report.counts["pool numbers used"] = bulk.fetch(
        "SELECT count(*) FROM logistics_poolnumber WHERE taken_at IS NOT NULL"
    )[0][0]


def left_over(parcels: Parcels, report: Report) -> None:
    """Bookings at the carrier that no order of ours accounts for."""
    for reference in sorted(parcels.booked.keys() - parcels.met):
        for one in parcels.alive(reference):
            report.add("yunexpress", reference, "booking", "", f"{one.waybill}, of no order")
