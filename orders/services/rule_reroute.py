"""Routing open orders again after other rules came into force: those alone whose route changes, and none that a person
or a carrier has in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from core import bulk, jobs
from core.audit import record_many
from core.errors import BusinessError
from core.jobs import JobRun, Step
from core.permissions import Actor
from core.records.models import Job
from orders import permissions, routing, states
from orders.models import RuleSet, RuleTrial
from orders.services.release import release
from orders.services.rule_trials import BY_RULES, MOVABLE, PARCEL, let_go_by_hand

JOB = "orders.reroute"
BATCH = 100
_LOCKED = (
    f"SELECT o.id, o.state, o.account_id, o.warehouse_id, o.conflict, {BY_RULES}, {PARCEL}"
    " FROM orders_order o WHERE o.id = ANY(%s) ORDER BY o.id FOR UPDATE OF o"
)


@transaction.atomic
def start(*, actor: Actor, trial_id: int) -> Job:
    """Route the changed orders of a finished trial of the version in force.

    Raises BusinessError ``rule_trial.not_found``, ``rules.trial_running``, ``rules.changed_meanwhile``,
    ``rules.reroute_nothing``, ``rules.reroute_started``.
    """
    actor.require(permissions.RULES)
    actor.require(permissions.ROUTE)
    trial = RuleTrial.objects.select_for_update().filter(pk=trial_id, kind=RuleTrial.REROUTE).first()
    if trial is None:
        raise BusinessError("rule_trial.not_found")
    if trial.finished_at is None:
        raise BusinessError("rules.trial_running")
    if trial.version != _in_force():
        raise BusinessError("rules.changed_meanwhile")
    if not trial.changed:
        raise BusinessError("rules.reroute_nothing")
    if trial.figures.get("rerouted_by"):
        raise BusinessError("rules.reroute_started")
    made = jobs.start(actor, JOB, "job.reroute", {"version": trial.version}, {"trial": trial.pk}, total=trial.changed)
    trial.figures |= {"rerouted_by": made.pk}
    trial.save(update_fields=["figures"])
    return made


def _in_force() -> int:
    return RuleSet.objects.order_by("-version").values_list("version", flat=True).first() or 0


@jobs.job(JOB)
def run(job: JobRun) -> None:
    """Checkpoint: the trial's row done last."""
    trial = RuleTrial.objects.filter(pk=job.params["trial"]).first()
    if trial is None:
        raise BusinessError("rule_trial.not_found")
    at = int(job.checkpoint or 0)
    while rows := bulk.fetch(
        "SELECT id, order_ref FROM orders_ruletrialrow WHERE trial_id = %s AND changed AND id > %s ORDER BY id LIMIT %s",
        [trial.pk, at, BATCH],
    ):
        at = rows[-1][0]
        with job.step(checkpoint=at) as step:
            if trial.version != _in_force():
                raise BusinessError("rules.changed_meanwhile")
            reroute([row[1] for row in rows], job.actor, step)


def reroute(order_ids: Sequence[int], actor: Actor, step: Step) -> None:
    """Let the rules decide these orders anew, in the caller's transaction; what may not be touched is named in the
    step's log."""
    by_state: dict[str, list[int]] = {}
    for pk, state, account, place, conflict, by_rules, parcel in bulk.fetch(_LOCKED, [list(order_ids)]):
        code = ""
        if not actor.sees_account(account) or not actor.sees_warehouse(place):
            code = "order.not_found"
        elif not by_rules:
            code = "rules.reroute_held"
        elif state not in MOVABLE or parcel:
            code = "rules.reroute_too_late"
        elif conflict:
            code = "rules.reroute_conflict"
        if code:
            step.fail(pk, f"S-{pk}", code, state=state)
        else:
            by_state.setdefault(state, []).append(pk)
    going = [pk for ids in by_state.values() for pk in ids]
    freed = let_go_by_hand(going)
    history: list[tuple[str, int | None, str, dict[str, Any]]] = []
    for state, ids in by_state.items():
        moved = states.move(ids, states.NEW, expected=[state])
        history += [("order", pk, "order.to_new", {"from": state, "why": "rules"}) for pk in moved]
    record_many(actor, history)
    if freed:
        bulk.execute("UPDATE orders_order SET reason_code = %s WHERE id = ANY(%s)", [routing.LET_GO, sorted(freed)])
    release(order_ids=[pk for pk in order_ids if pk in set(going)], actor=actor)
    step.done = len(going)
