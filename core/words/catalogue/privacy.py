"""Personal data: what was erased, what was purged, and why something cannot be seen any more."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "person.erased": _("A person's data was erased"),
    "person.purged": _("Personal data whose time was over was erased"),
    "order.person_erased": _(
        "The buyer was erased on request: there is no receiver any more. Cancel the order, or enter an address."
    ),
    "order.personal_erased": _("Personal data erased"),
    "erasure.nobody": _("Say who: a buyer's id, an e-mail address or an order."),
    "message.person_erased": _("The buyer was erased on request; this answer was not sent."),
    "hook.no_key": _("The platform does not give the key of this signature now; the call is judged again later."),
    "hook.key_unknown": _("The call is signed with a key that the platform does not know."),
    "hook.not_configured": _("This installation has no application keys for this platform."),
}
