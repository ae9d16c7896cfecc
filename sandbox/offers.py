"""Buttons by which a company tries everything without a seller's account; there only where simulators run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from channels import permissions
from core.ui import first_run, panels
from inventory import permissions as stock_permissions
from sandbox.starter.services import available

FIRST = "ebay"  # it has everything: orders, messages, calls


def connect_panel(request: HttpRequest, platform: str) -> tuple[str, dict[str, Any]] | None:
    """Beside a platform that can be connected."""
    return ("sandbox/_store.html", {"platform": platform}) if available() else None


def register() -> None:
    """Called when the app is ready."""
    store = _("Add a sandbox store")
    first_run.register_offer(
        first_run.Offer("account", store, "sandbox:store", "flask", permissions.CONNECT, args=(FIRST,), shown=available)
    )
    for step, label, url, icon, operation, post in (
        ("skus", _("Its sheet"), "sandbox:sheet", "download", stock_permissions.EDIT_CATALOGUE, False),
        (
            "skus",
            _("Add the sandbox store's products"),
            "sandbox:products",
            "flask",
            stock_permissions.EDIT_CATALOGUE,
            True,
        ),
        ("stock", _("Put 60 of each on the shelf"), "sandbox:shelf", "flask", stock_permissions.OPENING, True),
    ):
        first_run.register_offer(first_run.Offer(step, label, url, icon, operation, post, shown=available))
    panels.register("channels.connect", "sandbox.store", connect_panel, operation=permissions.CONNECT)
