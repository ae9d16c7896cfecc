"""The comparison. It reads the simulators over HTTP and Sampan's tables, and believes neither side's own summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core import bulk, clock
from core.central.models import Outbox
from core.tenancy import public_context, tenant_context
from inventory.prove import prove

from ..control import Control
from . import carriers, orders, ours
from .difference import Difference, plain, shown
from .facts import Facts

OPEN_BY_RIGHT = {  # states of orders whose stock stays set aside
    "pending": "not paid yet",
    "new": "not routed yet",
    "held": "held",
    "ready": "ready",
    "booking": "being booked",
    "booked": "booked",
    "packed": "packed",
    "failed": "booking failed",
    "address": "address incomplete",
}


@dataclass
class Report:
    """``counts``: what was compared, for the table. ``open``: reservations that stand by right, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)

    def add(self, platform: str, number: str, what: str, expected: Any, found: Any) -> None:
        self.differences.append(Difference(platform, str(number), what, shown(expected), shown(found)))


PATIENCE = 30.0  # seconds for what was under way in the outbox when the comparison came to it


def reconcile(
    facts: Facts, control: Control, say: Callable[[str], None] = lambda text: None, *, patience: float = PATIENCE
) -> Report:
    """Compare everything; ``facts`` say which tenant, which accounts, and what people changed on purpose."""
    report = Report()
    with tenant_context(facts.schema):
        parcels = carriers.index(facts, control, report)
        for account in facts.accounts:
            say(f"comparing {account.platform} {account.name}")
            orders.compare(account, facts, control, parcels, report)
            if account.platform == "ebay":
                _messages(account.name, account.id, control, report)
        carriers.left_over(parcels, report)
        _stock(facts, report)
        _tabs(report)
        _inbox(facts, report)
        say("proving the ledger")
        _ledger(report)
    _outbox(facts.schema, report, patience)
    return report


def _messages(name: str, account_id: int, control: Control, report: Report) -> None:
    here = ours.messages(account_id)
    theirs = {message["external_id"]: message for message in control.messages("ebay", name)}
    for external, message in theirs.items():
        report.counts["messages"] += 1
        bodies = here.pop(external, [])
        if len(bodies) != 1:
            report.add("ebay", external, "message", "once", f"{len(bodies)} times")
        elif plain(bodies[0]) != plain(message["body"]):
            report.add("ebay", external, "message's text", message["body"], bodies[0])
    for external in here:
        report.add("ebay", external, "message", "", "unknown to the platform")
    _answers(account_id, theirs, report)
    for subject in ours.unanswered(account_id):
        report.add("ebay", subject, "conversation", "answered", "waits")


def _answers(account_id: int, theirs: Mapping[str, dict[str, Any]], report: Report) -> None:
    wanted: dict[str, list[str]] = {}
    for parent, body, state in ours.answers(account_id):
        report.counts["answers"] += 1
        if state != "sent":
            report.add("ebay", parent, "answer", "sent", state)
        wanted.setdefault(parent, []).append(plain(body))
    for external, message in theirs.items():
        arrived = [plain(answer["body"]) for answer in message["answers"]]
        expected = wanted.pop(external, [])
        if Counter(arrived) != Counter(expected):
            report.add("ebay", external, "answers", expected, arrived)
    for parent in wanted:
        report.add("ebay", parent, "answer", "a message of the platform", "none")


def _stock(facts: Facts, report: Report) -> None:
    """What left the house left the stock, to the unit; nothing stays set aside for what is over."""
    gone = ours.issued()
    for line, (units, state, number) in ours.units_of_lines().items():
        report.counts["lines issued"] += 1
        if gone.get(line, 0) != units:
            report.add("stock", number, f"units issued ({state})", units, gone.get(line, 0))
    for number, state, units in ours.open_reservations():
        reason = OPEN_BY_RIGHT.get(state)
        if reason is None:
            report.add("stock", number, f"reservation of an order that is {state}", 0, units)
        else:
            report.open[reason] += units


def _tabs(report: Report) -> None:
    """The counts that the tabs show are kept by triggers; here the orders themselves are counted."""
    kept, counted = ours.kept_counts(), ours.counted_orders()
    for account, state in sorted(kept.keys() | counted.keys()):
        report.counts["tab counts"] += 1
        expected, found = counted.get((account, state), 0), kept.get((account, state), 0)
        if expected != found:
            report.add("tabs", f"account {account}", f"orders counted as {state}", expected, found)


def _inbox(facts: Facts, report: Report) -> None:
    for kind, state, count, code in ours.inbox():
        if state == "dead" and code in facts.planned_dead:
            report.counts["dead by plan"] += count
        else:
            report.add("inbox", kind, f"raw payloads {state}", 0, f"{count} ({code})")


def _ledger(report: Report) -> None:
    proof = prove()
    report.counts["ledger moves"] = proof.moves
    for one in proof.differences:
        report.add("ledger", str(one.row), f"{one.table} {one.what}", one.expected, one.found)


def _outbox(schema: str, report: Report, patience: float) -> None:
    """Nothing lies in the outbox. Beat still lets jobs begin, so what is open has ``patience`` seconds to be done."""
    rows, end = _rows(schema), clock.monotonic() + patience
    first = {row[0] for row in rows}
    while any(row[0] in first and row[2] != Outbox.DEAD for row in rows) and clock.monotonic() < end:
        clock.sleep(0.5)
        rows = _rows(schema)
    left = Counter((row[1], "dead" if row[2] == Outbox.DEAD else "open", row[3]) for row in rows if row[0] in first)
    for (handler, word, code), count in sorted(left.items()):
        report.add("outbox", handler, f"rows {word}", 0, f"{count} ({code})" if code else count)


def _rows(schema: str) -> list[tuple[Any, ...]]:
    """(id, handler, state, error) of what lies in the outbox."""
    with public_context():
        sql = "SELECT id, handler, state, error_code FROM public.central_outbox WHERE schema = %s"
        return list(bulk.fetch(sql, [schema]))


__all__ = ["Report", "reconcile"]
