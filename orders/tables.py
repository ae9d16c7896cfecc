"""Columns of the orders list: two lines each, what it is and its detail."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ui import lists
from core.ui.html import format_html, format_html_join
from core.ui.templatetags.ui import badge, icon, until
from core.words import formats, knows, say
from orders.queries_page import named

Row = dict[str, Any]


def two(first: Any, second: Any, mark: str = "") -> SafeString:
    """Two lines of a cell; ``mark`` is a class of the first."""
    return format_html('<span class="two"><b class="{}">{}</b><small>{}</small></span>', mark, first, second)


def colour_of(account_id: int | None) -> int:
    """Which of the chart's colours an account has, everywhere."""
    return (account_id or 0) % 5 + 1


class OrderTable(lists.Table):
    order = tables.Column(verbose_name=_("Order"), empty_values=())
    channel = tables.Column(verbose_name=_("Channel"), empty_values=())
    receiver = tables.Column(verbose_name=_("Receiver"), empty_values=())
    items = tables.Column(verbose_name=_("Items"), empty_values=())
    total = tables.Column(verbose_name=_("Total"), empty_values=(), attrs={"th": {"class": "right"}})
    status = tables.Column(verbose_name=_("State"), empty_values=())
    service = tables.Column(verbose_name=_("Service · from"), empty_values=())
    ship_by = tables.Column(verbose_name=_("Ship by"), empty_values=())

    cards = {
        "order": "lead",
        "ship_by": "end",
        "receiver": "title",
        "total": "amount",
        "items": "detail",
        "status": "badges",
    }
    required = ("order", "status")

    def render_order(self, record: Row) -> SafeString:
        return format_html(
            '<span class="two"><a href="{}">{}</a><small class="mono">{}</small></span>',
            record["href"],
            record["number"],
            record["external_id"],
        )

    def render_channel(self, record: Row) -> SafeString:
        name = format_html('<i class="dot p{}"></i>{}', colour_of(record["account_id"]), record["account_name"])
        return two(name, say(f"platform.{record['platform']}") if record["platform"] else formats.DASH)

    def render_receiver(self, record: Row) -> SafeString:
        place = " · ".join(part for part in (record["ship_country"], record["ship_city"]) if part)
        return two(record["ship_name"] or formats.DASH, place or formats.DASH)

    def render_items(self, record: Row) -> SafeString:
        more = record["lines_count"] - 1
        detail = f"{record['first_sku']} · " if record["first_sku"] else ""
        detail += gettext("{n} pcs").format(n=formats.number(record["units"]))
        if more > 0:
            others = gettext("+{n} lines").format(n=more)  # not inside the f-string: no extractor looks there
            detail += f" · {others}"
        return format_html(
            '<span class="two" title="{0}"><b>{0}</b><small>{1}</small></span>', record["first_title"], detail
        )

    def render_total(self, record: Row) -> SafeString:
        return format_html(
            '<span class="amt">{} <small class="cur">{}</small></span>',
            formats.amount(record["grand_total"], record["currency"]),
            record["currency"],
        )

    def render_status(self, record: Row) -> SafeString:
        shown = badge(record["state"])
        if record["conflict"]:
            shown += format_html(" {}", badge("conflict", text=gettext("Conflict"), tone="red"))
        shown += format_html_join("", ' <span class="tag-s">{}</span>', ((tag,) for tag in record["tags"]))
        if record["assignee"]:
            shown += format_html(' <span class="tag-s">{} {}</span>', icon("user-check"), record["assignee"])
        if record["noted"]:
            shown += format_html(
                ' <span class="tag-s" title="{0}">{1}<span class="sr">{0}</span></span>',
                gettext("has internal notes"),
                icon("note"),
            )
        code, params = record["reason_code"], record["reason_params"]
        if record["conflict"]:
            code, params = f"conflict.{record['conflict']}", None
        if not code:
            return shown
        brief = say(f"{code}.brief", params) if knows(f"{code}.brief") else say(code, params)
        line = '<span class="two"><span>{}</span><small title="{}">{}</small></span>'
        return format_html(line, shown, say(code, params), brief)

    def render_service(self, record: Row) -> SafeString:
        return two(
            named(record["service"] or "", record["service_zh"] or "") or formats.DASH,
            record["warehouse"] or formats.DASH,
        )

    def render_ship_by(self, record: Row) -> SafeString:
        if record["state"] not in OPEN:
            return format_html('<span class="quiet">{}</span>', formats.short(record["ship_by"]))
        return until(record["ship_by"])


OPEN = frozenset(
    {"pending", "new", "unmatched", "address", "held", "short", "ready", "booking", "failed", "booked", "packed"}
)
