"""What a template may name in braces: a registry of variables, each a plain look-up. Nothing in a template is code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import BusinessError


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a conversation and its order; rows as dicts, empty where there is none."""

    conversation: Mapping[str, Any]
    order: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[Mapping[str, Any]] = ()
    shipments: Sequence[Mapping[str, Any]] = ()
    shop: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """``read`` gives '' where the value is not known."""

    name: str
    label: str | Promise
    read: Callable[[Facts], str]


_variables: dict[str, Variable] = {}
_NAME = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"
# {name}; a doubled brace is a brace.
_PIECE = re.compile(r"\{\{|\}\}|\{\s*(" + _NAME + r")\s*\}|[{}]")


def register(name: str, label: str | Promise, read: Callable[[Facts], str]) -> None:
    """Add a variable (upper apps may). Raises ValueError for a name that is taken or not dotted lower case."""
    if not re.fullmatch(_NAME, name) or name in _variables:
        raise ValueError(f"no variable can be called {name!r}")
    _variables[name] = Variable(name, label, read)


def variables() -> list[Variable]:
    return [_variables[name] for name in sorted(_variables)]


def names_in(text: str) -> list[str]:
    """The variables a text names, in order, each once. Raises BusinessError ``template.brace`` for a stray brace."""
    found = []
    for match in _PIECE.finditer(text):
        if match[1]:
            found.append(match[1])
        elif match[0] in "{}":
            raise BusinessError("template.brace", at=match.start() + 1)
    return list(dict.fromkeys(found))


def check(text: str) -> None:
    """Raises BusinessError ``template.unknown_variable`` (names) or ``template.brace``."""
    unknown = [name for name in names_in(text) if name not in _variables]
    if unknown:
        raise BusinessError("template.unknown_variable", names=unknown)


def render(text: str, facts: Facts) -> tuple[str, list[str]]:
    """The text with its variables filled in, and the names that have no value (they stay in the text in braces)."""
    check(text)
    values = {name: clean(_variables[name].read(facts)) for name in names_in(text)}
    missing = [name for name, value in values.items() if not value]

    def put(match: re.Match[str]) -> str:
        if match[1]:
            return values[match[1]] or "{" + match[1] + "}"
        return match[0][0]

    return _PIECE.sub(put, text), missing


def clean(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _order(name: str) -> Callable[[Facts], str]:
    return lambda facts: clean(facts.order.get(name))


def _first_name(facts: Facts) -> str:
    words = clean(facts.order.get("ship_name")).split()
    return words[0] if words else ""


def _buyer(facts: Facts) -> str:
    known = facts.order.get("buyer_name") or facts.order.get("ship_name") or facts.conversation.get("buyer_name")
    return clean(known)


def _items(facts: Facts) -> str:
    return ", ".join(f"{line['quantity']} × {clean(line['title'])}" for line in facts.lines if line["quantity"] > 0)


def _tracking(facts: Facts) -> str:
    return ", ".join(dict.fromkeys(clean(one["tracking_number"]) for one in facts.shipments if one["tracking_number"]))


def _carrier(facts: Facts) -> str:
    return ", ".join(dict.fromkeys(clean(one["service"]) for one in facts.shipments if one["service"]))


register("buyer.name", _("Name of the buyer"), _buyer)
register("buyer.first_name", _("First word of the receiver's name"), _first_name)
register("order.number", _("Order number at the marketplace"), _order("external_id"))
register("order.date", _("Day of the order"), lambda facts: clean(facts.order.get("placed_on")))
register("order.items", _("Items of the order"), _items)
register("order.total", _("Total of the order"), lambda facts: clean(facts.order.get("total")))
register("order.city", _("City of the receiver"), _order("ship_city"))
register("order.country", _("Country of the receiver"), lambda facts: clean(facts.order.get("country_name")))
register("order.tracking", _("Tracking number"), _tracking)
register("order.carrier", _("Shipping service"), _carrier)
register("message.subject", _("Subject of the conversation"), lambda facts: clean(facts.conversation.get("subject")))
register("shop.name", _("Name of the shop"), lambda facts: clean(facts.shop))
register("agent.name", _("Your name"), lambda facts: clean(facts.agent))
