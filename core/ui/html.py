"""``format_html`` for pages with thousands of cells: Django's result, letter by letter, at a fraction of its time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

_special = re.compile("[&<>\"']").search


def escaped(value: Any) -> str:
    """The value as text that is safe in HTML; what says that it is safe already is left alone."""
    kind = type(value)
    if kind is str:
        return escape(value) if _special(value) else value
    if kind is SafeString or kind is int:
        return str(value)
    return str(conditional_escape(value))


def format_html(form: str, *values: Any) -> SafeString:
    """``form.format(…)`` with every value escaped."""
    return SafeString(form.format(*map(escaped, values)))


def format_html_join(separator: str, form: str, rows: Iterable[Iterable[Any]]) -> SafeString:
    return SafeString(escaped(separator).join(form.format(*map(escaped, row)) for row in rows))
