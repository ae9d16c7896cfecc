"""English texts of plug-ins (which know no Django), named here so that they get their Chinese; a test keeps them whole."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as text

# Titles and descriptions of the adapters' settings and credentials.
FIELDS = (
    text("Address of the API"),
    text("Empty: Amazon's own for the marketplaces."),
    text("Empty: eBay's own."),
    text("Usage plan"),
    text("How many times the published rates Amazon grants this account."),
    text("LWA client id"),
    text("LWA client secret"),
    text("Refresh token"),
    text("App ID (client id)"),
    text("Dev ID"),
    text("Cert ID (client secret)"),
)

CAPABILITIES = {
    "orders": _("Orders"),
    "messages": _("Buyers' messages"),
    "shipments": _("Shipping confirmations"),
    "platform_stock": _("Stock at the platform"),
    "webhooks": _("Notifications"),
}
JOBS = {"orders": _("Orders"), "messages": _("Messages"), "inventory": _("Stock at the platform")}
# What a kind of dead letter is called.
KINDS = {
    "order": _("Order"),
    "message": _("Message"),
    "inventory": _("Stock figure"),
    "confirmation": _("Shipping confirmation"),
}
