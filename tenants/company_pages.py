"""The company's profile, on its own host."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from tenants import ports, services
from tenants.forms import ProfileForm
from tenants.models import Tenant
from tenants.permissions import PROFILE

_FIELD = {"tenants.profile_currency_fixed": "currency", "tenants.no_name": "name"}


@page(PROFILE, methods=("GET", "HEAD", "POST"))
def profile(request: PageRequest) -> HttpResponse:
    tenant = request.tenant
    assert isinstance(tenant, Tenant)
    given = {name: getattr(tenant, name) for name in ("name", "timezone", "currency", "language")}
    fixed = ports.is_valued()
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=given, fixed=fixed)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_profile(actor=request.actor, tenant=tenant, **form.cleaned_data)
        except BusinessError as error:
            form.add_error(_FIELD.get(error.code), sentence(error))
        else:
            return done(request, resolve_url("company"), _("Saved."))
    context = {"form": form, "fixed": fixed, "host": request.get_host(), "domain": settings.BASE_DOMAIN}
    return render(request, "tenants/company.html", context, status=422 if form.errors else 200)
