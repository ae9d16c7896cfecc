"""Columns of the restock list."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_tables2 as tables
from babel.dates import format_date
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.ui import cells, lists
from core.ui.html import format_html
from core.ui.templatetags.ui import badge
from core.words import formats

Row = dict[str, Any]
RIGHT = {"th": {"class": "right"}}
TONES = {"out": "red", "late": "red", "due": "orange", "ok": "green", "excess": "purple", "idle": "grey"}


NEAR_DAYS = 180


def day(value: date | None) -> str:
    """A day near today, or with its year when it is far."""
    if value is None:
        return formats.DASH
    if abs((value - clock.now().date()).days) < NEAR_DAYS:
        return formats.day(value)
    return str(format_date(value, "medium", locale=formats.locale()))


class RestockTable(lists.Table):
    sku = tables.Column(verbose_name=_("SKU"), empty_values=())
    place = tables.Column(verbose_name=_("For"), empty_values=())
    urgency = tables.Column(verbose_name=_("Urgency"), empty_values=())
    velocity = tables.Column(verbose_name=_("Sold a day"), empty_values=(), attrs=RIGHT)
    position = tables.Column(verbose_name=_("There and coming"), empty_values=(), attrs=RIGHT)
    cover = tables.Column(verbose_name=_("Lasts"), empty_values=(), attrs=RIGHT)
    order_by = tables.Column(verbose_name=_("Order by"), empty_values=())
    buy = tables.Column(verbose_name=_("Buy"), empty_values=(), attrs=RIGHT)
    send = tables.Column(verbose_name=_("Send"), empty_values=(), attrs=RIGHT)

    cards = {
        "sku": "lead",
        "buy": "end",
        "place": "title",
        "cover": "amount",
        "urgency": "badges",
        "order_by": "detail",
    }
    required = ("sku", "buy")

    def render_sku(self, record: Row) -> SafeString:
        title = record["title_zh"] if formats.language().startswith("zh") and record["title_zh"] else record["title"]
        return format_html(
            '<span class="two"><a class="mono" href="{}">{}</a><small>{}</small></span>',
            record["href"],
            record["sku"],
            title,
        )

    def render_place(self, record: Row) -> SafeString:
        if record["account_id"]:
            return cells.two(record["account"], record["marketplace"])
        return cells.two(record["warehouse"] or formats.DASH, gettext("own stock"))

    def render_urgency(self, record: Row) -> SafeString:
        return badge(record["urgency"], prefix="restock.", tone=TONES.get(record["urgency"], "grey"))

    def render_velocity(self, record: Row) -> SafeString:
        return cells.amount(formats.number(round(record["velocity"], 2)))

    def render_position(self, record: Row) -> SafeString:
        return cells.amount(formats.number(record["position"]))

    def render_cover(self, record: Row) -> SafeString:
        if record["cover_days"] is None:
            return cells.amount(formats.DASH, mark="quiet")
        days = gettext("{n} d").format(n=formats.number(round(record["cover_days"])))
        until = gettext("out {day}").format(day=day(record["stockout_on"])) if record["stockout_on"] else ""
        return format_html('<span class="two right"><span>{}</span><small>{}</small></span>', days, until)

    def render_order_by(self, record: Row) -> SafeString:
        value = record["order_by"]
        if value is None or record["urgency"] in ("idle", "excess"):
            return format_html('<span class="quiet">{}</span>', formats.DASH)
        late = value < clock.now().date()
        mark = "bad" if late else ""
        return format_html(
            '<span class="{}"><small class="only-s">{}</small> {}</span>', mark, gettext("order by"), day(value)
        )

    def render_buy(self, record: Row) -> SafeString:
        return _suggested(record["buy"], record["href"], gettext("to buy"))

    def render_send(self, record: Row) -> SafeString:
        if not record["account_id"]:
            return cells.amount(formats.DASH, mark="quiet")
        return _suggested(record["send"], record["href"], gettext("to send"))


def _suggested(units: int, href: str, word: str) -> SafeString:
    if not units:
        return cells.amount("0", mark="quiet")
    shown = formats.number(units)
    return format_html('<a class="amt" href="{}"><b>{}</b> <small class="only-s">{}</small></a>', href, shown, word)
