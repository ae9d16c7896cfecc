"""English texts of plug-ins (which know no Django), named here so that they get their Chinese; a test keeps them whole."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# Titles and descriptions of the adapters' settings and credentials.
FIELDS = (
    gettext_noop("Address of the API"),
    gettext_noop("Empty: Amazon's own for the marketplaces."),
    gettext_noop("Empty: eBay's own."),
    gettext_noop("Usage plan"),
    gettext_noop("How many times the published rates Amazon grants this account."),
    gettext_noop("LWA client id"),
    gettext_noop("LWA client secret"),
    gettext_noop("Refresh token"),
    gettext_noop("App ID (client id)"),
    gettext_noop("Dev ID"),
    gettext_noop("Cert ID (client secret)"),
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
