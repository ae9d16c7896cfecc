"""Reads of the rules' pages: versions, how often rules decided, trials and their rows, what the editor offers.

Every function takes the actor; figures and rows are narrowed to the accounts and warehouses that the actor may see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core import bulk, clock, jobs
from core.cache import kept
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.records.models import Job
from core.rules import RuleExplanation, explain
from core.rules.changes import Change, diff
from orders import facts, permissions, trying
from orders.models import RuleSet, RuleTrial
from orders.queries_page import named
from orders.services import rule_trials
from orders.services import rules as rule_sets

PERIOD = timedelta(days=30)
SAMPLE = 20_000  # orders at most that figures are read from
KEPT_SECONDS = 300
VERSIONS = 50
ROWS = 100
PROBED = 500


# -- versions ---------------------------------------------------------------------------------------------------------


@dataclass
class Version:
    """``changes``: against the version before it."""

    version: int
    at: datetime
    by: str
    note: str
    rules: list[dict[str, Any]]
    changes: list[Change] = field(default_factory=list)


def _version(row: RuleSet) -> Version:
    return Version(row.version, row.published_at, row.actor_label, row.note, list(row.rules))


def versions(actor: Actor, *, before: int | None = None) -> tuple[list[Version], int | None]:
    """(newest first, number to go on before, None at the end). One query."""
    actor.require(permissions.VIEW)
    rows = RuleSet.objects.order_by("-version")
    if before is not None:
        rows = rows.filter(version__lt=before)
    found = [_version(row) for row in rows[: VERSIONS + 1]]
    for one, older in zip(found, [*found[1:], None], strict=True):
        one.changes = diff(older.rules if older is not None else [], one.rules)
    more = len(found) > VERSIONS
    return found[:VERSIONS], found[VERSIONS - 1].version if more else None


def version(actor: Actor, number: int) -> Version:
    """Raises BusinessError ``ruleset.not_found``; version 0 is the empty one before the first."""
    actor.require(permissions.VIEW)
    if number == 0:
        return Version(0, clock.now(), "", "", [])
    row = RuleSet.objects.filter(version=number).first() if number < 2**31 else None
    if row is None:
        raise BusinessError("ruleset.not_found")
    return _version(row)


def numbers(actor: Actor) -> list[int]:
    """Of the newest versions, for choosing one to compare with."""
    actor.require(permissions.VIEW)
    return list(RuleSet.objects.order_by("-version").values_list("version", flat=True)[:200])


# -- how often rules decided ------------------------------------------------------------------------------------------


@dataclass
class Figure:
    """Of the newest orders: ``decided`` (it set something), ``matched`` beside (all was set already), ``asked``."""

    decided: int = 0
    matched: int = 0
    asked: int = 0
    last: datetime | None = None


@dataclass
class Figures:
    """``orders``: how many were looked at; ``capped``: there were more in the period."""

    orders: int
    capped: bool
    rules: dict[str, Figure]


def figures(actor: Actor) -> Figures:
    """From the traces stored with the orders of 30 days, the newest SAMPLE of them; kept for five minutes."""
    actor.require(permissions.VIEW)
    scope = json.dumps([None if ids is None else sorted(ids) for ids in (actor.accounts, actor.warehouses)])
    key = f"rules.figures:{hashlib.sha256(scope.encode()).hexdigest()[:16]}"
    found: Figures = kept(key, KEPT_SECONDS, lambda: _figures(actor))
    return found


def _figures(actor: Actor) -> Figures:
    where, params = "", list[Any]([clock.now() - PERIOD])
    if actor.accounts is not None:
        where += " AND account_id = ANY(%s)"
        params.append(sorted(actor.accounts))
    if actor.warehouses is not None:
        where += " AND (warehouse_id = ANY(%s) OR warehouse_id IS NULL)"
        params.append(sorted(actor.warehouses))
    rows = bulk.fetch(
        "SELECT (t->>'v')::int, t->>'o', count(*)::int, max(placed_at) FROM (SELECT trace AS t, placed_at"
        f" FROM orders_order WHERE placed_at >= %s AND trace IS NOT NULL{where}"
        " ORDER BY placed_at DESC, id DESC LIMIT %s) x GROUP BY 1, 2",
        [*params, SAMPLE],
    )
    rules = dict(RuleSet.objects.filter(version__in={row[0] for row in rows}).values_list("version", "rules"))
    ids = {number: [str(rule["id"]) for rule in some if not rule.get("off")] for number, some in rules.items()}
    out: dict[str, Figure] = {}
    total = 0
    for number, outcomes, n, last in rows:
        total += n
        for rule_id, letter in zip(ids.get(number, ()), outcomes or "", strict=False):
            one = out.setdefault(rule_id, Figure())
            one.asked += n if letter != "s" else 0
            one.decided += n if letter == "a" else 0
            one.matched += n if letter == "m" else 0
            if letter == "a" and (one.last is None or last > one.last):
                one.last = last
    return Figures(total, total >= SAMPLE, out)


# -- trials -----------------------------------------------------------------------------------------------------------


def trials(actor: Actor) -> list[RuleTrial]:
    """The newest, without their rules."""
    actor.require(permissions.RULES)
    rows = RuleTrial.objects.defer("rules").order_by("-pk")
    return [one for one in rows[: rule_trials.KEPT] if _may(actor, one)]


def _may(actor: Actor, trial: RuleTrial) -> bool:
    """Its figures are those of whoever started it: with a narrower scope one sees one's own only."""
    return trial.actor_id == actor.id or (actor.accounts is None and actor.warehouses is None)


