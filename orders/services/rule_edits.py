"""The draft of the rules: edits gather there, several people may edit at once, and nothing counts until it is published.

There is one draft a tenant. It is written down as the whole list with the version that it began from; once another
version is in force, it is put on top of that one (``core.rules.changes.rebase``). Without edits there is no row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from core.rules.changes import Change, diff, mark, rebase, same
from core.rules.changes import part as rule_part
from orders import permissions, rule_checks
from orders.models import RuleDraft, RuleSet
from orders.services import rules as rule_sets
from orders.services.rules import AT, BY, MOST_RULES, OFF

REMOVED = "removed"  # marks a rule that was taken out of the draft and can be put back until it is published
_EDITING = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || ':rule_edits'))"
Rule = dict[str, Any]


@dataclass
class Draft:
    """``version`` is in force with ``published``; ``rules`` are those of the draft in order, ``removed`` what was taken
    out of it. ``clashes``: rules that were changed here and by the version that came into force meanwhile.

    ``stamp`` tells one state of the draft from another; '' without edits.
    """

    version: int
    published: list[Rule]
    rules: list[Rule]
    removed: list[Rule] = field(default_factory=list)
    clashes: tuple[str, ...] = ()
    stamp: str = ""
    updated_at: datetime | None = None
    by: str = ""

    @property
    def changes(self) -> list[Change]:
        return diff(self.published, self.rules)

    def find(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if str(rule["id"]) == rule_id), None)

    def index(self, rule_id: str) -> int:
        """Raises BusinessError ``rule.not_found``."""
        for at, rule in enumerate(self.rules):
            if str(rule["id"]) == rule_id:
                return at
        raise BusinessError("rule.not_found")


class RuleChanged(BusinessError):
    """Somebody else changed (or removed) the same rule. ``theirs``: as it stands now, None when it is gone."""

    code = "rules.rule_changed"

    def __init__(self, code: str, theirs: Rule | None, **params: Any) -> None:
        self.theirs = theirs
        super().__init__(code, **params)


def current() -> Draft:
    """The draft as it stands, on top of the version in force. Two queries, three after a clash of versions."""
    published = RuleSet.objects.order_by("-version").first()
    version = published.version if published is not None else 0
    live: list[Rule] = list(published.rules) if published is not None else []
    row = RuleDraft.objects.order_by("pk").first()
    if row is None:
        return Draft(version, live, list(live))
    mine = [rule for rule in row.rules if not rule.get(REMOVED)]
    removed = [rule for rule in row.rules if rule.get(REMOVED)]
    clashes: tuple[str, ...] = ()
    if row.based_on != version:
        base = RuleSet.objects.filter(version=row.based_on).values_list("rules", flat=True).first() or []
        joined = rebase(base, live, mine)
        mine, clashes = joined.rules, joined.clashes
    return Draft(version, live, mine, removed, clashes, row.updated_at.isoformat(), row.updated_at, row.actor_label)


@contextmanager
def _editing(actor: Actor, act: str) -> Iterator[Draft]:
    """One edit after the other; what the block leaves in the draft is written, with an entry in the audit trail."""
    actor.require(permissions.RULES)
    with transaction.atomic():
        bulk.execute(_EDITING)
        draft = current()
        before = [*draft.rules, *draft.removed]
        yield draft
        if [*draft.rules, *draft.removed] == before:
            return
        if len(draft.rules) > MOST_RULES:
            raise BusinessError("rules.too_many", most=MOST_RULES)
        _write(draft, actor)
        touched = [str(rule.get("name", "")) for rule in (*draft.rules, *draft.removed) if rule not in before]
        record(actor, "ruledraft", None, "rules.edited", act=act, rule=", ".join(touched[:3])[:200])


def _write(draft: Draft, actor: Actor) -> None:
    row = RuleDraft.objects.order_by("pk").first() or RuleDraft()
    at = clock.now()
    if row.pk is not None and at <= row.updated_at:  # each state has a moment of its own, on any clock
        at = row.updated_at + timedelta(microseconds=1)
    row.rules, row.based_on = [*draft.rules, *draft.removed], draft.version
    row.updated_at, row.actor_label = at, actor.label
    row.save()
    draft.stamp, draft.updated_at, draft.by = at.isoformat(), at, actor.label


def _signed(rule: Mapping[str, Any], actor: Actor) -> Rule:
    plain = {name: value for name, value in rule.items() if name != REMOVED}
    return {**plain, BY: actor.label, AT: clock.now().isoformat()}


def save(*, actor: Actor, rule: Mapping[str, Any], was: str = "") -> str:
    """Add a rule (without ``id``) or change one, in the draft. Returns its id.

    ``was``: the ``mark`` of the rule as the editor began with it. Raises BusinessError ``rules.invalid`` with the
    problems and their paths, RuleChanged when somebody else changed or removed it meanwhile.
    """
    problems = rule_checks.problems(rule)
    if problems:
        raise BusinessError("rules.invalid", problems=problems)
    with _editing(actor, "save") as draft:
        pk = str(rule.get("id") or "")
        if not pk:
            pk = uuid.uuid4().hex[:10]
            draft.rules.insert(_place(draft.rules, rule), _signed({**rule, "id": pk}, actor))
            return pk
        theirs = draft.find(pk)
        if theirs is None:
            gone = next((one for one in draft.removed if str(one["id"]) == pk), None)
            if was:
                who = (gone or {}).get(BY) or draft.by
                raise RuleChanged("rules.rule_gone", None, who=who)
            draft.removed = [one for one in draft.removed if one is not gone]
            draft.rules.insert(_place(draft.rules, rule), _signed(rule, actor))
            return pk
        if was and mark(theirs) != was and not same(theirs, rule):
            raise RuleChanged("rules.rule_changed", theirs, who=theirs.get(BY) or draft.by, at=theirs.get(AT))
        if not same(theirs, rule):
            draft.rules[draft.index(pk)] = _signed(rule, actor)
    return pk


def _place(rules: Sequence[Rule], rule: Mapping[str, Any]) -> int:
    """Before the rules at the end that always hold, which would hide it; else at the end."""
    place = len(rules)
    if rule_part(rule, "conditions") != {"all": []}:
        while place and rule_part(rules[place - 1], "conditions") == {"all": []}:
            place -= 1
    return place


def move(*, actor: Actor, rule_id: str, step: int = 0, before: str | None = None) -> Draft:
    """Move a rule by ``step`` places, or before another one ('' : to the end). Others' edits are left as they are."""
    with _editing(actor, "move") as draft:
        at = draft.index(rule_id)
        rule = draft.rules.pop(at)
        if before is None:
            to = max(0, min(len(draft.rules), at + step))
        else:
            to = draft.index(before) if before and before != rule_id else (at if before else len(draft.rules))
        draft.rules.insert(to, rule)
    return draft


