"""The command palette's answers."""

from __future__ import annotations

from django.http import HttpResponse

from core.ui import palette
from core.ui.requests import PageRequest
from core.ui.views.page import fragment, page


@page(None)
def find(request: PageRequest) -> HttpResponse:
    """What ``q`` names, by group; the pages when it is empty."""
    text = request.GET.get("q", "").strip()[: palette.LONGEST]
    return fragment(request, "ui/_palette_found.html", {"groups": palette.find(request.actor, text), "text": text})
