"""Trying rules on orders: start, progress, the difference order by order, why for one order, and routing open ones again."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import jobs
from core.permissions import SEE_PERSONAL, Actor
from core.rules.changes import diff
from core.ui.requests import PageRequest
from core.ui.views import done, page
from core.words import say
from orders import explaining, permissions, queries, queries_rules, rule_words, trying
from orders.models import RuleTrial
from orders.services import rule_edits, rule_reroute, rule_trials

POST = ("POST",)
DAYS, NEWEST = 30, 1000


def _scope_said(scope: dict[str, Any]) -> str:
    number = scope.get("n") or 0
    return {
        rule_trials.DAYS: ngettext("orders of the last {n} day", "orders of the last {n} days", number).format(
            n=number
        ),
        rule_trials.NEWEST: ngettext("the newest order", "the {n} newest orders", number).format(n=number),
        rule_trials.WAITING: _("open orders"),
        rule_trials.ROUTED: _("open orders"),
    }.get(str(scope.get("kind")), _("a list of orders"))


@page(permissions.RULES)
def trials(request: PageRequest) -> HttpResponse:
    """The form, and what was tried lately."""
    draft = rule_edits.current()
    context = {
        "draft": draft,
        "changes": draft.changes,
        "summary": rule_words.summary(draft.changes),
        "open": queries_rules.orders_to_try(request.actor),
        "trials": [(one, _scope_said(one.scope)) for one in queries_rules.trials(request.actor)],
        "days": str(DAYS),
        "newest": str(NEWEST),
        "most": rule_trials.MOST,
        "limit": str(rule_trials.MOST),
    }
    return render(request, "orders/rules_try.html", context)


@page(permissions.RULES, methods=POST)
def start(request: PageRequest) -> HttpResponse:
    given = request.POST
    kind = given.get("kind", "")
    number = given.get(f"n_{kind}", "")
    scope: dict[str, Any] = {"kind": kind}
    if kind in (rule_trials.DAYS, rule_trials.NEWEST):
        scope["n"] = int(number) if number.isdecimal() and len(number) < 8 else 0
    made = rule_trials.start(actor=request.actor, scope=scope, text=given.get("numbers", ""))
    return done(request, reverse("orders:rules_trial", args=[made.pk]))


def _rule_names(trial: RuleTrial, base: list[dict[str, Any]]) -> dict[str, str]:
    return {str(rule["id"]): str(rule.get("name") or rule["id"]) for rule in (*base, *trial.rules)}


@page(permissions.RULES)
def trial(request: PageRequest, pk: int) -> HttpResponse:
    """Progress until it is done, then the result; further rows alone for ``part=rows``."""
    actor, given = request.actor, request.GET
    found, job = queries_rules.trial(actor, pk)
    if found.finished_at is None:
        waiting = {"trial": found, "job": job, "scope": _scope_said(found.scope), "open": jobs.OPEN}
        template = "orders/_trial_progress.html" if given.get("part") == "progress" else "orders/rules_trial.html"
        return render(request, template, waiting)
    if given.get("part") == "progress":
        return HttpResponse(headers={"HX-Redirect": reverse("orders:rules_trial", args=[pk])})
    kind = given.get("kind", "") if given.get("kind", "") in trying.KINDS else ""
    rule_id = given.get("rule", "")[:40]
    everything = given.get("show") == "all"
    after = given.get("after", "")
    rows, more = queries_rules.trial_rows(
        actor,
        pk,
        changed=not everything,
        kind=kind,
        rule_id=rule_id,
        after=int(after) if after.isdecimal() and len(after) < 19 else 0,
    )
    names = queries_rules.names(actor)
    base = queries_rules.version(actor, found.base).rules if found.base else []
    called = _rule_names(found, base)
    shown = [
        (row, rule_words.seen(row.before, names, called), rule_words.seen(row.after, names, called)) for row in rows
    ]
    keep = f"show={'all' if everything else 'changed'}&kind={kind}&rule={rule_id}"
    context: dict[str, Any] = {"trial": found, "rows": shown, "next": f"{keep}&after={more}" if more else ""}
    if given.get("part") == "rows":
        return render(request, "orders/_trial_rows.html", context)
    context |= _summary(found, called, actor) | {
        "kind": kind,
        "rule": rule_id,
        "rule_name": called.get(rule_id, rule_id),
        "everything": everything,
        "scope": _scope_said(found.scope),
        "job": job,
    }
    return render(request, "orders/rules_trial.html", context)


def _summary(found: RuleTrial, called: dict[str, str], actor: Actor) -> dict[str, Any]:
    kinds = found.figures.get("kinds", {})
    rules = [(pk, called.get(pk, pk), pair[0], pair[1]) for pk, pair in found.figures.get("rules", {}).items()]
    order = {str(rule["id"]): place for place, rule in enumerate(found.rules)}
    rules.sort(key=lambda one: order.get(one[0], 9999))
    quiet = [
        called[pk]
        for rule in found.rules
        if not rule.get("off") and (pk := str(rule["id"])) not in found.figures.get("rules", {})
    ]
    stale = bool(diff(found.rules, rule_edits.current().rules)) if found.kind == RuleTrial.DRAFT else False
    return {
        "kinds": [(kind, say(f"rules.kind.{kind}"), kinds[kind]) for kind in trying.KINDS if kinds.get(kind)],
        "rules": rules,
        "quiet": quiet,
        "left": [(say(f"rules.left.{reason}"), n) for reason, n in found.figures.get("left", {}).items()],
        "same": found.orders - found.changed,
        "stale": stale,
        "rerouted": found.figures.get("rerouted_by"),
        "may_route": actor.can(permissions.ROUTE),
    }


@page(permissions.RULES)
def why(request: PageRequest, pk: int) -> HttpResponse:
    """One order under both: a trial's, or the version in force and the draft."""
    actor = request.actor
    order = queries.get(actor, pk)
    given = request.GET.get("trial", "")
    trial = queries_rules.trial(actor, int(given))[0] if given.isdecimal() and len(given) < 19 else None
    draft = rule_edits.current()
    rules = trial.rules if trial is not None else draft.rules
    base = trial.base if trial is not None else draft.version
    if trial is not None and trial.kind == RuleTrial.REROUTE:
        base = int((order.trace or {}).get("v") or 0)
    both = queries_rules.both(actor, pk, base, rules, show_personal=actor.can(SEE_PERSONAL))
    names = queries_rules.names(actor)
    context: dict[str, Any] = {"order": order, "trial": trial, "base": base, "both": both, "draft": draft}
    if both is not None:
        called = {str(rule["id"]): str(rule.get("name") or rule["id"]) for rule in rules}
        called |= {one.rule_id: one.name for one in both.rules_before if one.name}
        context["sides"] = [
            (
                rule_words.seen(found, names, called),
                [explaining.shown(one, names["service"], names["warehouse"]) for one in told],
            )
            for found, told in ((both.before, both.rules_before), (both.after, both.rules_after))
        ]
        context["kinds"] = [say(f"rules.kind.{kind}") for kind in both.kinds]
    return render(request, "orders/rules_why.html", context)


@page(permissions.RULES, methods=POST)
def reroute(request: PageRequest, pk: int) -> HttpResponse:
    rule_reroute.start(actor=request.actor, trial_id=pk)
    return done(request, reverse("jobs"), _("The open orders are being routed again."))
