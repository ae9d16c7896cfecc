"""What the sandbox adds to a company that wants to try: a store with buyers, its products, goods on the shelf."""

from __future__ import annotations

import csv
import io

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels import permissions
from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page
from inventory import permissions as stock_permissions
from sandbox.starter import services
from sandbox.starter.story import products

POST = ("POST",)


@page(permissions.CONNECT, methods=POST)
def store(request: PageRequest, platform: str) -> HttpResponse:
    account = services.add_store(actor=request.actor, platform=platform, web_url=_web_url(request))
    text = _("A sandbox store is connected; its orders and messages are being read now.")
    return done(request, reverse("channels:account", args=[account.pk]), text)


@page(stock_permissions.EDIT_CATALOGUE, methods=POST)
def add_products(request: PageRequest) -> HttpResponse:
    _only_here()
    count = services.add_products(actor=request.actor)
    text = ngettext(
        "{n} product was added. Listings with its code are matched by themselves.",
        "{n} products were added. Listings with the same code are matched by themselves.",
        count,
    )
    return done(request, "today", text.format(n=count))


@page(stock_permissions.EDIT_CATALOGUE)
def sheet(request: PageRequest) -> HttpResponse:
    """The same products as a sheet, for whoever wants to try the import."""
    _only_here()
    out = io.StringIO()
    rows = [sku.row() for sku in products()]
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="sandbox-products.csv"'
    return response


@page(stock_permissions.OPENING, methods=POST)
def fill_shelf(request: PageRequest) -> HttpResponse:
    _only_here()
    count = services.fill_shelf(actor=request.actor, currency=request.tenant.currency)
    text = _("{units} units of each of {n} products lie on the shelf now.").format(units=services.SHELF, n=count)
    return done(request, "today", text)


def _only_here() -> None:
    if not services.available():
        raise BusinessError("account.no_sandbox")


def _web_url(request: PageRequest) -> str:
    """The simulators run on this machine; names such as acme.localhost mean nothing to them."""
    port = request.get_host().rpartition(":")[2] if ":" in request.get_host() else request.get_port()
    return f"http://127.0.0.1:{port}"
