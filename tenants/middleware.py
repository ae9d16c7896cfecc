"""Host → tenant, and the membership check on every request (architecture §6)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import set_urlconf

from core.tenancy import PUBLIC, switch_to
from tenants import queries, services
from tenants.models import Tenant

Handler = Callable[[HttpRequest], HttpResponse]


class HostMiddleware:
    """Puts the connection on the tenant of the request's host; unknown hosts are 404. Needs no session."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        switch_to(PUBLIC)
        host = request.get_host().rsplit(":", 1)[0].lower().strip("[]")
        tenant = queries.tenant_of_host(host)
        # With DEMO the bare host shows the demo's tenant; what platforms call belongs to the public host all the same.
        if tenant is None and settings.DEMO and queries.is_bare_host(host) and not request.path.startswith("/hooks/"):
            tenant = queries.demo_tenant()
        request.tenant = tenant  # type: ignore[attr-defined]
        if tenant is None and not (host in settings.PUBLIC_HOSTS or queries.is_bare_host(host)):
            raise Http404("no such host")
        if tenant is None:
            request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
            set_urlconf(request.urlconf)
        else:
            if tenant.state != Tenant.ACTIVE:
                return being_worked_on()
            switch_to(tenant.schema_name)
        try:
            return self.get_response(request)
        finally:
            switch_to(PUBLIC)


def being_worked_on() -> HttpResponse:
    """The tenant is paused or still being made ready: said without session, user or tenant."""
    return HttpResponse(render_to_string("tenants/paused.html"), status=503, headers={"Retry-After": "60"})


class MembershipMiddleware:
    """A signed-in user without an active membership of this tenant gets 404, as if there were nothing here."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = getattr(request, "tenant", None)
        user = getattr(request, "user", None)
        request.actor = None  # type: ignore[attr-defined]
        if tenant is not None and user is not None and user.is_authenticated:
            membership = queries.membership(user_id=user.pk, tenant_id=tenant.pk)
            if membership is None:
                if request.path == "/accounts/logout/":
                    return self.get_response(request)
                raise Http404("not a member")
            request.actor = queries.actor_of(user, membership, tenant)  # type: ignore[attr-defined]
            services.note_seen(membership)
        return self.get_response(request)
