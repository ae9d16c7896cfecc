"""English texts of plug-ins (which know no Django), named here so that they get their Chinese; a test keeps them whole."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# Titles and descriptions of the carriers' and trackers' settings and credentials.
FIELDS = (
    gettext_noop("Name of the carrier"),
    gettext_noop("Stands in the head of the label."),
    gettext_noop("Form of its numbers"),
    gettext_noop("A regular expression for the whole number; others are refused. Empty: any."),
    gettext_noop("Security key"),
    gettext_noop("Reference prefix"),
    gettext_noop("Only when several companies share this carrier account."),
    gettext_noop("Phone when the buyer gave none"),
    gettext_noop("The carrier takes no parcel without a phone number."),
    gettext_noop("App ID"),
    gettext_noop("App secret"),
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
