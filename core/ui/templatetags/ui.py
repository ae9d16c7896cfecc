"""Filters and tags of every page: stored codes in words, money, weights, times, badges, icons, panels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import get_urlconf
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from core.ui import panels as slots
from core.ui.html import format_html, format_html_join
from core.words import formats
from core.words import say as put_into_words

register = template.Library()

TONES = {
    "new": "grey",
    "pending": "grey",
    "unmatched": "orange",
    "address": "orange",
    "held": "yellow",
    "short": "red",
    "ready": "blue",
    "booking": "blue",
    "failed": "red",
    "booked": "azure",
    "packed": "azure",
    "handed": "green",
    "delivered": "green",
    "returned": "purple",
    "cancelled": "grey",
    "combined": "grey",
    "platform": "grey",
    "elsewhere": "grey",
    "ok": "green",
    "paused": "grey",
    "reconnect": "red",
    "failing": "orange",
    "gone": "grey",
    "queued": "blue",
    "waiting": "orange",
    "cancelling": "orange",
    "wanted": "blue",
    "sent": "blue",
    "confirmed": "green",
    "unknown": "orange",
    "refused": "red",
}


@register.filter
def say(entry: Any, prefix: str = "") -> str:
    """``{{ entry|say }}`` of anything with code and params; ``{{ "held"|say:"state." }}`` of a word below a prefix."""
    if isinstance(entry, Mapping):
        return put_into_words(str(entry.get("code", "")), entry.get("params") or {})
    if isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[1], Mapping):
        return put_into_words(str(entry[0]), entry[1])
    if hasattr(entry, "code") and hasattr(entry, "params"):
        return put_into_words(entry.code, entry.params)
    return put_into_words(f"{prefix}{entry}")


@register.simple_tag
def words(code: str, params: Mapping[str, Any] | None = None, **more: Any) -> str:
    """``{% words order.reason_code order.reason_params %}``"""
    return put_into_words(code, {**(params or {}), **more})


@register.simple_tag
def badge(state: str, prefix: str = "state.", text: str = "", title: str = "", tone: str = "") -> SafeString:
    """A state as a coloured word (the colour is never the only sign)."""
    said = text or put_into_words(f"{prefix}{state}")
    return format_html(
        '<span class="badge-s tone-{}"{}>{}</span>',
        tone or TONES.get(state, "grey"),
        format_html(' title="{}"', title) if title else "",
        said,
    )


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A Tabler icon: decoration, unless it has a label."""
    return _icon(name, str(label))


@cache
def _bare(name: str) -> SafeString:
    return format_html('<i class="ti ti-{}" aria-hidden="true"></i>', name)


def _icon(name: str, label: str) -> SafeString:
    if label:
        return format_html('<i class="ti ti-{}" role="img" aria-label="{}" title="{}"></i>', name, label, label)
    return _bare(name)


_pieces: dict[tuple[Any, ...], SafeString] = {}
MOST_PIECES = 2000


@register.simple_tag(takes_context=True)
def piece(context: Mapping[str, Any], name: str) -> SafeString:
    """A part of the shell that hangs on the menu and the language alone: drawn once, then taken from here."""
    menu = context.get("menu") or ()
    shown = tuple((one.entry.key, one.href, one.active, one.count, one.jump) for one in menu)
    key = (name, get_language(), get_urlconf(), shown)
    found = _pieces.get(key)
    if found is None:
        if len(_pieces) >= MOST_PIECES:
            _pieces.clear()
        found = _pieces[key] = mark_safe(render_to_string(name, {"menu": menu}))
    return found


@register.simple_tag
def panels(slot: str, request: Any, **given: Any) -> SafeString:
    """The slot's panels, registered by upper apps."""
    return format_html_join("", "{}", ((html,) for html in slots.render(slot, request, **given)))


@register.filter
def number(value: Any) -> str:
    return formats.number(value)


@register.filter
def compact(value: Any) -> str:
    return formats.compact(int(value))


@register.filter
def amount(value: Any, currency: str = "") -> str:
    return formats.amount(value, currency)


@register.filter
def money(value: Any, currency: str) -> SafeString:
    """Amount and, smaller, its currency."""
    return format_html(
        '<span class="num">{}</span> <small class="cur">{}</small>', formats.amount(value, currency), currency
    )


@register.filter
def weight(grams: Any) -> str:
    return formats.weight(grams)


@register.filter
def country(code: str) -> str:
    return formats.country(code)


def _time(value: datetime | None, text: str) -> SafeString:
    if value is None:
        return format_html("{}", text)
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), formats.exact(value), text)


@register.filter
def when(value: datetime | None) -> SafeString:
    """Time today, else day and time; the exact moment on hovering."""
    return _time(value, formats.short(value))


@register.filter
def ago(value: datetime | None) -> SafeString:
    return _time(value, formats.ago(value))


@register.filter
def until(value: datetime | None) -> SafeString:
    """A deadline: what is left of it, red when it has passed."""
    text, tone = formats.until(value)
    if value is None:
        return format_html('<span class="until">{}</span>', text)
    return format_html(
        '<time class="until {}" datetime="{}" title="{}">{}</time>', tone, value.isoformat(), formats.exact(value), text
    )
