"""Stored codes put into words: reasons, errors, history entries, states, badges, rule fields (architecture §7).

What is stored is a code and parameters; ``say(code, params)`` gives the sentence in the reader's language when it is
shown. Sentences stand in ``core.words.catalogue`` (one module per subject) in English, their Chinese in ``locale/``.

A sentence names parameters in braces. A specification after a colon says how the value is put:
``{state:state.}`` is itself a code below that prefix; ``list``, ``weight`` (grams), ``when``, ``number``, ``country``,
``code`` (a whole code, said with the same parameters), ``money`` (with the parameter ``currency``), ``maybe`` (nothing
where the parameter is not there, instead of a dash).
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from core.words import formats
from core.words.catalogue import SENTENCES

__all__ = ["SENTENCES", "formats", "knows", "say"]


class _Sentence(string.Formatter):
    """Never fails: a parameter that is not there is a dash, a value of a strange type is shown as it is."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = self.params.get(str(key))
        return formats.DASH if value is None or value == "" else value

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        # No attribute or index access: parameters are stored data.
        return self.get_value(field_name, args, kwargs), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if value == formats.DASH:
            return "" if format_spec == "maybe" else formats.DASH
        if format_spec.endswith("."):
            many = value if isinstance(value, list | tuple) else [value]
            # A word that is not in the catalogue is shown without its prefix.
            return formats.joined(
                say(f"{format_spec}{one}", self.params) if knows(f"{format_spec}{one}") else str(one) for one in many
            )
        return _spec(format_spec, value, self.params)


def _spec(name: str, value: Any, params: Mapping[str, Any]) -> str:
    try:
        match name:
            case "weight":
                return formats.weight(value)
            case "number":
                return formats.number(value)
            case "country":
                return formats.country(str(value))
            case "money":
                return formats.money(value, str(params.get("currency") or ""))
            case "when":
                return formats.short(datetime.fromisoformat(value) if isinstance(value, str) else value)
            case "code":
                # Without the parameters that name codes: one that names itself would have no end.
                return say(str(value), {name: one for name, one in params.items() if one != value})
            case "span":
                return formats.span(float(value))
            case "missing":  # [[SKU, wanted, there], …]
                one = gettext("{sku}: {wanted} needed, {there} free")
                return "; ".join(one.format(sku=row[0], wanted=row[1], there=row[2]) for row in value)
    except (ValueError, TypeError, IndexError, ArithmeticError):
        pass
    if isinstance(value, list | tuple):
        return formats.joined(value)
    return str(value)


def knows(code: str) -> bool:
    return code in SENTENCES


def say(code: str, params: Mapping[str, Any] | None = None, lang: str | None = None) -> str:
    """The sentence of a stored code, as plain text (escape it in HTML). An unknown code is shown as it is."""
    if lang is not None:
        with translation.override(lang):
            return say(code, params)
    template = SENTENCES.get(code)
    if template is None:
        return code
    said = gettext(template)
    return said.strip() if "{" not in said else _Sentence(params or {}).format(said).strip()
