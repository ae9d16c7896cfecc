"""What the tenant chooses about booking, weighing and the notice to the marketplace: the page, and the carriers' panel."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from channels import queries as channels
from core import settings_store
from core.errors import BusinessError
from core.permissions import Actor
from core.ui.model_forms import dress
from core.ui.requests import PageRequest
from core.ui.views import done, page
from fulfilment import options
from fulfilment.forms import ChosenForm


def panel(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """What is chosen, and the way to change it for those who may."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    chosen = options.chosen()
    names = channels.platforms() if chosen["ioss"] else {}
    numbers = [(names.get(platform, platform), number) for platform, number in chosen["ioss"].items()]
    return "fulfilment/_options.html", {
        "chosen": chosen,
        "numbers": numbers,
        "may_change": actor.can(settings_store.CHANGE),
    }


@page(settings_store.CHANGE, methods=("GET", "HEAD", "POST"))
def settings(request: PageRequest) -> HttpResponse:
    now = options.chosen()
    given = request.POST if request.method == "POST" else None
    form = ChosenForm(given, platforms=channels.platforms(), initial=now)
    if given is not None and form.is_valid():
        typed = {name: value for name, value in form.cleaned_data.items() if name in now}
        weighing = {name: value for name, value in typed.items() if name in options.WeighingOptions.model_fields}
        booking = {name: value for name, value in typed.items() if name not in weighing}
        try:
            options.choose(
                actor=request.actor, booking={**booking, "ioss": now["ioss"] | form.ioss()}, weighing=weighing
            )
        except BusinessError as error:
            form.refuse(str(error.params.get("fields", "")))
        else:
            return done(request, "logistics:carriers", _("Saved; it counts from now on."))
    dress(form)
    return render(request, "fulfilment/settings.html", {"form": form})