def switch(*, actor: Actor, rule_id: str, on: bool) -> Draft:
    """Let a rule be asked, or not."""
    with _editing(actor, "on" if on else "off") as draft:
        at = draft.index(rule_id)
        plain = {name: value for name, value in draft.rules[at].items() if name != OFF}
        if bool(draft.rules[at].get(OFF)) is on:
            draft.rules[at] = _signed(plain if on else {**plain, OFF: True}, actor)
    return draft


def duplicate(*, actor: Actor, rule_id: str, name: str) -> str:
    """A copy right behind the rule, switched off until it says something else. Returns its id."""
    pk = uuid.uuid4().hex[:10]
    with _editing(actor, "copy") as draft:
        at = draft.index(rule_id)
        draft.rules.insert(at + 1, _signed({**draft.rules[at], "id": pk, "name": name[:80], OFF: True}, actor))
    return pk


def remove(*, actor: Actor, rule_id: str) -> Draft:
    """Take a rule out of the draft; it can be put back until the draft is published. Twice does no harm."""
    with _editing(actor, "remove") as draft:
        if draft.find(rule_id) is None and any(str(one["id"]) == rule_id for one in draft.removed):
            return draft
        at = draft.index(rule_id)
        behind = str(draft.rules[at + 1]["id"]) if at + 1 < len(draft.rules) else ""
        draft.removed.append({**_signed(draft.rules.pop(at), actor), REMOVED: {"before": behind}})
    return draft


