"""Sentences."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "x.orders": _("x"),
}
