"""Trying rules on orders that are there: nothing of an order is touched and no stock is set aside.

A trial is a job over at most 20,000 orders. It asks what routing itself asks (``orders.routing.route``), once by the
rules in force and once by those of the draft, with the facts as they are now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock, jobs
from core.audit import record
from core.errors import BusinessError
from core.jobs import JobRun
from core.permissions import Actor
from core.rules import CompiledRules
from orders import facts, permissions, routing, states, trying
from orders.incoming import dumps
from orders.models import RuleSet, RuleTrial
from orders.services import rule_edits
from orders.services import rules as rule_sets

JOB = "orders.try_rules"
MOST = 20_000
BATCH = 500
KEPT = 12  # trials
MOST_DAYS = 365
LEFT_OUT = (states.CANCELLED, states.COMBINED, states.PLATFORM)
OPEN = (
    states.NEW,
    states.PENDING,
    states.UNMATCHED,
    states.ADDRESS,
    states.HELD,
    states.SHORT,
    states.READY,
    states.FAILED,
)
DAYS, NEWEST, WAITING, NAMED = "days", "newest", "open", "list"
ROUTED = "routed"  # open orders that routing again may touch; the others are decided later, or are in somebody's hand
MOVABLE = (states.READY, states.SHORT, states.HELD, states.FAILED)
# Held by what rules decide; what a person held stays held.
BY_RULES = "(o.state <> 'held' OR o.reason_code = 'order.held_by_rule' OR o.reason_code LIKE 'route.%%')"
PARCEL = (
    "EXISTS (SELECT 1 FROM orders_consignment c JOIN logistics_shipment p ON p.id = c.shipment_id"
    " WHERE c.order_id = o.id AND c.state = 'open' AND p.waybill <> '')"
)
Scope = dict[str, Any]


# -- which orders -----------------------------------------------------------------------------------------------------


def chosen(actor: Actor, scope: Scope, text: str = "") -> list[int]:
    """Ids of the orders of a scope that the actor may see, at most MOST. ``text``: pasted order numbers (NAMED); those
    that are not found are put into ``scope["missing"]``."""
    kind = scope["kind"]
    where = ["o.state <> ALL(%s)", "NOT o.platform_fulfilled"]
    params: list[Any] = [list(LEFT_OUT)]
    if actor.accounts is not None:
        where.append("o.account_id = ANY(%s)")
        params.append(sorted(actor.accounts))
    if actor.warehouses is not None:
        where.append("(o.warehouse_id = ANY(%s) OR o.warehouse_id IS NULL)")
        params.append(sorted(actor.warehouses))
    order, limit = "o.placed_at DESC, o.id DESC", MOST
    if kind == DAYS:
        where.append("o.placed_at >= %s")
        params.append(clock.now() - timedelta(days=scope["n"]))
    elif kind == NEWEST:
        limit = scope["n"]
    elif kind == WAITING:
        where.append("o.state = ANY(%s)")
        params.append(list(OPEN))
        order = "o.ship_by NULLS LAST, o.id"
    elif kind == ROUTED:
        where += ["o.state = ANY(%s)", BY_RULES, "o.conflict = ''", f"(o.state <> 'failed' OR NOT {PARCEL})"]
        params.append(list(MOVABLE))
        order = "o.ship_by NULLS LAST, o.id"
    else:
        ids, scope["missing"] = _named(text)
        where.append("o.id = ANY(%s)")
        params.append(ids)
    sql = f"SELECT o.id FROM orders_order o WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %s"
    return [row[0] for row in bulk.fetch(sql, [*params, min(limit, MOST)])]


def _named(text: str) -> tuple[list[int], list[str]]:
    """(ids, what was not found) of pasted numbers: ours (S-17) and the marketplaces'."""
    words = list(dict.fromkeys(re.split(r"[\s,;，；、]+", text.strip())))[:MOST]
    ours = {word: int(word[2:]) for word in words if re.fullmatch(r"[Ss]-\d{1,18}", word)}
    others = [word for word in words if word and word not in ours]
    ids = {row[0] for row in bulk.fetch("SELECT id FROM orders_order WHERE id = ANY(%s)", [list(ours.values())])}
    found = bulk.fetch(
        "SELECT o.id, o.external_id FROM channels_account a JOIN orders_order o ON o.account_id = a.id"
        " AND o.external_id = ANY(%s)"
        " UNION ALL SELECT id, external_id FROM orders_order WHERE account_id IS NULL AND external_id = ANY(%s)",
        [others, others],
    )
    known = {external for _, external in found}
    missing = [word for word, pk in ours.items() if pk not in ids] + [word for word in others if word not in known]
    return sorted(ids | {pk for pk, _ in found}), missing[:50]


