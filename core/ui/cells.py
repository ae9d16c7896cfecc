"""Cells of list tables that all apps draw alike: two lines, what it is and its detail."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString, mark_safe

from core.ui.html import format_html
from core.words.formats import DASH


def two(first: Any, second: Any = "", mark: str = "") -> SafeString:
    """Two lines; ``mark`` is a class of the first. The whole text is in the tooltip when it is plain."""
    title = "" if isinstance(first, SafeString) else first
    return format_html(
        '<span class="two"><b class="{}" title="{}">{}</b><small>{}</small></span>', mark, title, first or DASH, second
    )


def open_two(href: str, first: Any, second: Any = "", *, mono: bool = False) -> SafeString:
    """Two lines, the first opens the row's page; ``mono``: the second is a code."""
    return format_html(
        '<span class="two"><a href="{}">{}</a><small{}>{}</small></span>',
        href,
        first or DASH,
        mark_safe(' class="mono"') if mono else "",
        second,
    )


def amount(value: Any, unit: Any = "", *, href: str = "", mark: str = "") -> SafeString:
    """A figure on the right; with ``href`` it opens into what it is made of."""
    shown = format_html('{} <small class="cur">{}</small>', value, unit) if unit else format_html("{}", value)
    if href:
        return format_html('<a class="amt {}" href="{}">{}</a>', mark, href, shown)
    return format_html('<span class="amt {}">{}</span>', mark, shown)


def words(text: str, detail: str = "", mark: str = "") -> SafeString:
    """A sentence that may take two lines, and a quieter one below it."""
    return format_html('<span class="say"><span class="{}">{}</span><small>{}</small></span>', mark, text, detail)
