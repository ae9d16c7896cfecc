"""Columns of the stock and SKU lists."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ui import cells, lists
from core.ui.html import format_html
from core.ui.templatetags.ui import badge
from core.words import formats
from inventory.queries_page import named

Row = dict[str, Any]
RIGHT = {"th": {"class": "right"}}


class StockTable(lists.Table):
    sku = tables.Column(verbose_name=_("SKU"), empty_values=())
    warehouse = tables.Column(verbose_name=_("Warehouse"), empty_values=())
    on_hand = tables.Column(verbose_name=_("On hand"), empty_values=(), attrs=RIGHT)
    reserved = tables.Column(verbose_name=_("Reserved"), empty_values=(), attrs=RIGHT)
    available = tables.Column(verbose_name=_("Free"), empty_values=(), attrs=RIGHT)
    transit = tables.Column(verbose_name=_("On the way"), empty_values=(), attrs=RIGHT)
    aside = tables.Column(verbose_name=_("Not for sale"), empty_values=(), attrs=RIGHT)
    value = tables.Column(verbose_name=_("Value of a unit"), empty_values=(), attrs=RIGHT)

    cards = {"sku": "lead", "available": "end", "warehouse": "title"}
    required = ("sku", "available")

    def render_sku(self, record: Row) -> SafeString:
        one = record["row"]
        return format_html(
            '<span class="two"><a class="mono" href="{}">{}</a><small class="keep-s">{}</small></span>',
            reverse("inventory:sku", args=[one.sku_id]),
            one.code,
            named(one.title, one.title_zh) or formats.DASH,
        )

    def render_warehouse(self, record: Row) -> str:
        return str(record["row"].warehouse)

    def render_on_hand(self, record: Row) -> SafeString:
        return _figure(record, "on_hand", record["row"].figures["on_hand"])

    def render_reserved(self, record: Row) -> SafeString:
        one = record["row"]
        if not one.reserved:
            return cells.amount("0", mark="quiet")
        return cells.amount(
            formats.number(one.reserved), href=reverse("inventory:reserved", args=[one.sku_id, one.warehouse_id])
        )

    def render_available(self, record: Row) -> SafeString:
        one = record["row"]
        mark = "bad" if one.available <= 0 else ""
        shown = formats.number(one.available)
        return format_html('<b class="amt {}">{} <small class="only-s">{}</small></b>', mark, shown, gettext("free"))

    def render_transit(self, record: Row) -> SafeString:
        return _figure(record, "transit", record["row"].figures["transit"])

    def render_aside(self, record: Row) -> SafeString:
        figures = record["row"].figures
        names = {
            "qc": gettext("in check"),
            "rma": gettext("returned"),
            "frozen": gettext("frozen"),
            "damaged": gettext("damaged"),
        }
        parts = [_figure(record, name, figures[name], text) for name, text in names.items() if figures[name]]
        if not parts:
            return cells.amount("0", mark="quiet")
        return format_html("{}" * len(parts), *parts)

    def render_value(self, record: Row) -> SafeString:
        worth = record["worth"]
        if worth is None or (worth.unit is None and not worth.unvalued):
            return format_html('<span class="amt quiet">{}</span>', formats.DASH)
        if worth.unit is None:
            return format_html('<span class="amt warn-t">{}</span>', gettext("cost unknown"))
        return cells.amount(formats.amount(round(worth.unit, 2), record["currency"]), record["currency"])


def _figure(record: Row, name: str, units: int, text: str = "") -> SafeString:
    one = record["row"]
    if not units and name != "on_hand":
        return cells.amount("0", mark="quiet")
    href = f"{reverse('inventory:card', args=[one.sku_id, one.warehouse_id])}?figure={name}"
    return cells.amount(formats.number(units), text, href=href)


def _free(record: Row) -> SafeString:
    mark, shown = "bad" if record["free"] < 0 else "", formats.number(record["free"])
    return format_html('<b class="amt {}">{} <small class="only-s">{}</small></b>', mark, shown, gettext("free"))


class SkuTable(lists.Table):
    sku = tables.Column(verbose_name=_("SKU"), empty_values=())
    state = tables.Column(verbose_name=_("State"), empty_values=())
    weight = tables.Column(verbose_name=_("Weight"), empty_values=(), attrs=RIGHT)
    customs = tables.Column(verbose_name=_("Customs name"), empty_values=())
    on_hand = tables.Column(verbose_name=_("For sale"), empty_values=(), attrs=RIGHT)
    free = tables.Column(verbose_name=_("Free"), empty_values=(), attrs=RIGHT)

    cards = {"sku": "lead", "free": "end", "state": "badges", "weight": "amount", "customs": "title"}
    required = ("sku",)

    def render_sku(self, record: Row) -> SafeString:
        return format_html(
            '<span class="two"><a class="mono" href="{}">{}</a><small class="keep-s">{}</small></span>',
            reverse("inventory:sku", args=[record["id"]]),
            record["code"],
            named(record["title"], record["title_zh"]) or formats.DASH,
        )

    def render_state(self, record: Row) -> SafeString:
        tone = "green" if record["state"] == "active" else "grey"
        shown = badge(record["state"], prefix="sku.state.", tone=tone)
        if record["battery"]:
            shown += format_html(' <span class="tag-s">{}</span>', gettext("battery"))
        return format_html('<span class="tags-s">{}</span>', shown)

    def render_weight(self, record: Row) -> SafeString:
        if record["weight_g"] is None:
            return cells.amount(gettext("missing"), mark="bad")
        return cells.amount(formats.weight(record["weight_g"]))

    def render_customs(self, record: Row) -> SafeString:
        if not record["customs_name_en"] or not record["customs_name_zh"]:
            given = record["customs_name_en"] or record["customs_name_zh"]
            return cells.two(given or gettext("missing"), gettext("needs English and Chinese"), "" if given else "bad")
        return cells.two(record["customs_name_en"], record["customs_name_zh"])

    def render_on_hand(self, record: Row) -> SafeString:
        return cells.amount(formats.number(record["on_hand"]))

    def render_free(self, record: Row) -> SafeString:
        return _free(record)


class ProductTable(lists.Table):
    product = tables.Column(verbose_name=_("Product"), empty_values=())
    skus = tables.Column(verbose_name=_("SKUs"), empty_values=(), attrs=RIGHT)
    on_hand = tables.Column(verbose_name=_("For sale"), empty_values=(), attrs=RIGHT)
    free = tables.Column(verbose_name=_("Free"), empty_values=(), attrs=RIGHT)

    cards = {"product": "lead", "free": "end", "skus": "amount"}
    required = ("product",)

    def render_product(self, record: Row) -> SafeString:
        return format_html(
            '<span class="two"><a class="mono" href="{}">{}</a><small class="keep-s">{}</small></span>',
            reverse("inventory:product", args=[record["id"]]),
            record["code"],
            named(record["title"], record["title_zh"]) or formats.DASH,
        )

    def render_skus(self, record: Row) -> SafeString:
        return format_html(
            '<span class="amt">{} <small class="only-s">SKU</small></span>', formats.number(record["skus"])
        )

    def render_on_hand(self, record: Row) -> SafeString:
        return cells.amount(formats.number(record["on_hand"]))

    def render_free(self, record: Row) -> SafeString:
        return _free(record)
