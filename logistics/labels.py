"""English texts of plug-ins (which know no Django), named here so that they get their Chinese; a test keeps them whole."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as text

# Titles and descriptions of the carriers' and trackers' settings and credentials.
FIELDS = (
    text("Name of the carrier"),
    text("Stands in the head of the label."),
    text("Form of its numbers"),
    text("A regular expression for the whole number; others are refused. Empty: any."),
    text("Security key"),
    text("Reference prefix"),
    text("Only when several companies share this carrier account."),
    text("Phone when the buyer gave none"),
    text("The carrier takes no parcel without a phone number."),
    text("App ID"),
    text("App secret"),
)

CAPABILITIES = {
    "book": _("booking"),
    "number_later": _("numbers come later"),
    "label": _("labels"),
    "cancel": _("cancelling"),
    "track": _("tracking"),
    "quote": _("prices"),
    "manifest": _("hand-over lists"),
    "number_pool": _("numbers from your own pool"),
}
# base_url of carriers has no title of its own
ADDRESS = _("Address of the API")
