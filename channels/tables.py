"""Columns of the accounts list and of the dead-letter desk."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels.labels import JOBS
from core.ui import cells, lists
from core.ui.html import format_html, format_html_join
from core.ui.templatetags.ui import ago, badge, icon
from core.words import formats, say

Row = dict[str, Any]


class AccountTable(lists.Table):
    account = tables.Column(verbose_name=_("Account"), empty_values=())
    health = tables.Column(verbose_name=_("Health"), empty_values=())
    last = tables.Column(verbose_name=_("Last read"), empty_values=())
    lag = tables.Column(verbose_name=_("Known up to"), empty_values=())
    reading = tables.Column(verbose_name=_("Reading"), empty_values=())
    waiting = tables.Column(verbose_name=_("Between us and it"), empty_values=())

    cards = {
        "account": "lead",
        "last": "end",
        "health": "badges",
        "waiting": "detail",
    }
    required = ("account", "health")

    def render_account(self, record: Row) -> SafeString:
        one = record["health"]
        return cells.open_two(record["href"], one.name, f"{one.platform_title} · {', '.join(one.marketplaces)}")

    def render_health(self, record: Row) -> SafeString:
        one = record["health"]
        shown = badge(one.health, prefix="health.")
        if one.health == "ok":
            return shown
        why = say(one.code, one.params) if one.code else ""
        return format_html('<span class="say">{}<span>{}</span><small>{}</small></span>', shown, why, record["todo"])

    def render_last(self, record: Row) -> SafeString:
        one = record["health"]
        follows = record["next"]
        detail = ""
        if follows is not None:
            detail = gettext("next {when}").format(when=formats.short(follows))
        return format_html(
            '<span class="two"><span>{}</span><small>{}</small></span>', ago(one.last_success_at), detail
        )

    def render_lag(self, record: Row) -> SafeString:
        readings = record["health"].readings
        if not readings:
            return format_html("{}", formats.DASH)
        rows = format_html_join(
            "",
            '<small title="{}">{} <b class="{}">{}</b></small>',
            (
                (
                    formats.exact(one.position),
                    JOBS.get(one.job, one.job),
                    "bad" if one.failures else "plain",
                    gettext("{span} ago").format(span=formats.span(one.lag_seconds)),
                )
                for one in readings
            ),
        )
        return format_html('<span class="stack">{}</span>', rows)

    def render_reading(self, record: Row) -> SafeString:
        one = next((reading for reading in record["health"].readings if reading.job == "orders"), None)
        if one is None:
            return format_html("{}", formats.DASH)
        first = (
            gettext("reading, page {n}").format(n=formats.number(one.pages + 1))
            if one.reading
            else gettext("up to date")
        )
        detail = gettext("last window: {items} orders, {fresh} new").format(
            items=formats.number(one.items), fresh=formats.number(one.fresh)
        )
        return format_html('<span class="two"><span>{}</span><small>{}</small></span>', first, detail)

    def render_waiting(self, record: Row) -> SafeString:
        one = record["health"]
        parts: list[SafeString] = []
        for count, text, mark in (
            (one.dead, ngettext("{n} unreadable", "{n} unreadable", one.dead), "bad"),
            (one.refused, ngettext("{n} confirmation refused", "{n} confirmations refused", one.refused), "bad"),
            (one.unconfirmed, ngettext("{n} to confirm", "{n} to confirm", one.unconfirmed), "quiet"),
            (one.waiting, ngettext("{n} to take in", "{n} to take in", one.waiting), "quiet"),
        ):
            if count:
                parts.append(format_html('<span class="{}">{}</span>', mark, text.format(n=formats.number(count))))
        if not parts:
            return format_html('<span class="quiet">{}</span>', gettext("nothing open"))
        return format_html_join(" · ", "{}", ((part,) for part in parts))


class LetterTable(lists.Table):
    what = tables.Column(verbose_name=_("What"), empty_values=())
    cause = tables.Column(verbose_name=_("Cause and what to do"), empty_values=())
    place = tables.Column(verbose_name=_("Account"), empty_values=())
    attempts = tables.Column(verbose_name=_("Tries"), empty_values=())
    at = tables.Column(verbose_name=_("When"), empty_values=())

    cards = {"what": "lead", "at": "end", "cause": "detail", "place": "title"}
    required = ("what", "cause")

    def render_what(self, record: Row) -> SafeString:
        label = record["label"] or formats.DASH
        if record["href"]:
            return cells.open_two(record["href"], record["what"], label, mono=True)
        return cells.two(record["what"], label)

    def render_cause(self, record: Row) -> SafeString:
        return format_html(
            '<span class="say"><span class="bad">{}</span><small>{} {}</small></span>',
            say(record["code"], record["params"]) if record["code"] else gettext("The cause was not noted."),
            icon("arrow-right"),
            record["todo"],
        )

    def render_place(self, record: Row) -> str:
        return record["place"] or formats.DASH

    def render_attempts(self, record: Row) -> str:
        return formats.number(record["attempts"])

    def render_at(self, record: Row) -> SafeString:
        return ago(record["at"])
