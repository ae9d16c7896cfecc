"""Rules: the draft in order, the editor of one rule, publishing, versions and rolling back."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.rules import cover
from core.rules.changes import diff, mark
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from orders import forms_rules, permissions, queries_rules, rule_checks, rule_words
from orders.services import rule_edits, rule_publishing
from orders.services.rule_edits import Draft, RuleChanged

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


# -- the list -----------------------------------------------------------------------------------------------------------


def _shown(request: PageRequest, draft: Draft, **more: Any) -> dict[str, Any]:
    names = queries_rules.names(request.actor)
    changes = draft.changes
    return {
        "draft": draft,
        "rows": rule_words.rows(draft.rules, names, changes, cover.warnings(draft.rules), draft.clashes),
        "removed": [rule_words.row(rule, names) for rule in draft.removed],
        "changes": changes,
        "told": rule_words.told(changes, names),
        "summary": rule_words.summary(changes),
        "may": request.actor.can(permissions.RULES),
        **more,
    }


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    draft = rule_edits.current()
    published = queries_rules.version(request.actor, draft.version) if draft.version else None
    return render(request, "orders/rules.html", _shown(request, draft, published=published))


@page(permissions.VIEW)
def figures(request: PageRequest) -> HttpResponse:
    """How often each rule decided, after the page has been drawn."""
    found = queries_rules.figures(request.actor)
    rules = [(str(rule["id"]), bool(rule.get("off"))) for rule in rule_edits.current().rules]
    rows = [(pk, off, found.rules.get(pk)) for pk, off in rules]
    return render(request, "orders/_rules_figures.html", {"figures": found, "rows": rows})


@page(permissions.RULES, methods=POST)
def arrange(request: PageRequest) -> HttpResponse:
    """One act on the draft: ``act`` is ``what:rule`` (place: ``place:rule:before``). Answers the list anew."""
    what, _sep, rest = request.POST.get("act", "").partition(":")
    rule_id, _sep, before = rest.partition(":")
    actor, said, undo = request.actor, "", ""
    if what in ("up", "down"):
        draft = rule_edits.move(actor=actor, rule_id=rule_id, step=-1 if what == "up" else 1)
        said = _("Place {n}.").format(n=draft.index(rule_id) + 1)
    elif what == "place":
        draft = rule_edits.move(actor=actor, rule_id=rule_id, before=before)
        said = _("Place {n}.").format(n=draft.index(rule_id) + 1)
    elif what in ("on", "off"):
        draft = rule_edits.switch(actor=actor, rule_id=rule_id, on=what == "on")
        said = _("Switched on.") if what == "on" else _("Switched off.")
    elif what == "remove":
        draft = rule_edits.remove(actor=actor, rule_id=rule_id)
        said, undo = _("Removed from the draft."), rule_id
    elif what == "put_back":
        draft = rule_edits.put_back(actor=actor, rule_id=rule_id)
        said = _("Put back.")
    elif what == "copy":
        known = rule_edits.current().find(rule_id)
        name = _("Copy of {name}").format(name=(known or {}).get("name", ""))
        made = rule_edits.duplicate(actor=actor, rule_id=rule_id, name=name)
        return done(
            request, reverse("orders:rule", args=[made]), _("Copied. It is off until you switch it on in the list.")
        )
    else:
        raise BusinessError("rules.unknown_act")
    if not request.htmx:
        return done(request, reverse("orders:rules"), said)
    return render(request, "orders/_rules_list.html", _shown(request, draft, said=said, undo=undo))


# -- one rule -----------------------------------------------------------------------------------------------------------


def _editor(request: PageRequest, rule: dict[str, Any], **more: Any) -> HttpResponse:
    offered = queries_rules.choices(request.actor)
    problems = more.pop("problems", [])
    at: dict[str, str] = {}
    for one in problems:
        at.setdefault(one["path"], rule_words.problem(one))
    conditions, typed = rule.get("conditions"), forms_rules.typed(rule)
    wrong = {path.removeprefix("actions."): said for path, said in at.items() if not path.startswith("conditions")}
    known = {"", "actions", "stop"}
    context = {
        "rule": rule,
        "typed": typed,
        "conditions": conditions if isinstance(conditions, dict) else {"all": []},
        "words": forms_rules.vocabulary(offered),
        "offered": offered,
        "places": [
            _choice("service", _("Service"), offered.services, typed, offered.off, wrong),
            _choice("warehouse", _("Warehouse"), offered.warehouses, typed, offered.off, wrong),
        ],
        "wrong": wrong,
        "beside": {path: said for path, said in at.items() if path.startswith("conditions")},
        "elsewhere": [said for path, said in wrong.items() if path in known],
        **more,
    }
    return render(request, "orders/rule_edit.html", context, status=422 if problems or more.get("theirs_said") else 200)


def _choice(
    kind: str, label: str, rows: list[tuple[str, str]], typed: dict[str, Any], off: set[str], wrong: dict[str, str]
) -> dict[str, Any]:
    """A place to choose; one that is switched off, or gone, stays choosable where a rule names it already."""
    value = typed[f"do_{kind}"]
    options = [(key, f"{name} ({_('off')})" if f"{kind[0]}:{key}" in off else name) for key, name in rows]
    if value and value not in dict(rows):
        options.insert(0, (value, f"{value} ({_('not there')})"))
    return {"kind": kind, "label": label, "value": value, "options": options, "error": wrong.get(kind)}


def _saved(request: PageRequest, rule: dict[str, Any], was: str) -> HttpResponse:
    """Save what was typed, or the editor again with everything as typed and the reason."""
    try:
        rule_edits.save(actor=request.actor, rule=rule, was=was)
    except RuleChanged as error:
        names = queries_rules.names(request.actor)
        theirs = rule_words.row(error.theirs, names) if error.theirs else None
        parts = rule_words.told(diff([error.theirs], [rule]), names) if error.theirs else []
        fresh = mark(error.theirs) if error.theirs else ""
        return _editor(request, rule, was=fresh, theirs=theirs, differs=parts, theirs_said=sentence(error))
    except BusinessError as error:
        if error.code != "rules.invalid":
            return _editor(request, rule, was=was, theirs_said=sentence(error))
        return _editor(request, rule, was=was, problems=error.params["problems"])
    return done(request, reverse("orders:rules"), _("Saved in the draft. It counts once the draft is published."))


@page(permissions.RULES, methods=BOTH)
def add(request: PageRequest) -> HttpResponse:
    if request.method == "POST":
        return _saved(request, forms_rules.read(request.POST), "")
    return _editor(request, {"conditions": {"all": []}}, was="")


@page(permissions.RULES, methods=BOTH)
def edit(request: PageRequest, rule: str) -> HttpResponse:
    if request.method == "POST":
        return _saved(request, forms_rules.read(request.POST, rule), request.POST.get("was", ""))
    known = rule_edits.current().find(rule)
    if known is None:
        raise BusinessError("rule.not_found")
    return _editor(request, known, was=mark(known))


@page(permissions.RULES, methods=POST)
def check(request: PageRequest) -> HttpResponse:
    """For the editor's script: what is wrong with the conditions, and how many of the newest orders they hold for."""
    rule = forms_rules.read(request.POST) | {"name": "check", "actions": [{"do": "tag", "value": "check"}]}
    found = [one for one in rule_checks.problems(rule) if one["path"].startswith("conditions")]
    if found:
        at = {one["path"]: rule_words.problem(one) for one in reversed(found)}
        return JsonResponse({"problems": at, "said": _("Correct the marked conditions first.")})
    try:
        probe = queries_rules.probe(request.actor, rule["conditions"])
    except BusinessError as error:
        return JsonResponse({"problems": {}, "said": sentence(error)})
    said = _("Holds for {n} of the {all} newest orders.").format(n=probe.matched, all=probe.orders)
    orders = [[label, reverse("orders:show", args=[pk])] for pk, label in probe.examples]
    return JsonResponse({"problems": {}, "said": said, "orders": orders})


