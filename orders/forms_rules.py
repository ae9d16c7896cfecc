"""What the rule editor posts, read into a rule; and the vocabulary that its script draws conditions with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.currencies import KNOWN
from core.rules.conditions import ALL_OPS, LIST_OPS, MAX_DEPTH
from core.words import formats, say
from orders import rule_checks
from orders.queries_rules import Choices
from orders.routing import FIELDS

MOST_BYTES = 400_000
MOST_LEVELS = 100  # of brackets; what is deeper is nobody's work
UNITS = {"weight_g": "g", "volume_cm3": "cm³"}
# Fields that are chosen from a list rather than typed.
CHOSEN = {
    "country": "country",
    "account": "account",
    "platform": "platform",
    "currency": "currency",
    "sku_tags": "tags",
}
OPEN_LISTS = frozenset({"sku_tags"})  # what is not in the list may be typed too


def read(given: QueryDict, rule_id: str = "") -> dict[str, Any]:
    """The rule as typed, in the engine's shape with name and note. What cannot be read is left for the check to name."""
    conditions = _conditions(given.get("conditions", ""))
    actions: list[dict[str, Any]] = []
    for kind in ("service", "warehouse", "hold"):
        value = given.get(f"do_{kind}", "").strip()
        if value:
            actions.append({"do": kind, "value": value})
    tags = [tag.strip() for tag in re.split(r"[,，;；、\n]+", given.get("do_tag", "")) if tag.strip()]
    if tags:
        actions.append({"do": "tag", "value": list(dict.fromkeys(tags))})
    rule: dict[str, Any] = {
        "name": given.get("name", "").strip(),
        "note": given.get("note", "").strip(),
        "conditions": conditions,
        "actions": actions,
        "stop": given.get("stop") == "on",
    }
    if rule_id:
        rule["id"] = rule_id
    if given.get("off") == "1":
        rule["off"] = True
    return rule


def _conditions(text: str) -> Any:
    """None where it is no tree of conditions at all. Fractions stay the text that was typed."""
    depth = deepest = 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    if len(text) > MOST_BYTES or deepest > MOST_LEVELS:
        return None
    try:
        found = _storable(json.loads(text, parse_float=str, parse_constant=str))
    except ValueError:
        return None
    return rule_checks.tidy(found) if isinstance(found, dict) else None


def _storable(value: Any) -> Any:
    """Without what JSON can write and PostgreSQL cannot keep: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def typed(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a rule that the editor shows in plain fields."""
    values: dict[str, Any] = {}
    for one in rule.get("actions") or ():
        value = one.get("value")
        values[str(one.get("do"))] = ", ".join(value) if isinstance(value, list) else value
    return {
        "name": rule.get("name", ""),
        "note": rule.get("note", ""),
        "stop": bool(rule.get("stop")),
        "off": bool(rule.get("off")),
        **{f"do_{kind}": values.get(kind, "") for kind in ("service", "warehouse", "hold", "tag")},
    }


def vocabulary(offered: Choices) -> dict[str, Any]:
    """Everything that the script says and offers, in the reader's language."""
    places = formats.locale().territories
    countries = sorted(
        ((code, f"{code} · {name}") for code, name in places.items() if len(code) == 2 and code.isalpha()),
        key=lambda one: one[1],
    )
    lists = {
        "country": countries,
        "account": offered.accounts,
        "platform": [(name, say(f"platform.{name}")) for name in offered.platforms],
        "currency": [(code, code) for code in sorted(KNOWN)],
        "tags": [(tag, tag) for tag in offered.sku_tags],
    }
    return {
        "depth": MAX_DEPTH,
        "fields": [
            {
                "name": field.name,
                "label": _line_less(field.name) if field.many else say(field.label),
                "type": str(field.type),
                "many": field.many,
                "ops": list(field.allowed_ops()),
                "choices": CHOSEN.get(field.name, ""),
                "open": field.name in OPEN_LISTS,
                "unit": UNITS.get(field.name, ""),
            }
            for field in FIELDS.values()
        ],
        "ops": {op: say(f"rule.op.{op}") for op in ALL_OPS},
        "lists": sorted(LIST_OPS),
        "choices": lists,
        "words": _words(),
    }


def _line_less(name: str) -> str:
    """ "any line's SKU" is what a sentence says; the editor asks any or every beside it."""
    return {"sku": _("SKU of a line"), "title": _("title of a line")}.get(name, say(f"rule.field.{name}"))


def _words() -> dict[str, str]:
    return {
        "all": _("All of these hold"),
        "any": _("At least one of these holds"),
        "none": _("None of these holds"),
        "notall": _("Not all of these hold"),
        "group": _("Group of conditions"),
        "kind": _("How the conditions of this group count"),
        "empty": _("No condition: it holds for every order."),
        "add": _("Condition"),
        "add_group": _("Group"),
        "field": _("What to look at"),
        "choose": _("choose …"),
        "op": _("Comparison"),
        "value": _("Value"),
        "from": _("From"),
        "to": _("To"),
        "and": _("and"),
        "amount": _("Amount"),
        "currency": _("Currency"),
        "yes": _("yes"),
        "no": _("no"),
        "lines": _("Which lines"),
        "any_line": _("any line"),
        "every_line": _("every line"),
        "remove": _("Remove"),
        "removed": _("Removed."),
        "undo": _("Undo"),
        "up": _("Move up"),
        "down": _("Move down"),
        "wrap": _("Put into a group"),
        "out": _("Take out of the group"),
        "paste": _("One a line, or with commas between; paste a column of a sheet."),
        "counted": _("{n} values"),
        "pick": _("Type to find, Enter to add"),
        "unknown": _("not in the list"),
        "deep": _("Groups cannot be nested deeper than this."),
        "condition": _("Condition {n}"),
        "checking": _("Asking the newest orders …"),
        "unreachable": _("This could not be asked. Check the connection and try again."),
    }
