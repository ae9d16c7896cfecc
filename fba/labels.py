"""Titles of the restock options (a plain model), named here so that they get their Chinese; a test keeps them whole."""

from __future__ import annotations

from django.utils.translation import gettext_noop

OPTIONS = (
    gettext_noop("Weight of the last 7 days"),
    gettext_noop("Weight of the last 30 days"),
    gettext_noop("Weight of the last 90 days"),
    gettext_noop("Leave days without stock out of the average"),
    gettext_noop("Days without stock may raise the average at most so many times"),
    gettext_noop("Days between two orders"),
    gettext_noop("Days of safety stock"),
    gettext_noop("Service level in place of safety days"),
    gettext_noop("Days from the supplier to the forwarder"),
    gettext_noop("Days of the journey to the platform's warehouse"),
    gettext_noop("Days until the platform has received it"),
    gettext_noop("Count inbound plans that have not left yet"),
)
