"""The door of a tenant's host: who comes from the public host with a pass is signed in here."""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET

from core.errors import BusinessError
from tenants import services

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_GET
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Spend the pass and go to the first page; a pass that is worth nothing leads to the sign-in."""
    tenant = getattr(request, "tenant", None)
    if tenant is None:
        raise Http404
    try:
        user = services.spend_pass(token=token, tenant=tenant)
    except BusinessError:
        response = HttpResponseRedirect("/" if request.user.is_authenticated else "/accounts/login/")
    else:
        if request.user.is_authenticated and request.user.pk != user.pk:
            logout(request)
        login(request, user, backend=BACKEND)
        response = HttpResponseRedirect("/")
    add_never_cache_headers(response)
    return response