def trial(actor: Actor, pk: int) -> tuple[RuleTrial, Job | None]:
    """Raises BusinessError ``rule_trial.not_found``."""
    actor.require(permissions.RULES)
    found = RuleTrial.objects.filter(pk=pk).first() if pk < 2**63 else None
    if found is None or not _may(actor, found):
        raise BusinessError("rule_trial.not_found")
    return found, Job.objects.defer("params", "checkpoint").filter(pk=found.job_id or 0).first()


def of_version(actor: Actor, number: int) -> RuleTrial | None:
    """The newest trial of the open orders for a version in force."""
    rows = RuleTrial.objects.defer("rules").filter(kind=RuleTrial.REROUTE, version=number).order_by("-pk")
    found = rows.first()
    return found if found is not None and _may(actor, found) else None


def under_way(trial: RuleTrial) -> bool:
    """Whether its job still works on it."""
    return trial.finished_at is None and Job.objects.filter(pk=trial.job_id or 0, state__in=jobs.OPEN).exists()


@dataclass
class TrialRow:
    id: int
    order_id: int
    external_id: str
    country: str
    placed_at: datetime | None
    state: str
    kinds: list[str]
    before: dict[str, Any]
    after: dict[str, Any]


def trial_rows(
    actor: Actor, trial_id: int, *, changed: bool, kind: str = "", rule_id: str = "", after: int = 0
) -> tuple[list[TrialRow], int | None]:
    """(rows in the order tried, id to go on after, None at the end). One query."""
    actor.require(permissions.RULES)
    where, params = ["r.trial_id = %s", "r.id > %s"], list[Any]([trial_id, after])
    if changed:
        where.append("r.changed")
    if kind:
        where.append("%s = ANY(r.kinds)")
        params.append(kind)
    if rule_id:
        where.append("(r.after->'hit' @> to_jsonb(%s::text) OR r.before->'hit' @> to_jsonb(%s::text))")
        params += [rule_id, rule_id]
    rows = bulk.fetch(
        "SELECT r.id, r.order_ref, coalesce(o.external_id, ''), coalesce(o.ship_country, ''), o.placed_at,"
        " coalesce(o.state, ''), r.kinds, r.before, r.after FROM orders_ruletrialrow r"
        f" LEFT JOIN orders_order o ON o.id = r.order_ref WHERE {' AND '.join(where)} ORDER BY r.id LIMIT %s",
        [*params, ROWS + 1],
    )
    found = [TrialRow(*row) for row in rows[:ROWS]]
    for one in found:
        one.after = bulk.unpacked(one.after)
        one.before = bulk.unpacked(one.before) or one.after
    return found, found[-1].id if len(rows) > ROWS else None


@dataclass
class Both:
    """One order under two rule lists: the outcomes, what differs, and each rule's explanation."""

    before: dict[str, Any]
    after: dict[str, Any]
    kinds: list[str]
    rules_before: list[RuleExplanation]
    rules_after: list[RuleExplanation]


def both(
    actor: Actor, order_id: int, base: int, rules: Sequence[Mapping[str, Any]], *, show_personal: bool
) -> Both | None:
    """Why the order would go where, by version ``base`` (0: none) and by ``rules``. None: its personal facts are purged,
    or the rules are not asked (no SKU, nothing to send)."""
    actor.require(permissions.VIEW)
    rows = facts.rows_as_new([order_id])
    if not rows or rows[0]["purged"]:
        return None
    row, lines = rows[0], facts.lines_of([order_id], as_new=True).get(order_id, [])
    where, gate = facts.places(), facts.barred([order_id]).get(order_id)
    sides = []
    for compiled in (rule_sets.compiled(base), rule_sets.compile_draft(rules)):
        found = trying.outcome(row, lines, compiled, where, gate)
        asked = trying.facts_for(row, lines, compiled)
        told = explain(compiled, asked, compiled.evaluate(asked).trace, show_personal=show_personal)
        sides.append((found, told))
    (before, told_before), (after, told_after) = sides
    return Both(before, after, trying.differs(before, after), told_before, told_after)


