"""The type of a request inside a page: signed in, a member, with an actor."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from core.permissions import Actor


class PageRequest(HttpRequest):
    """What ``core.ui.views.page`` hands to a view. ``tenant``: the tenant of the host (name, timezone, currency)."""

    actor: Actor
    htmx: HtmxDetails
    tenant: Any
    LANGUAGE_CODE: str
