"""Lists: what is done to many rows in the background, files, saved views."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "list.not_found": _("There is no such list."),
    "list.no_act": _("This is not known any more. Do it again from the list."),
    "job.orders.hold": _("Holding orders"),
    "job.orders.route": _("Letting orders go"),
    "job.orders.cancel": _("Cancelling orders"),
    "job.orders.tag": _("Tagging orders"),
    "job.orders.book": _("Booking orders"),
}
