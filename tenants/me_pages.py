"""What a person changes about themselves, from within any company."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import override

from core.ui.middleware import COOKIE
from core.ui.requests import PageRequest
from core.ui.views import done, page
from core.words import say
from tenants import queries, services
from tenants.forms import MeForm
from tenants.models import User


def corner(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """In the person's menu."""
    return "tenants/_me_link.html", {}


@page(None, methods=("GET", "HEAD", "POST"))
def me(request: PageRequest) -> HttpResponse:
    """Own name and language; where password and second factor are changed."""
    user = request.user
    assert isinstance(user, User)
    form = MeForm(request.POST or None, initial={"name": user.name, "language": user.language or request.LANGUAGE_CODE})
    if request.method == "POST" and form.is_valid():
        language = form.cleaned_data["language"]
        services.change_me(user=user, name=form.cleaned_data["name"], language=language)
        with override(language):
            text = _("Saved.")
        response = done(request, resolve_url("me"), text)
        # This browser may have chosen another one before.
        response.set_cookie(
            COOKIE, language, max_age=365 * 86400, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
        return response
    membership = next(one for one in queries.tenants_of(user) if one.tenant_id == request.tenant.pk)
    context = {
        "form": form,
        "role": say(f"role.{membership.role}"),
        "guarded": user.pk in queries.guarded_users([user.pk]),
        "since": membership.created_at,
    }
    return render(request, "tenants/me.html", context, status=422 if form.errors else 200)
