"""The stock and SKU lists, and what inventory registers with the shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.permissions import SEE_COST, Actor
from core.tenancy import require_tenant
from core.ui import lists, menu
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from inventory import outs, palette, permissions, queries, queries_page
from inventory.models import Valuation
from inventory.tables import ProductTable, SkuTable, StockTable
from tenants.models import Tenant


class StockList(lists.ListPage):
    name = "stock"
    title = _("Stock")
    search = _("SKU, title")
    table = StockTable
    actions_template = "inventory/_stock_actions.html"
    export = permissions.EXPORT

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def filters(self) -> Sequence[Chip]:
        return (Chip("warehouse", _("Warehouse"), queries_page.choices),)

    def rows(self, actor: Actor, state: State) -> Rows:
        code, _sep, place = state.after.rpartition("~")
        found = queries.stock_rows(
            actor,
            search=state.text,
            warehouse_ids=state.number("warehouse") or None,
            after=(code, int(place)) if place.isdecimal() and len(place) < 19 else ("", 0),
            limit=state.size + 1,
        )
        shown, more = found[: state.size], len(found) > state.size
        worth: Mapping[Any, Any] = {}
        pools: Mapping[int, str] = {}
        if actor.can(SEE_COST):
            worth = queries_page.values_of(actor, shown, Valuation.FIFO)
            pools = queries_page.pools([row.warehouse_id for row in shown])
        rows = [
            {
                "id": row.sku_id,
                "row": row,
                "worth": worth.get((row.sku_id, pools.get(row.warehouse_id, ""))),
                "currency": self.currency,
            }
            for row in shown
        ]
        return Rows(rows, next=f"{shown[-1].code}~{shown[-1].warehouse_id}" if more else "")

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return reverse("inventory:sku", args=[row["id"]])

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return outs.STOCK

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("No stock matches this search."), _("Clear"), "?")
        if not queries.warehouses(actor):
            return Empty(
                _("Name the warehouse that you ship from, then bring in your stock."),
                _("Add a warehouse"),
                reverse("inventory:warehouse_new"),
            )
        return Empty(
            _("No stock yet. Bring in your SKUs, then receive goods."), _("Receive goods"), reverse("inventory:receive")
        )


class SkusList(lists.ListPage):
    name = "skus"
    title = _("SKUs")
    search = _("Code, title")
    table = SkuTable
    default_tab = "active"
    actions_template = "inventory/_sku_actions.html"
    export = permissions.EXPORT

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        first = (
            Tab("active", _("Sold")),
            Tab("gaps", _("Incomplete"), tone="red"),
            Tab("discontinued", _("Discontinued"), hide_empty=True),
            Tab("all", _("All")),
        )
        return lists.counted(first, queries_page.sku_counts(actor))

    def filters(self) -> Sequence[Chip]:
        return (Chip("product", _("Product"), queries_page.products),)

    def rows(self, actor: Actor, state: State) -> Rows:
        found = queries_page.skus(actor, after=state.after, limit=state.size, **self._narrowed(state))
        return Rows(found.rows, found.next)

    def _narrowed(self, state: State) -> dict[str, Any]:
        wanted = {"active": "active", "gaps": "active", "discontinued": "discontinued"}.get(state.tab, "")
        return {
            "text": state.text,
            "state": wanted,
            "gaps": state.tab == "gaps",
            "products": state.number("product"),
        }

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries_page.sku_ids(actor, limit=lists.ALL_LIMIT, **self._narrowed(state))

    def bulk(self) -> Sequence[Bulk]:
        edit = permissions.EDIT_CATALOGUE
        return (
            Bulk(
                "product",
                _("Move to a product"),
                "hierarchy-2",
                "inventory:bulk_product",
                edit,
                primary=True,
                template="inventory/_ask_product.html",
            ),
            Bulk("sell", _("Sell again"), "eye", "inventory:bulk_sell", edit),
            Bulk(
                "stop",
                _("Take out of sale"),
                "eye-off",
                "inventory:bulk_stop",
                edit,
                danger=True,
                template="inventory/_ask_stop.html",
            ),
        )

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return reverse("inventory:sku", args=[row["id"]])

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return outs.SKUS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed or state.tab not in ("active", "all"):
            return Empty(_("No SKU here."), _("Show all SKUs"), "?tab=all")
        return Empty(
            _("Your SKUs stand here, with weight and customs name. Bring them in from a sheet."),
            _("Bring in SKUs"),
            reverse("inventory:import"),
        )


def _currency() -> str:
    """The base currency of the tenant, where there is no request to ask."""
    return str(Tenant.objects.values_list("currency", flat=True).get(schema_name=require_tenant()))


class ProductsList(lists.ListPage):
    name = "products"
    title = _("Products")
    search = _("Code, title, SKU")
    table = ProductTable
    actions_template = "inventory/_sku_actions.html"
    export = permissions.EXPORT

    def rows(self, actor: Actor, state: State) -> Rows:
        found = queries_page.product_rows(actor, text=state.text, after=state.after, limit=state.size)
        return Rows(found.rows, found.next)

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return reverse("inventory:product", args=[row["id"]])

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return outs.PRODUCTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("No product matches this search."), _("Clear"), "?")
        return Empty(
            _("A product holds its variants together. Make one here, or name it in the sheet of your SKUs."),
            _("New product"),
            reverse("inventory:product_new"),
        )


def register() -> None:
    """Called when the app is ready."""
    palette.register()
    lists.register("skus", lambda actor: SkusList(), url="inventory:skus", operation=permissions.VIEW)
    lists.register("products", lambda actor: ProductsList(), url="inventory:products", operation=permissions.VIEW)
    lists.register("stock", lambda actor: StockList(_currency()), url="inventory:stock", operation=permissions.VIEW)
    menu.register(menu.Entry("stock", _("Stock"), "box", "inventory:stock", 40, permissions.VIEW, queries_page.short))
