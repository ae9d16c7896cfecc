"""From one company's host to another's, for people of several: the list in the corner, and the pass that takes one over."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import page
from tenants import queries, services
from tenants.models import Tenant, User
from tenants.views import host_url


@page(None)
def companies(request: PageRequest) -> HttpResponse:
    """One's companies, the present one marked; those that are not ready cannot be chosen."""
    assert isinstance(request.user, User)
    found = [one.tenant for one in queries.tenants_of(request.user)]
    context = {"companies": [(one, one.state == Tenant.ACTIVE, one.pk == request.tenant.pk) for one in found]}
    return render(request, "tenants/_companies.html", context)


@page(None, methods=("POST",))
def enter(request: PageRequest, tenant_id: int) -> HttpResponse:
    """To the other company's host, signed in there too by a pass that is good once and for a minute.

    Where one has no place is as if it were not there.
    """
    assert isinstance(request.user, User)
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None:
        raise Http404
    try:
        token = services.entry_pass(user=request.user, tenant=tenant)
    except BusinessError as error:
        raise Http404 from error
    return HttpResponseRedirect(host_url(request, tenant, f"/enter/{token}/"))


def corner(request: PageRequest) -> tuple[str, dict[str, Any]] | None:
    """The company's name in the menu, as the way to the others."""
    return ("tenants/_company.html", {}) if request.actor.extra.get("companies") else None
