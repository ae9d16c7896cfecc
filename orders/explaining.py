"""Rule explanations as a page shows them: conditions in words with their answer, actions in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.rules import ConditionResult, RuleExplanation
from core.ui.html import format_html, format_html_join
from core.words import formats, say

_DECIMAL = re.compile(r"-?\d+\.\d+")
WEIGHTS = frozenset({"weight_g"})


@dataclass(frozen=True, slots=True)
class Shown:
    name: str
    version: str
    outcome: str
    conditions: SafeString
    actions: str
    agrees: bool
    stop: bool


def shown(rule: RuleExplanation, services: Mapping[str, str], warehouses: Mapping[str, str]) -> Shown:
    """``services`` and ``warehouses``: {key or code: name}, for the actions."""
    return Shown(
        rule.name or rule.rule_id,
        rule.version_id,
        rule.outcome,
        condition(rule.conditions),
        _actions(rule, services, warehouses),
        rule.agrees,
        rule.stop,
    )


def condition(one: ConditionResult, top: bool = True) -> SafeString:
    """One condition with its answer: ✓, ✗ (with what it was instead), or ? where nothing tells any more."""
    if one.kind == "leaf":
        return _leaf(one)
    if one.kind == "not":
        return format_html("{} ({})", say("rule.not"), condition(one.children[0], False))
    if not one.children:
        return format_html('<span class="cond ok">{} <i>✓</i></span>', say("rule.always"))
    between = " · " if one.kind == "all" else f" {say('rule.or')} "
    inner = format_html_join(between, "{}", ((condition(child, False),) for child in one.children))
    return inner if top and one.kind == "all" else format_html("({})", inner)


def _leaf(one: ConditionResult) -> SafeString:
    words = say(f"rule.line.{one.field}" if one.lines == "all" else one.label or f"rule.field.{one.field}")
    text = " ".join(part for part in (words, say(f"rule.op.{one.op}"), value(one.field, one.value)) if part)
    if one.lines == "all":
        text = f"{say('rule.every_line')} {text}"
    mark, kind = {True: ("✓", "ok"), False: ("✗", "no"), None: ("?", "unknown")}[one.holds]
    was = ""
    if one.hidden:
        was = "" if one.holds else say("rule.hidden")
    elif one.holds is False:
        was = actual(one.field, one.actual)
    detail = format_html(' <span class="was">({})</span>', was) if was else ""
    return format_html('<span class="cond {}">{} <i>{}</i>{}</span>', kind, text, mark, detail)


def value(field: str, given: Any) -> str:
    """A rule's value as a reader expects it."""
    if given is None:
        return ""
    if isinstance(given, Mapping):
        return f"{given.get('amount')} {given.get('currency')}"
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    if isinstance(given, Sequence) and not isinstance(given, str):
        return formats.joined(value(field, item) for item in given)
    if field in WEIGHTS:
        try:
            return formats.weight(int(given))
        except (TypeError, ValueError):
            return str(given)
    return str(given)


def actual(field: str, given: str | None) -> str:
    if given is None:
        return _("nothing")
    if given in ("true", "false"):
        return _("yes") if given == "true" else _("no")
    if _DECIMAL.fullmatch(given):
        whole, _dot, places = given.partition(".")
        given = f"{whole}.{places.rstrip('0').ljust(2, '0')}"
    return value(field, given)


def _actions(rule: RuleExplanation, services: Mapping[str, str], warehouses: Mapping[str, str]) -> str:
    names = {"service": services, "warehouse": warehouses}
    parts = [
        f"{say(f'rule.do.{action.do}')}: {names.get(action.do, {}).get(str(action.value), action.value)}"
        for action in rule.actions
    ]
    parts += [f"{say('rule.do.tag')}: {tag}" for tag in rule.tags]
    if rule.stop:
        parts.append(say("rule.stop"))
    return " · ".join(parts)
