"""Deciding what happens to new orders and setting their stock aside: a page in one transaction.

``release`` takes orders in *new*, *pending* or *short* and moves each to where its facts lead: unmatched, address,
held, short or ready (a pending one stays pending with its stock set aside).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record_many
from core.events import emit
from core.permissions import Actor
from core.rules import CompiledRules
from inventory.models import Reservation
from inventory.reservation import Want, WantedLine, held_by, lock, release_many, reserve_many
from orders import facts, routing, states
from orders.incoming import dumps
from orders.services import rules as rule_sets

UNPAID_FOR = timedelta(days=7)
PAGE = 200
LET_GO = routing.LET_GO
Barred = Mapping[int, tuple[str, dict[str, Any]]]


@dataclass
class Verdict:
    """Where one order goes, gathered before anything is written."""

    row: dict[str, Any]
    lines: list[routing.LineFact]
    target: str = states.READY
    code: str = ""
    params: dict[str, Any] | None = None
    service_id: int | None = None
    warehouses: tuple[int, ...] = ()
    warehouse_id: int | None = None
    tags: list[str] = field(default_factory=list)
    trace: dict[str, Any] | None = None

    def stop(self, target: str, code: str, **params: Any) -> None:
        self.target, self.code, self.params = target, code, params or None


def release(*, order_ids: Sequence[int], actor: Actor) -> dict[str, list[int]]:
    """Route and reserve; returns {state: order ids}. Orders in other states are left alone. Pages of 200."""
    out: dict[str, list[int]] = {}
    for start in range(0, len(order_ids), PAGE):
        with transaction.atomic():
            for verdict in _page(order_ids[start : start + PAGE], actor):
                out.setdefault(verdict.target, []).append(verdict.row["id"])
    return out


def _page(order_ids: Sequence[int], actor: Actor) -> list[Verdict]:
    verdicts = _load(order_ids)
    if not verdicts:
        return []
    rules = rule_sets.compiled()
    where = facts.places()
    barred = facts.barred([verdict.row["id"] for verdict in verdicts])
    for verdict in verdicts:
        _decide(verdict, rules, where, barred)
    _reserve(verdicts)
    _write(verdicts, actor)
    return verdicts


def _load(order_ids: Sequence[int]) -> list[Verdict]:
    verdicts = {row["id"]: Verdict(row, [], tags=list(row["tags"])) for row in facts.rows_to_release(order_ids)}
    # A listing may have been matched while the order that sells it was being written.
    bulk.execute(
        "UPDATE orders_orderline l SET sku_id = x.sku_id, units = l.quantity * x.units FROM channels_listing x"
        " WHERE l.order_id = ANY(%s) AND l.sku_id IS NULL AND x.account_id = l.account_id"
        " AND x.seller_sku = l.seller_sku AND x.sku_id IS NOT NULL",
        [list(verdicts)],
    )
    for order_id, lines in facts.lines_of(list(verdicts)).items():
        verdicts[order_id].lines = lines
    # Locked in id order, served in the order asked for: stock goes to the earliest promise first.
    return [verdicts[pk] for pk in order_ids if pk in verdicts]


def _decide(verdict: Verdict, rules: CompiledRules, where: routing.Places, barred: Barred) -> None:
    found = routing.route(verdict.row, verdict.lines, rules, where, barred.get(verdict.row["id"]))
    verdict.target, verdict.code, verdict.params = found.target, found.code, found.params
    verdict.service_id, verdict.warehouses, verdict.tags = found.service_id, found.warehouses, found.tags
    verdict.trace = found.plan.trace if found.plan is not None else None


def _reserve(verdicts: Sequence[Verdict]) -> None:
    """Stock for those that go on (and for unpaid ones). What an order holds already is kept if it still fits.

    Held, unmatched and address orders keep what they have: they will be asked again.
    """
    asking = [v for v in verdicts if v.target == states.READY and v.lines]
    held = held_by([line.line_id for v in asking for line in v.lines])
    wants: dict[str, list[Want]] = {Reservation.PAID: [], Reservation.UNPAID: []}
    by_id = {v.row["id"]: v for v in asking}
    stale: list[int] = []
    for verdict in asking:
        mine = {line.line_id: held[line.line_id] for line in verdict.lines if line.line_id in held}
        sources = {warehouse for warehouse, _, _ in mine.values()}
        fits = (
            len(mine) == len(verdict.lines)
            and len(sources) == 1
            and sources <= set(verdict.warehouses)
            and all(mine[line.line_id][1:] == (line.sku_id, line.units) for line in verdict.lines)
        )
        if fits:
            verdict.warehouse_id = sources.pop()
            continue
        stale.extend(mine)
        kind = Reservation.UNPAID if verdict.row["state"] == states.PENDING else Reservation.PAID
        lines = tuple(WantedLine(line.line_id, line.sku_id or 0, line.units) for line in verdict.lines)
        wants[kind].append(Want(verdict.row["id"], verdict.warehouses, lines))
    _hold_stock(stale, held, wants)
    release_many(stale, tell=False)
    for kind, asked in wants.items():
        expires = clock.now() + UNPAID_FOR if kind == Reservation.UNPAID else None
        for order_id, outcome in reserve_many(asked, kind=kind, expires_at=expires).items():
            verdict = by_id[order_id]
            verdict.warehouse_id = outcome.warehouse
            if outcome.warehouse is None:
                codes = {line.sku_id: line.code for line in verdict.lines}
                missing = [[codes.get(sku, ""), need, have] for sku, need, have in outcome.missing[:5]]
                verdict.stop(states.SHORT, "order.short", missing=missing, more=max(0, len(outcome.missing) - 5))


def _hold_stock(
    stale: Sequence[int], held: Mapping[int, tuple[int, int, int]], wants: Mapping[str, Sequence[Want]]
) -> None:
    """Where stock is locked more than once below, all of it in one order first: nobody waits for us while we wait."""
    if not stale and not all(wants.values()):
        return
    asked = [want for some in wants.values() for want in some]
    pairs = {(place, line.sku_id) for want in asked for place in want.warehouses for line in want.lines}
    lock(pairs | {held[line_id][:2] for line_id in stale})


def _write(verdicts: Sequence[Verdict], actor: Actor) -> None:
    now = clock.now()
    updates = []
    history: list[tuple[str, int, str, dict]] = []
    ready: list[int] = []
    for verdict in verdicts:
        row = verdict.row
        order_id = row["id"]
        if row["state"] == states.PENDING:
            verdict.target, verdict.code = states.PENDING, verdict.code if verdict.target == states.SHORT else ""
        elif verdict.target != row["state"]:
            states.check(row["state"], verdict.target)
        updates.append(
            (
                order_id,
                verdict.target,
                now,
                now,
                verdict.code,
                dumps(verdict.params),
                verdict.warehouse_id,
                verdict.service_id,
                verdict.tags,
                dumps(verdict.trace),
                routing.weight_of(verdict.lines),
            )
        )
        if verdict.target != row["state"] or verdict.target == states.PENDING:
            params = {"warehouse": verdict.warehouse_id, "service": verdict.service_id, "state": verdict.target}
            history.append(
                ("order", order_id, "order.routed", params | ({"why": verdict.code} if verdict.code else {}))
            )
        if verdict.target == states.READY:
            ready.append(order_id)
    bulk.update(
        "orders_order",
        "id",
        [
            ("state", "text"),
            ("state_at", "timestamptz"),
            ("updated_at", "timestamptz"),
            ("reason_code", "text"),
            ("reason_params", "jsonb"),
            ("warehouse_id", "bigint"),
            ("service_id", "bigint"),
            ("tags", "varchar[]"),
            ("trace", "jsonb"),
            ("weight_g", "int"),
        ],
        updates,
        extra="version = t.version + 1",
    )
    record_many(actor, history)
    elsewhere = [one.row["id"] for one in verdicts if one.target not in (states.READY, one.row["state"])]
    if elsewhere:
        emit("orders.edited", {"ids": elsewhere})
    if ready:
        emit("orders.ready", {"ids": ready})
