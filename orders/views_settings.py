"""The switch of automatic booking, shown on the carriers' page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import settings_store
from core.permissions import Actor
from core.records.models import AuditEntry
from core.ui.requests import PageRequest
from core.ui.views import done, page
from orders.services import auto_booking

CODES = ("setting.auto_book_on", "setting.auto_book_off")


def panel(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """Whether it is on, who set it last, and the switch for those who may."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    last = AuditEntry.objects.filter(kind="setting", object_id=None, code__in=CODES).order_by("-id").first()
    return "orders/_auto_book.html", {
        "on": auto_booking.is_on(),
        "last": last,
        "may_change": actor.can(settings_store.CHANGE),
    }


@page(settings_store.CHANGE, methods=("POST",))
def auto_book(request: PageRequest) -> HttpResponse:
    """POST ``on``: 1 or 0."""
    on = request.POST.get("on") == "1"
    auto_booking.switch(actor=request.actor, on=on)
    text = _("Orders are booked as soon as they are ready.") if on else _("Orders wait until somebody books them.")
    return done(request, "logistics:carriers", text)