# -- the editor -------------------------------------------------------------------------------------------------------


@dataclass
class Probe:
    """How many of the newest orders a rule's conditions hold for, and some of them."""

    orders: int
    matched: int
    examples: list[tuple[int, str]]


def probe(actor: Actor, conditions: Mapping[str, Any]) -> Probe:
    """Conditions that ``rule_checks`` has let pass, asked of the newest PROBED orders. Three queries.

    Raises BusinessError ``rules.personal`` for conditions about buyers without the right to see them.
    """
    actor.require(permissions.RULES)
    rule = {"id": "probe", "conditions": conditions, "actions": [{"do": "tag", "value": "x"}]}
    compiled = rule_sets.compile_draft([rule], "probe")
    if not actor.can(SEE_PERSONAL) and any(field.personal for field in compiled.asked.values()):
        raise BusinessError("rules.personal")  # whether there is such a buyer is personal too
    ids = rule_trials.chosen(actor, {"kind": rule_trials.NEWEST, "n": PROBED})
    rows = {row["id"]: row for row in facts.rows_as_new(ids) if not row["purged"]}
    lines = facts.lines_of(list(rows), as_new=True)
    hits = []
    for pk in ids:
        if pk in rows and compiled.evaluate(trying.facts_for(rows[pk], lines.get(pk, []), compiled)).tags:
            hits.append((pk, f"S-{pk}"))
    return Probe(len(rows), len(hits), hits[:8])


Choice = tuple[str, str]


@dataclass
class Choices:
    """What the editor offers: (stored value, label). ``services`` and ``warehouses`` with those that are off, marked."""

    services: list[Choice]
    warehouses: list[Choice]
    accounts: list[Choice]
    platforms: list[str]
    sku_tags: list[str]
    tags: list[str]
    off: set[str]


def choices(actor: Actor) -> Choices:
    """Two queries."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(
        "SELECT 's', s.key, s.name, s.name_zh, s.active AND c.active FROM logistics_service s"
        " JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id"
        " UNION ALL SELECT 'w', code, name, '', active FROM inventory_warehouse WHERE kind <> 'platform'"
        " UNION ALL SELECT 'a', name, platform, id::text, true FROM channels_account ORDER BY 1, 3"
    )
    services: list[Choice] = []
    warehouses: list[Choice] = []
    accounts: list[Choice] = []
    platforms: set[str] = set()
    off: set[str] = set()
    for kind, key, name, name_zh, active in rows:
        if kind == "a":
            if not actor.sees_account(int(name_zh)):
                continue
            accounts.append((key, key))
            platforms.add(name)
            continue
        (services if kind == "s" else warehouses).append((key, named(name, name_zh)))
        if not active:
            off.add(f"{kind}:{key}")
    tags = bulk.fetch(
        "SELECT 0, t FROM (SELECT DISTINCT jsonb_array_elements_text(tags) AS t FROM inventory_sku"
        " WHERE jsonb_typeof(tags) = 'array' AND tags <> '[]'::jsonb LIMIT 500) x"
        " UNION ALL SELECT 1, t FROM (SELECT DISTINCT unnest(tags) AS t FROM (SELECT tags FROM orders_order"
        " ORDER BY placed_at DESC, id DESC LIMIT 2000) y) z ORDER BY 1, 2"
    )
    return Choices(
        services,
        warehouses,
        sorted(set(accounts)),
        sorted(platforms),
        [tag for kind, tag in tags if kind == 0],
        [tag for kind, tag in tags if kind == 1],
        off,
    )


def names(actor: Actor) -> dict[str, dict[str, str]]:
    """{action: {stored value: name}} for rules in words. One query."""
    rows = bulk.fetch(
        "SELECT 'service', key, name, name_zh FROM logistics_service"
        " UNION ALL SELECT 'warehouse', code, name, '' FROM inventory_warehouse"
    )
    out: dict[str, dict[str, str]] = {"service": {}, "warehouse": {}}
    for kind, key, name, name_zh in rows:
        out[kind][key] = named(name, name_zh)
    return out


def orders_to_try(actor: Actor) -> int:
    """Open orders, at most SAMPLE + 1, for the form. One cheap query over the kept counts."""
    where, params = "", list[Any]([list(rule_trials.OPEN)])
    if actor.accounts is not None:
        where, params = " AND account_id = ANY(%s)", [*params, sorted(actor.accounts)]
    rows = bulk.fetch(f"SELECT coalesce(sum(n), 0)::int FROM orders_ordercount WHERE state = ANY(%s){where}", params)
    return max(0, int(rows[0][0]))
