"""Hand-over lists (what waits, closing, printing again) and the hand-over of many numbers at once."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page
from fulfilment import batches, permissions, queries_lists, queries_page
from logistics import permissions as carriers
from logistics.services import manifest

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


@page(carriers.VIEW)
def index(request: PageRequest) -> HttpResponse:
    context = {
        "open": queries_lists.waiting(request.actor),
        "closed": queries_lists.closed(request.actor),
        "may_close": request.actor.can(carriers.MANIFEST),
    }
    return render(request, "fulfilment/handovers.html", context)


@page(carriers.VIEW)
def waiting(request: PageRequest, account: int, warehouse: int) -> HttpResponse:
    """What would stand on the list if it were closed now."""
    found = queries_lists.open_list(request.actor, account, warehouse)
    return render(
        request, "fulfilment/handover.html", {"list": found, "may_close": request.actor.can(carriers.MANIFEST)}
    )


@page(carriers.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    """A closed list: its parcels, and when it was printed again."""
    found = queries_lists.closed_list(request.actor, pk)
    return render(
        request, "fulfilment/handover.html", {"list": found, "may_print": request.actor.can(carriers.MANIFEST)}
    )


@page(carriers.MANIFEST, methods=POST)
def print_again(request: PageRequest, pk: int) -> HttpResponse:
    """The same PDF, and that it was opened again."""
    uid = queries_lists.reprint(request.actor, pk)
    return redirect(reverse("stored_file", args=[uid]) + "?inline=1")


@page(carriers.MANIFEST, methods=POST)
def close(request: PageRequest) -> HttpResponse:
    account, place = (request.POST.get(name, "") for name in ("account", "warehouse"))
    if not (account.isdecimal() and place.isdecimal() and len(account) < 19 and len(place) < 19):
        raise BusinessError("warehouse.not_found")
    made = manifest.close_manifest(actor=request.actor, carrier_account_id=int(account), warehouse_id=int(place))
    text = _("{number} closed with {n} parcels.").format(number=made.number, n=made.parcels)
    return done(request, reverse("fulfilment:handovers"), text)


@page(permissions.SHIP, methods=BOTH)
def batch(request: PageRequest) -> HttpResponse:
    """Numbers pasted or scanned into a list: look first, then hand over what may go."""
    text = request.POST.get("numbers", "")
    context: dict[str, object] = {"numbers": text, "most": batches.MOST}
    if request.method == "POST":
        if request.POST.get("act") == "hand":
            handed = batches.hand_over(actor=request.actor, text=text)
            said = ngettext("{n} parcel handed over.", "{n} parcels handed over.", len(handed.done))
            if not handed.refused:
                return done(request, reverse("fulfilment:handovers"), said.format(n=len(handed.done)))
            context |= {"handed": said.format(n=len(handed.done)), "refused": list(handed.refused.items())}
            context["numbers"] = "\n".join(str(code) for code in handed.refused)
        else:
            context["look"] = batches.look(actor=request.actor, text=text)
    context["counts"] = queries_page.tally(request.actor)
    return render(request, "fulfilment/batch.html", context)
