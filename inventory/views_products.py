"""Products by hand, SKUs in and out of them, SKUs out of sale and back. No logic: queries and services."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from inventory import bulk, pasted, permissions, queries_page, services
from inventory.forms import ProductForm, beside, version_seen
from inventory.pages import SkusList
from inventory.services import products

BOTH = ("GET", "HEAD", "POST")
POST = ("POST",)
MOST_PASTED = 500


@page(permissions.VIEW)
def product(request: PageRequest, pk: int) -> HttpResponse:
    """Its titles, its SKUs with what is for sale of them, what was changed."""
    found = queries_page.product(request.actor, pk)
    rows = queries_page.skus(request.actor, products=[pk], limit=queries_page.MOST_VARIANTS).rows
    context = {
        "product": found,
        "title": queries_page.named(found.title, found.title_zh),
        "rows": [(row, queries_page.named(row["title"], row["title_zh"])) for row in rows],
        "more": len(rows) == queries_page.MOST_VARIANTS,
        "history": queries_page.history(pk, kind="product"),
        "may_edit": request.actor.can(permissions.EDIT_CATALOGUE),
    }
    return render(request, "inventory/product.html", context)


@page(permissions.EDIT_CATALOGUE, methods=BOTH)
def product_new(request: PageRequest) -> HttpResponse:
    form = ProductForm(request.POST if request.method == "POST" else None, initial={"code": request.GET.get("code")})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_product(actor=request.actor, **form.values())
        except BusinessError as error:
            form.add_error("code", sentence(error))
        else:
            return done(request, reverse("inventory:product", args=[made.pk]), _("Product created. Add its SKUs."))
    return render(request, "inventory/product_form.html", {"form": form, "product": None})


@page(permissions.EDIT_CATALOGUE, methods=BOTH)
def product_edit(request: PageRequest, pk: int) -> HttpResponse:
    found = queries_page.product(request.actor, pk)
    form = ProductForm(request.POST if request.method == "POST" else None, product=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_product(actor=request.actor, product_id=pk, seen=version_seen(form), **form.values())
        except BusinessError as error:
            beside(form, error, "title")
        else:
            return done(request, reverse("inventory:product", args=[pk]), _("Saved."))
    return render(request, "inventory/product_form.html", {"form": form, "product": found})


@page(permissions.EDIT_CATALOGUE, methods=POST)
def product_delete(request: PageRequest, pk: int) -> HttpResponse:
    services.delete_product(actor=request.actor, product_id=pk)
    return done(request, "inventory:products", _("Product removed."))


@page(permissions.EDIT_CATALOGUE, methods=POST)
def product_add(request: PageRequest, pk: int) -> HttpResponse:
    """Pasted codes go into this product, out of whichever they were in. One unknown code refuses all: nothing is lost."""
    codes = pasted.listed(request.POST.get("codes", ""))
    if not codes:
        raise BusinessError("sku.code_missing")
    if len(codes) > MOST_PASTED:
        raise BusinessError("product.too_many", most=MOST_PASTED)
    known = queries_page.by_codes(codes)
    strange = [code for code in codes if code not in known]
    if strange:
        raise BusinessError("product.strange_skus", skus=strange[:10], n=len(strange))
    out = services.move_skus(actor=request.actor, sku_ids=list(known.values()), product_id=pk)
    text = ngettext("{n} SKU belongs to it now.", "{n} SKUs belong to it now.", len(out.done)).format(n=len(out.done))
    return done(request, reverse("inventory:product", args=[pk]), text)


@page(permissions.EDIT_CATALOGUE, methods=POST)
def product_take_out(request: PageRequest, pk: int, sku: int) -> HttpResponse:
    queries_page.product(request.actor, pk)
    if queries_page.sku(request.actor, sku).product_id == pk:  # else somebody was faster
        services.move_skus(actor=request.actor, sku_ids=[sku], product_id=None)
    return done(request, reverse("inventory:product", args=[pk]), _("Taken out of this product."))


# -- SKUs ---------------------------------------------------------------------------------------------------------------


@page(permissions.EDIT_CATALOGUE, methods=POST)
def sku_stop(request: PageRequest, pk: int) -> HttpResponse:
    """Not sold any more; who matches or orders it is led to its successor, where one is named."""
    code, heir = request.POST.get("successor", "").strip(), None
    if code:
        heir = queries_page.by_codes([code]).get(code)
        if heir is None:
            raise BusinessError("sku.unknown", sku=code)
    services.discontinue_sku(actor=request.actor, sku_id=pk, successor_id=heir)
    return done(request, reverse("inventory:sku", args=[pk]), _("It is not sold any more; its stock and history stay."))


@page(permissions.EDIT_CATALOGUE, methods=POST)
def sku_sell(request: PageRequest, pk: int) -> HttpResponse:
    services.resume_sku(actor=request.actor, sku_id=pk)
    return done(request, reverse("inventory:sku", args=[pk]), _("It is sold again."))


@page(permissions.EDIT_CATALOGUE, methods=POST)
def bulk_product(request: PageRequest) -> HttpResponse:
    code = request.POST.get("product", "").strip()
    if code:
        products.known(code)
    return lists.do(request, SkusList(), bulk.PRODUCT, {"product": code})


@page(permissions.EDIT_CATALOGUE, methods=POST)
def bulk_stop(request: PageRequest) -> HttpResponse:
    return lists.do(request, SkusList(), bulk.STOP)


@page(permissions.EDIT_CATALOGUE, methods=POST)
def bulk_sell(request: PageRequest) -> HttpResponse:
    return lists.do(request, SkusList(), bulk.SELL)
