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
    gettext_noop("Begins with amzn1.application-oa2-client."),
    gettext_noop("Beside the client id. Amazon wants it renewed every 180 days."),
    gettext_noop("Begins with Atzr|. It is shown once, after Authorize."),
    gettext_noop("Of the Production keyset."),
    gettext_noop("The same for all your keysets."),
    gettext_noop("Begins with v^1.1. Not the access token, which lives two hours only."),
)

# The adapters' sentences on where a seller finds the keys.
STEPS = (
    gettext_noop(
        "In Seller Central open Apps and Services, then Develop Apps. The account's owner has to be signed in."
    ),
    gettext_noop(
        "Make a private app with the roles Direct-to-Consumer Shipping, Inventory and Order Tracking, Amazon Fulfillment."
    ),
    gettext_noop("Behind “View” of its LWA credentials stand the client id and the client secret."),
    gettext_noop("Choose “Authorize” in the app's menu: the refresh token is shown there, once for each region."),
    gettext_noop("The merchant token stands under Settings, Account Info, Business Information."),
    gettext_noop("Sign in at developer.ebay.com with a developer account and open Application Keysets."),
    gettext_noop("App ID, Dev ID and Cert ID of the Production keyset stand there."),
    gettext_noop(
        "Open User Tokens, choose OAuth and sign in as the seller: the refresh token is shown after the consent."
    ),
    gettext_noop("The consent lasts 18 months and ends at once when the seller changes the password at eBay."),
)

CAPABILITIES = {
    "orders": _("Orders"),
    "messages": _("Buyers' messages"),
    "media": _("Pictures of messages"),
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
