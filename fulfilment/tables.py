"""Columns of the parcels list."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ui import cells, lists
from core.ui.html import format_html
from core.ui.templatetags.ui import ago, badge, until
from core.words import formats, say

Row = dict[str, Any]
LOUD = frozenset({"failed", "moving", "returned", "attempt", "exception"})


class ParcelTable(lists.Table):
    parcel = tables.Column(verbose_name=_("Parcel"), empty_values=())
    order = tables.Column(verbose_name=_("Order"), empty_values=())
    receiver = tables.Column(verbose_name=_("Receiver"), empty_values=())
    items = tables.Column(verbose_name=_("Items"), empty_values=())
    service = tables.Column(verbose_name=_("Service · from"), empty_values=())
    weight = tables.Column(verbose_name=_("Weight"), empty_values=(), attrs={"th": {"class": "right"}})
    state = tables.Column(verbose_name=_("State"), empty_values=())
    printed = tables.Column(verbose_name=_("Label"), empty_values=())
    when = tables.Column(verbose_name=_("Ship by"), empty_values=())

    cards = {
        "parcel": "lead",
        "when": "end",
        "receiver": "title",
        "weight": "amount",
        "items": "detail",
        "state": "badges",
    }
    required = ("parcel", "state")

    def render_parcel(self, record: Row) -> SafeString:
        number = record["number"] or record["waybill"] or record["reference"]
        return format_html(
            '<span class="two"><a class="mono" href="{}">{}</a><small>{}</small></span>',
            record["href"],
            number,
            formats.country(record["country"]),
        )

    def render_order(self, record: Row) -> SafeString:
        if not record["order_id"]:
            return cells.two(record["reference"])
        href = reverse("orders:show", args=[record["order_id"]])
        return cells.open_two(href, record["order_number"], record["account"] or "")

    def render_receiver(self, record: Row) -> SafeString:
        return cells.two(record["receiver"], formats.country(record["country"]))

    def render_items(self, record: Row) -> SafeString:
        more = (record["skus"] or 1) - 1
        detail = gettext("{n} pcs").format(n=formats.number(record["units"] or 0))
        if more > 0:
            detail += f" · {gettext('+{n} lines').format(n=more)}"
        return cells.two(record["title"], f"{record['sku'] or ''} · {detail}")

    def render_service(self, record: Row) -> SafeString:
        place = record["warehouse"] or formats.DASH
        return cells.two(record["service"], f"{record['carrier']} · {place}")

    def render_weight(self, record: Row) -> SafeString:
        if record["weight_g"] is not None:
            return cells.amount(formats.weight(record["weight_g"]))
        return cells.amount(formats.weight(record["expected_g"]), gettext("expected"))

    def render_state(self, record: Row) -> SafeString:
        shown = badge(record["state"], prefix="parcel.")
        if record["alarm"]:
            kind = record["alarm"]
            ring = badge(kind, text=say(f"alarm.{kind}"), tone="red" if kind in LOUD else "orange")
            todo = say(f"alarm.todo.{kind}")
            since = ago(record["alarm_since"]) if record["alarm_since"] else ""
            why = say(record["error_code"], record["error_params"]) if record["error_code"] else todo
            return format_html(
                '<span class="two"><span>{} {}</span><small title="{}">{} · {}</small></span>',
                shown,
                ring,
                todo,
                since,
                why,
            )
        if record["conflict"]:
            shown += format_html(" {}", badge("conflict", text=gettext("Conflict"), tone="red"))
        why = ""
        if record["conflict"]:
            why = say(f"conflict.{record['conflict']}")
        elif record["error_code"]:
            why = say(record["error_code"], record["error_params"])
        elif record["needs"] and record["state"] == "waiting":
            why = say(f"needs.{record['needs']}")
        elif record["track_main"]:
            why = say(f"track.{record['track_main']}")
        return format_html('<span class="two"><span>{}</span><small title="{}">{}</small></span>', shown, why, why)

    def render_printed(self, record: Row) -> SafeString:
        if not record["label"]:
            return format_html('<span class="quiet">{}</span>', gettext("none yet"))
        href = reverse("stored_file", args=[record["label"]]) + "?inline=1"
        link = format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', href, gettext("open"))
        told: Any = gettext("not printed")
        if record["printed_at"]:
            told = ago(record["printed_at"])
            if record["print_count"] > 1:
                told = format_html('<b class="warn-t">{} ×</b> {}', formats.number(record["print_count"]), told)
        return format_html('<span class="two"><span>{}</span><small>{}</small></span>', link, told)

    def render_when(self, record: Row) -> SafeString:
        if record["handed_at"]:
            return format_html('<span class="quiet">{}</span>', formats.short(record["handed_at"]))
        return until(record["ship_by"])
