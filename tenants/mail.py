"""E-mail about a company's people."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from tenants.models import Invitation

log = logging.getLogger(__name__)


def send_invitation(*, invitation: Invitation, link: str) -> bool:
    """Send the link in the company's language; False when the mail server does not take it (the page shows the link).

    Call it outside of a transaction: the mail server may take its time.
    """
    company = " ".join(invitation.tenant.name.split())  # it stands in a head
    with translation.override(invitation.tenant.language):
        subject = _("Invitation to %(company)s") % {"company": company}
        body = _(
            "%(who)s invites you to work with %(company)s in Sampan.\n\nJoin: %(link)s\n\n"
            "The link is good for one person and seven days."
        ) % {"who": invitation.actor_label, "company": company, "link": link}
    try:
        return send_mail(subject, body, None, [invitation.email]) == 1
    except (OSError, SMTPException) as error:
        log.warning("invitation %s was not sent: %s", invitation.pk, type(error).__name__)
        return False


def send_known(*, email: str, link: str, language: str) -> bool:
    """To somebody who has an account, after a sign-up with the same address; the page said the same as to a new one."""
    with translation.override(language):
        subject = _("You have an account at Sampan already")
        body = _(
            "Somebody, probably you, wanted to open a company with this e-mail address, which has an account already.\n\n"
            "Sign in and open the company from there: %(link)s\n\nIf it was not you, nothing has to be done."
        ) % {"link": link}
    try:
        return send_mail(subject, body, None, [email]) == 1
    except (OSError, SMTPException) as error:
        log.warning("a mail to a known address was not sent: %s", type(error).__name__)
        return False