def put_back(*, actor: Actor, rule_id: str) -> Draft:
    """Undo ``remove``: the rule stands again before the one that followed it."""
    with _editing(actor, "put_back") as draft:
        found = next((one for one in draft.removed if str(one["id"]) == rule_id), None)
        if found is not None:
            draft.removed.remove(found)
            behind = found[REMOVED]["before"]
            plain = {name: value for name, value in found.items() if name != REMOVED}
            known = draft.find(behind) if behind else None
            draft.rules.insert(draft.rules.index(known) if known is not None else len(draft.rules), plain)
        elif draft.find(rule_id) is None:
            raise BusinessError("rule.not_found")
    return draft


def take(*, actor: Actor, version: int, rule_id: str) -> None:
    """Bring a rule of an earlier version into the draft as it was there. Raises BusinessError ``rule.not_found``."""
    rules: list[Rule] = RuleSet.objects.filter(version=version).values_list("rules", flat=True).first() or []
    found = next((rule for rule in rules if str(rule["id"]) == rule_id), None)
    if found is None:
        raise BusinessError("rule.not_found")
    with _editing(actor, "take") as draft:
        draft.removed = [one for one in draft.removed if str(one["id"]) != rule_id]
        if draft.find(rule_id) is None:
            draft.rules.insert(_place(draft.rules, found), _signed(found, actor))
        elif not same(draft.find(rule_id), found):
            draft.rules[draft.index(rule_id)] = _signed(found, actor)


@transaction.atomic
def discard(*, actor: Actor, stamp: str) -> None:
    """Throw the draft away. Raises BusinessError ``rules.draft_changed`` when it is not the one that was seen."""
    actor.require(permissions.RULES)
    _seen(stamp)
    if RuleDraft.objects.all().delete()[0]:
        record(actor, "ruledraft", None, "rules.edited", act="discard", rule="")


@transaction.atomic
def publish(*, actor: Actor, stamp: str, note: str = "") -> RuleSet:
    """Put the draft in force as a new version.

    Raises BusinessError ``rules.draft_changed`` when somebody edited it after ``stamp``, ``rules.no_changes``,
    ``rules.invalid``.
    """
    actor.require(permissions.RULES)
    draft = _seen(stamp)
    if not draft.changes:
        raise BusinessError("rules.no_changes")
    made = rule_sets.publish(actor=actor, rules=draft.rules, note=note)
    RuleDraft.objects.all().delete()
    return made


def _seen(stamp: str) -> Draft:
    bulk.execute(_EDITING)
    draft = current()
    if draft.stamp != stamp:
        if not draft.stamp:
            raise BusinessError("rules.draft_gone")
        raise BusinessError("rules.draft_changed", who=draft.by, at=draft.stamp)
    return draft


@transaction.atomic
def roll_back(*, actor: Actor, version: int, in_force: int, note: str = "") -> RuleSet:
    """Put an earlier version's rules in force again, as a new version. A draft stays, on top of it.

    ``in_force``: the version that the page showed. Raises BusinessError ``rules.changed_meanwhile``,
    ``ruleset.not_found``, ``rules.no_changes``.
    """
    actor.require(permissions.RULES)
    bulk.execute(_EDITING)
    newest = RuleSet.objects.order_by("-version").first()
    if newest is None or newest.version != in_force:
        raise BusinessError("rules.changed_meanwhile")
    wanted = RuleSet.objects.filter(version=version).first()
    if wanted is None:
        raise BusinessError("ruleset.not_found")
    if not diff(newest.rules, wanted.rules):
        raise BusinessError("rules.no_changes")
    made = rule_sets.publish(actor=actor, rules=wanted.rules, note=note)
    record(actor, "ruleset", made.pk, "rules.rolled_back", version=made.version, to=version)
    return made
