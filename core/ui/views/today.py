"""Today: what needs doing now, by urgency, and how the day goes. All of it is registered by the apps."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from core.ui import first_run, panels, today
from core.ui.requests import PageRequest
from core.ui.views.page import page


@page(None)
def show(request: PageRequest) -> HttpResponse:
    tiles = today.tiles(request.actor)
    context = {
        "tiles": [(urgency, [tile for tile in tiles if tile.urgency == urgency]) for urgency in today.URGENCY],
        "quiet": not tiles,
        "first": first_run.checklist(request.actor, getattr(request.tenant, "created_at", None)),
        "main": panels.render("today.main", request),
        "side": panels.render("today.side", request),
    }
    return render(request, "ui/today.html", context)