# -- starting ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def start(*, actor: Actor, scope: Scope, text: str = "") -> RuleTrial:
    """Try the draft on orders. ``scope``: {"kind": days | newest | open | list, "n"}.

    Raises BusinessError ``rules.trial_bad_scope``, ``rules.trial_no_orders``.
    """
    actor.require(permissions.RULES)
    number = scope.get("n")
    limits = {DAYS: MOST_DAYS, NEWEST: MOST}
    if scope.get("kind") not in (DAYS, NEWEST, WAITING, NAMED):
        raise BusinessError("rules.trial_bad_scope", most_days=MOST_DAYS, most=MOST)
    if scope["kind"] in limits and not (isinstance(number, int) and 1 <= number <= limits[scope["kind"]]):
        raise BusinessError("rules.trial_bad_scope", most_days=MOST_DAYS, most=MOST)
    draft = rule_edits.current()
    made = _start(actor, RuleTrial.DRAFT, draft.version, None, draft.rules, dict(scope), text)
    if made is None:
        raise BusinessError("rules.trial_no_orders")
    return made


def of_version(*, actor: Actor, published: RuleSet) -> RuleTrial | None:
    """Which open orders a version in force would route otherwise; None when there are none. Inside the caller's
    transaction."""
    return _start(actor, RuleTrial.REROUTE, 0, published.version, published.rules, {"kind": ROUTED}, "")


def _start(
    actor: Actor,
    kind: str,
    base: int,
    version: int | None,
    rules: Sequence[Mapping[str, Any]],
    scope: Scope,
    text: str,
) -> RuleTrial | None:
    ids = chosen(actor, scope, text)
    if not ids:
        return None
    old = RuleTrial.objects.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 :]
    RuleTrial.objects.filter(pk__in=list(old)).delete()
    made: RuleTrial = RuleTrial.objects.create(
        kind=kind,
        base=base,
        version=version,
        rules=list(rules),
        scope=scope,
        created_at=clock.now(),
        actor_id=actor.id,
        actor_label=actor.label,
    )
    title = "job.try_rules" if version is None else "job.try_version"
    started = jobs.start(
        actor, JOB, title, {"n": len(ids), "version": version}, {"trial": made.pk, "ids": ids}, total=len(ids)
    )
    made.job_id = started.pk
    made.save(update_fields=["job_id"])
    record(actor, "ruleset", None, "rules.tried", orders=len(ids))
    return made


# -- running ----------------------------------------------------------------------------------------------------------


@jobs.job(JOB)
def run(job: JobRun) -> None:
    """Checkpoint: {"at": orders done, "rules": {id: [before, after]}, "left": {reason: n}}."""
    trial = RuleTrial.objects.filter(pk=job.params["trial"]).first()
    if trial is None:
        raise BusinessError("rule_trial.not_found")
    ids: list[int] = job.params["ids"]
    state = job.checkpoint or {"at": 0, "rules": {}, "left": {}}
    after = rule_sets.compile_draft(trial.rules, trial.version or rule_sets.DRAFT)
    while state["at"] < len(ids):
        batch = ids[state["at"] : state["at"] + BATCH]
        made, left = try_page(batch, after, base=None if trial.kind == RuleTrial.REROUTE else trial.base)
        state = _counted(state, made, left, len(batch))
        with job.step(checkpoint=state) as step:
            bulk.insert(
                "orders_ruletrialrow",
                ("trial_id", "order_ref", "changed", "kinds", "before", "after"),
                [
                    (trial.pk, pk, bool(kinds), kinds, dumps(old) if kinds else None, dumps(new))
                    for pk, kinds, old, new in made
                ],
            )
            step.done = len(batch)
    if trial.finished_at is None:
        with job.step():
            _finish(trial, state)