# -- putting in force ---------------------------------------------------------------------------------------------------


@page(permissions.RULES, methods=POST)
def publish(request: PageRequest) -> HttpResponse:
    made = rule_publishing.publish(
        actor=request.actor, stamp=request.POST.get("stamp", ""), note=request.POST.get("note", "").strip()
    )
    text = _("Version {n} is in force.").format(n=made.version)
    return done(request, reverse("orders:rules_version", args=[made.version]), text)


@page(permissions.RULES, methods=POST)
def discard(request: PageRequest) -> HttpResponse:
    rule_edits.discard(actor=request.actor, stamp=request.POST.get("stamp", ""))
    return done(request, reverse("orders:rules"), _("The draft is gone; the version in force stands as it was."))


@page(permissions.RULES, methods=POST)
def roll_back(request: PageRequest, version: int) -> HttpResponse:
    given = request.POST.get("in_force", "")
    made = rule_publishing.roll_back(
        actor=request.actor,
        version=version,
        in_force=int(given) if given.isdecimal() and len(given) < 10 else -1,
        note=_("Back to version {n}").format(n=version),
    )
    text = _("Version {n} is in force, with the rules of version {old}.").format(n=made.version, old=version)
    return done(request, reverse("orders:rules_version", args=[made.version]), text)


@page(permissions.RULES, methods=POST)
def take(request: PageRequest, version: int) -> HttpResponse:
    """Bring one rule of this version into the draft."""
    rule_edits.take(actor=request.actor, version=version, rule_id=request.POST.get("rule", ""))
    return done(
        request, reverse("orders:rules"), _("The rule stands in the draft as it was in version {n}.").format(n=version)
    )


# -- versions -----------------------------------------------------------------------------------------------------------


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


@page(permissions.VIEW)
def versions(request: PageRequest) -> HttpResponse:
    found, more = queries_rules.versions(request.actor, before=_number(request.GET.get("before")))
    names = queries_rules.names(request.actor)
    rows = [(one, rule_words.summary(one.changes), rule_words.told(one.changes[:12], names)) for one in found]
    current = rule_edits.current()
    return render(request, "orders/rules_versions.html", {"rows": rows, "more": more, "current": current.version})


@page(permissions.VIEW)
def version(request: PageRequest, version: int) -> HttpResponse:
    """One version: its rules, and what differs from the one before it or from any other (``with``)."""
    actor = request.actor
    found = queries_rules.version(actor, version)
    asked = _number(request.GET.get("with"))
    other = queries_rules.version(actor, asked if asked is not None else version - 1)
    changes = diff(other.rules, found.rules)
    names = queries_rules.names(actor)
    known = queries_rules.numbers(actor)
    may = actor.can(permissions.RULES)
    trial = queries_rules.of_version(actor, version) if may and known and known[0] == version else None
    context = {
        "found": found,
        "other": other,
        "told": rule_words.told(changes, names),
        "summary": rule_words.summary(changes),
        "rows": rule_words.rows(found.rules, names),
        "numbers": [0, *known],
        "current": known[0] if known else 0,
        "may": may,
        "trial": trial,
        "waiting": trial is not None and queries_rules.under_way(trial),
    }
    return render(request, "orders/rules_version.html", context)
