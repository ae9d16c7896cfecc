"""Matching as the worker needs it: acts on many listings, SKUs that were added, and the sheet of matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from channels.models import Account
from core.events import Payload, close_row, on
from core.permissions import Actor, system
from core.ui import lists, menu, panels
from inventory import ports
from inventory.codes import code_key
from inventory.sheets import kinds
from inventory.sheets.columns import Column
from inventory.sheets.kinds import CHANGED, NEW, REFUSED, SAME, Problem, Row, Verdict
from orders import goods_panels, permissions, queries_listings
from orders.pages_listings import ListingsList
from orders.services import listings
from orders.services.listings import Match, Outcome


@on("inventory.skus_added", name="orders.match_added", on_failure="aside")
def match_added(payload: Payload) -> None:
    """A SKU came after its listings: those with its code are matched, and their orders go on."""
    with close_row():
        listings.match_added(actor=system("matching"), sku_ids=payload["ids"])


# -- many at once -------------------------------------------------------------------------------------------------------


def _label(pk: int) -> str:
    return queries_listings.names([pk]).get(pk, str(pk))


def _suggested(actor: Actor, ids: Sequence[int], given: Mapping[str, Any]) -> Outcome:
    """What was typed for a listing, else the SKU that is surely meant."""
    typed = {int(pk): one for pk, one in dict(given.get("typed") or {}).items()}
    known = queries_listings.by_code([str(one[0]) for one in typed.values()])
    matches, refused = [], {}
    sure = queries_listings.certain(actor, [pk for pk in ids if pk not in typed])
    for pk in ids:
        if pk in typed:
            code, units = typed[pk]
            if code in known:
                matches.append(Match(pk, known[code], int(units)))
            else:
                refused[pk] = ("sheet.unknown_sku", {"value": code})
        elif pk in sure:
            matches.append(Match(pk, sure[pk]))
        else:
            refused[pk] = ("listing.not_sure", {})
    outcome = listings.match_many(actor=actor, matches=matches)
    outcome.refused |= refused
    return outcome


MATCH = lists.act(
    lists.Act(
        "orders.match_listings",
        permissions.EDIT,
        do=_suggested,
        title_code="job.orders.match_listings",
        said=lambda n: ngettext("{n} listing matched.", "{n} listings matched.", n).format(n=n),
        label=_label,
    )
)
TAKE_BACK = lists.act(
    lists.Act(
        "orders.take_back_matches",
        permissions.EDIT,
        do=lambda actor, ids, given: listings.take_back(actor=actor, listing_ids=ids),
        title_code="job.orders.take_back_matches",
        said=lambda n: ngettext("{n} match taken back.", "{n} matches taken back.", n).format(n=n),
        label=_label,
    )
)
ASIDE = lists.act(
    lists.Act(
        "orders.leave_listings",
        permissions.EDIT,
        do=lambda actor, ids, given: listings.leave_aside(
            actor=actor, listing_ids=ids, aside=bool(given.get("aside", True))
        ),
        title_code="job.orders.leave_listings",
        said=lambda n: ngettext("{n} listing changed.", "{n} listings changed.", n).format(n=n),
        label=_label,
    )
)


# -- matches from a sheet -----------------------------------------------------------------------------------------------

COLUMNS = (
    Column(
        "listing", _("Listing (seller SKU)"), ("sellersku", "merchantsku", "listing", "listingsku", "msku", "customlabel",
        "platformsku", "平台sku", "店铺sku", "渠道sku", "线上sku"), required=True, sample="AMZ-LMP-042",
    ),
    Column(
        "sku", _("SKU"), ("sku", "skucode", "code", "商品编码", "编码", "系统sku", "库存sku", "商品sku", "本地sku"),
        required=True,
        sample="LMP-042-WH",
    ),
    Column("units", _("Pieces in one"), ("units", "pieces", "quantity", "qty", "数量", "组合数量", "件数"), sample="1"),
    Column("account", _("Account"), ("account", "shop", "store", "店铺", "账号", "店铺名称"), sample=""),
)  # fmt: skip


def _accounts(actor: Actor) -> list[tuple[str, str]]:
    rows = Account.objects.order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in rows if actor.sees_account(pk)]


def _identity(cells: Mapping[str, Any]) -> str:
    name = str(cells.get("listing", "")).strip()
    return f"{str(cells.get('account', '')).strip().casefold()}|{name}" if name else ""


def bring_matches(
    *, actor: Actor, rows: Sequence[Row], options: Mapping[str, Any], key: str, write: bool
) -> list[Verdict]:
    """A listing that has another SKU takes the new one: the former match is taken back first. Raises NotAllowed."""
    actor.require(permissions.EDIT)
    accounts: dict[str, int] = {}
    for one in Account.objects.order_by("-pk"):
        if actor.sees_account(one.pk):
            accounts |= {one.name.casefold(): one.pk, one.external_id.casefold(): one.pk}
    chosen = int(options.get("account") or 0) or (
        next(iter(accounts.values())) if len(set(accounts.values())) == 1 else 0
    )
    known = queries_listings.by_code([str(row.cells.get("sku", "")).strip() for row in rows])
    verdicts: list[Verdict] = []
    wanted: list[tuple[Row, tuple[int, str], int, int]] = []
    for row in rows:
        problems: list[Problem] = []
        account = str(row.cells.get("account", "")).strip()
        place = accounts.get(account.casefold(), 0) if account else chosen
        if not place:
            problems.append(("account", "sheet.no_account" if account else "sheet.which_account", {"value": account}))
        name, code = str(row.cells.get("listing", "")).strip(), str(row.cells.get("sku", "")).strip()
        if not name or len(name) > 120:
            problems.append(("listing", "sheet.no_listing", {}))
        if code not in known:
            missing = ("sku.code_missing", {}) if not code_key(code) else ("sheet.unknown_sku", {"value": code[:80]})
            problems.append(("sku", *missing))
        units = str(row.cells.get("units", "")).strip() or "1"
        if not units.isdecimal() or not 1 <= int(units[:6]) <= listings.MOST_UNITS:
            problems.append(("units", "sheet.bad_pieces", {"value": units[:40]}))
        if problems:
            verdicts.append(Verdict(row.line, REFUSED, problems))
        else:
            wanted.append((row, (place, name), known[code], int(units)))
    return verdicts + _bring(actor, wanted, write)


def _bring(actor: Actor, wanted: list[tuple[Row, tuple[int, str], int, int]], write: bool) -> list[Verdict]:
    pairs = [pair for _, pair, _, _ in wanted]
    there = listings.add_listings(actor=actor, pairs=pairs) if write and pairs else listings.listing_ids(pairs)
    now = queries_listings.matched(list(there.values()))
    discontinued = queries_listings.discontinued([sku for _, _, sku, _ in wanted])
    verdicts, matches, wrong = [], [], []
    for row, pair, sku, units in wanted:
        pk = there.get(pair, 0)
        former = now.get(pk)
        if sku in discontinued:
            verdicts.append(Verdict(row.line, REFUSED, [("sku", "sku.discontinued", {"successor": discontinued[sku]})]))
        elif former == (sku, units):
            verdicts.append(Verdict(row.line, SAME))
        else:
            verdicts.append(Verdict(row.line, CHANGED if former else NEW))
            matches.append(Match(pk, sku, units))
            if former:
                wrong.append(pk)
    if write:
        if wrong:
            listings.take_back(actor=actor, listing_ids=wrong)
        listings.match_many(actor=actor, matches=matches)
    return verdicts


def register() -> None:
    """Called when the app is ready."""
    lists.register("listings", lambda actor: ListingsList(), url="orders:listings", operation=permissions.VIEW)
    menu.register(
        menu.Entry("listings", _("Listings"), "link", "orders:listings", 44, permissions.VIEW, queries_listings.waiting)
    )
    panels.register("sku.side", "orders.listings", goods_panels.listed, position=10, operation=permissions.VIEW)
    panels.register("sku.side", "orders.sold", goods_panels.sold, position=20, operation=permissions.VIEW)
    ports.names("order_line", goods_panels.of_lines)
    ports.names("shipment", goods_panels.of_shipments)
    kinds.register(
        kinds.Kind(
            key="listings",
            title=_("Matches of listings"),
            detail=_("Which SKU each listing sells, also before its first order. Orders that waited go on."),
            icon="link",
            operation=permissions.EDIT,
            columns=COLUMNS,
            run=bring_matches,
            identity=_identity,
            done="orders:listings",
            options=(kinds.Option("account", _("Account of rows that name none"), _accounts),),
            batch=500,
            position=30,
        )
    )
