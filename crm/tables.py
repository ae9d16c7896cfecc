"""Columns of the inbox."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.ui import cells, lists
from core.ui.html import format_html
from core.ui.templatetags.ui import ago, badge, until
from core.words import formats, say

Row = dict[str, Any]


class ConversationTable(lists.Table):
    buyer = tables.Column(verbose_name=_("Buyer"), empty_values=())
    said = tables.Column(verbose_name=_("Conversation"), empty_values=())
    channel = tables.Column(verbose_name=_("Channel"), empty_values=())
    order = tables.Column(verbose_name=_("Order"), empty_values=())
    state = tables.Column(verbose_name=_("State"), empty_values=())
    due = tables.Column(verbose_name=_("Answer by"), empty_values=())

    cards = {"buyer": "lead", "due": "end", "said": "detail", "state": "badges", "order": "amount", "channel": "title"}
    required = ("buyer", "said")

    def render_buyer(self, record: Row) -> SafeString:
        name = record["buyer_name"] or record["buyer_id"] or gettext("unknown")
        count = ngettext("{n} message", "{n} messages", record["messages_count"]).format(
            n=formats.number(record["messages_count"])
        )
        return cells.open_two(record["href"], name, count)

    def render_said(self, record: Row) -> SafeString:
        said = record["preview"] or ""
        if record["preview_direction"] == "out":
            said = gettext("You: {text}").format(text=said)
        return cells.two(record["subject"] or formats.DASH, said)

    def render_channel(self, record: Row) -> SafeString:
        return cells.two(record["account"], say(f"platform.{record['platform']}"))

    def render_order(self, record: Row) -> SafeString:
        if not record["order_id"]:
            return format_html('<span class="quiet">{}</span>', record["order_external_id"] or formats.DASH)
        state = say(f"state.{record['order_state']}") if record["order_state"] else ""
        return cells.two(record["order_number"], state)

    def render_state(self, record: Row) -> SafeString:
        shown = badge(record["state"], prefix="conversation.state.", tone=TONES.get(record["state"], "grey"))
        if record["failed"]:
            shown += format_html(" {}", badge("failed", text=gettext("not sent"), tone="red"))
        elif record["under_way"]:
            shown += format_html(" {}", badge("sending", text=gettext("being sent"), tone="blue"))
        return format_html('<span class="tags-s">{}</span>', shown)

    def render_due(self, record: Row) -> SafeString:
        if record["answer_by"] is not None:
            return until(record["answer_by"])
        return format_html('<span class="quiet">{}</span>', ago(record["last_at"]))


TONES = {"open": "orange", "answered": "green", "closed": "grey"}