Tried = tuple[int, list[str], dict[str, Any], dict[str, Any]]  # order, what differs, before, after


def try_page(order_ids: Sequence[int], after: CompiledRules, *, base: int | None) -> tuple[list[Tried], dict[str, int]]:
    """Each order's route by the version ``base`` (None: the one that decided it) and by ``after``; and how many were
    left out, by reason. Six queries a page, whatever its size; one more for each version not compiled yet."""
    found: list[Tried] = []
    left: dict[str, int] = {}
    rows = facts.rows_as_new(order_ids)
    kept = [row["id"] for row in rows if not row["purged"]]
    lines = facts.lines_of(kept, as_new=True)
    where, barred = facts.places(), facts.barred(kept)
    own = base is None
    let_go = let_go_by_hand(kept) if own else set()
    versions = {row["was"] for row in rows} if own else {base or 0}
    known = {version: rule_sets.compiled(version) for version in versions if version or not own}
    for row in rows:
        reason = "purged" if row["purged"] else "undecided" if own and not row["was"] else ""
        if reason:
            left[reason] = left.get(reason, 0) + 1
            continue
        if row["id"] in let_go:
            row["reason_code"] = routing.LET_GO
        before_rules = known[row["was"] if own else base or 0]
        mine, gate = lines.get(row["id"], []), barred.get(row["id"])
        before = trying.outcome(row, mine, before_rules, where, gate)
        new = trying.outcome(row, mine, after, where, gate)
        found.append((row["id"], trying.differs(before, new), before, new))
    return found, left


def let_go_by_hand(order_ids: Sequence[int]) -> set[int]:
    """Orders that a person let go after a rule had held them: they are not held for it again."""
    rows = bulk.fetch(
        "SELECT DISTINCT object_id FROM records_auditentry WHERE kind = 'order' AND object_id = ANY(%s)"
        " AND code = 'order.to_new' AND actor_kind = 'user' AND params->>'from' = 'held' AND params->>'why' IS NULL",
        [list(order_ids)],
    )
    return {row[0] for row in rows}


def _counted(state: dict[str, Any], made: Sequence[Tried], left: Mapping[str, int], size: int) -> dict[str, Any]:
    rules: dict[str, list[int]] = {pk: list(pair) for pk, pair in state["rules"].items()}
    for _pk, _kinds, before, after in made:
        for place, one in enumerate((before, after)):
            for rule_id in one["hit"]:
                rules.setdefault(rule_id, [0, 0])[place] += 1
    reasons = dict(state["left"])
    for reason, n in left.items():
        reasons[reason] = reasons.get(reason, 0) + n
    return {"at": state["at"] + size, "rules": rules, "left": reasons}


def _finish(trial: RuleTrial, state: Mapping[str, Any]) -> None:
    total, changed = bulk.fetch(
        "SELECT count(*), count(*) FILTER (WHERE changed) FROM orders_ruletrialrow WHERE trial_id = %s", [trial.pk]
    )[0]
    kinds = dict(
        bulk.fetch(
            "SELECT k, count(*) FROM orders_ruletrialrow, unnest(kinds) AS k WHERE trial_id = %s GROUP BY k", [trial.pk]
        )
    )
    trial.orders, trial.changed, trial.finished_at = total, changed, clock.now()
    trial.figures = {"kinds": kinds, "rules": state["rules"], "left": state["left"]}
    trial.save(update_fields=["orders", "changed", "figures", "finished_at"])
