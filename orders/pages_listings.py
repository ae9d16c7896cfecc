"""The list of listings, in the grammar of lists: what waits for a SKU, what it might be, and what was matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels.models import Account
from core.permissions import Actor
from core.ui import cells, lists
from core.ui.html import format_html, format_html_join
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from core.ui.templatetags.ui import badge
from core.words import formats, say
from orders import permissions, queries_listings
from orders.outs_listings import LISTINGS
from orders.queries_page import named

Row = dict[str, Any]


class ListingTable(lists.Table):
    listing = tables.Column(verbose_name=_("Listing"), empty_values=())
    account = tables.Column(verbose_name=_("Account"), empty_values=())
    waiting = tables.Column(verbose_name=_("Orders waiting"), empty_values=(), attrs={"th": {"class": "right"}})
    sku = tables.Column(verbose_name=_("SKU"), empty_values=())
    choose = tables.Column(verbose_name=_("Another SKU"), empty_values=())

    cards = {"listing": "lead", "waiting": "end", "account": "title", "sku": "detail", "choose": "badges"}
    required = ("listing", "sku")

    def render_listing(self, record: Row) -> SafeString:
        detail = " · ".join(part for part in (record["external_id"], record["title"]) if part)
        return format_html(
            '<span class="two" title="{}"><b class="mono">{}</b><small>{}</small></span>',
            record["title"],
            record["seller_sku"] or gettext("(no seller SKU)"),
            detail or formats.DASH,
        )

    def render_account(self, record: Row) -> SafeString:
        by = gettext("sent by the platform") if record["platform_fulfilled"] else ""
        return cells.two(record["account"], by)

    def render_waiting(self, record: Row) -> SafeString:
        if not record["waiting"]:
            return cells.amount("0", mark="quiet")
        href = f"{reverse('orders:index')}?tab=unmatched"
        return cells.amount(formats.number(record["waiting"]), href=href, mark="bad")

    def render_sku(self, record: Row) -> SafeString:
        if record["sku_id"] is not None:
            units = f" × {formats.number(record['units'])}" if record["units"] != 1 else ""
            by = say(f"listing.by.{record['matched_by']}") if record["matched_by"] else ""
            title = named(record["sku_title"], record["sku_title_zh"])
            return format_html(
                '<span class="two"><a class="mono" href="{}">{}</a>{}<small>{}</small></span>',
                reverse("inventory:sku", args=[record["sku_id"]]),
                record["sku"],
                units,
                " · ".join(part for part in (title, by) if part),
            )
        if record["matched_by"] == "ignored":
            return badge("ignored", prefix="listing.by.", tone="grey")
        if not record["suggested"] or not self._may():
            return format_html('<small class="quiet">{}</small>', gettext("nothing alike in your catalogue"))
        buttons = format_html_join(
            "",
            '<button class="btn btn-sm" type="submit" form="bulk" formaction="{}" name="one" value="{}:{}">'
            '<b class="mono">{}</b> {} <small>{}</small></button>',
            (
                (
                    reverse("orders:match_one"),
                    record["id"],
                    one.sku_id,
                    one.code,
                    one.title[:40],
                    say(f"listing.why.{one.why}"),
                )
                for one in record["suggested"]
            ),
        )
        return format_html('<span class="suggested">{}</span>', buttons)

    def render_choose(self, record: Row) -> SafeString:
        if record["sku_id"] is not None or not self._may():
            return mark_safe("")
        return format_html(
            '<span class="match-row"><input class="control" form="bulk" name="sku-{}" maxlength="80" placeholder="{}"'
            ' aria-label="{}" autocomplete="off"><input class="control tiny" form="bulk" name="units-{}" value="1"'
            ' inputmode="numeric" maxlength="5" aria-label="{}"></span>',
            record["id"],
            gettext("SKU or barcode"),
            gettext("SKU of {listing}").format(listing=record["seller_sku"]),
            record["id"],
            gettext("Pieces in one"),
        )

    def _may(self) -> bool:
        return bool(self.request.actor.can(permissions.EDIT))


class ListingsList(lists.ListPage):
    name = "listings"
    title = _("Listings")
    search = _("Seller SKU, title, ASIN, item number")
    table = ListingTable
    default_tab = "open"
    actions_template = "orders/listings/_actions.html"
    export = permissions.EXPORT

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        first = (
            Tab("waiting", _("Orders wait"), tone="red"),
            Tab("open", _("Without SKU")),
            Tab("matched", _("Matched")),
            Tab("ignored", _("Left aside"), hide_empty=True),
            Tab("all", _("All")),
        )
        return lists.counted(first, queries_listings.counts(actor))

    def filters(self) -> Sequence[Chip]:
        return (Chip("account", _("Account"), _accounts),)

    def rows(self, actor: Actor, state: State) -> Rows:
        found = queries_listings.listings(
            actor,
            tab=state.tab,
            text=state.text,
            accounts=state.number("account"),
            after=state.after,
            limit=state.size,
        )
        suggested = queries_listings.suggestions(found.rows)
        for row in found.rows:
            row["suggested"] = suggested.get(row["id"], [])
        return Rows(found.rows, found.next)

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries_listings.ids(actor, tab=state.tab, text=state.text, accounts=state.number("account"))

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return LISTINGS

    def bulk(self) -> Sequence[Bulk]:
        return (
            Bulk("match", _("Match"), "link", "orders:match_many", permissions.EDIT, primary=True),
            Bulk("aside", _("Leave aside"), "eye-off", "orders:listings_aside", permissions.EDIT),
            Bulk("wanted", _("Want again"), "eye", "orders:listings_wanted", permissions.EDIT),
            Bulk("back", _("Take the match back"), "unlink", "orders:unmatch", permissions.EDIT),
        )

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("No listing matches this search."), _("Clear"), "?")
        if state.tab in ("waiting", "open"):
            return Empty(_("Every listing has its SKU."), _("Look at the matches"), "?tab=matched")
        return Empty(
            _(
                "Listings come with orders and with what platforms hold. You can also bring in your matches from a sheet."
            ),
            _("Bring in matches"),
            f"{reverse('inventory:import')}?kind=listings",
        )


def _accounts(actor: Actor) -> list[tuple[str, str]]:
    rows: Sequence[tuple[int, str]] = list(Account.objects.order_by("name").values_list("pk", "name"))
    return [(str(pk), name) for pk, name in rows if actor.sees_account(pk)]


def typed(given: Mapping[str, str]) -> dict[str, list[Any]]:
    """{listing: [code, pieces]} of the fields that were filled in."""
    found: dict[str, list[Any]] = {}
    for name, value in given.items():
        pk = name.removeprefix("sku-")
        if name.startswith("sku-") and pk.isdecimal() and len(pk) < 19 and value.strip():
            units = given.get(f"units-{pk}", "1").strip()
            found[pk] = [value.strip()[:80], int(units) if units.isdecimal() and len(units) < 6 else 0]
    return found
