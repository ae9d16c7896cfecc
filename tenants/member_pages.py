"""A company's people, on its own host: who is there, inviting, role and scope, shutting out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.core import ratelimit
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from core.words import say
from tenants import mail, ports, queries, services
from tenants.forms import InviteForm, ScopeForm
from tenants.models import Invitation, Membership, Tenant
from tenants.permissions import MANAGE_MEMBERS, SEE_MEMBERS
from tenants.roles import table


@page(SEE_MEMBERS)
def members(request: PageRequest) -> HttpResponse:
    return _show(request, InviteForm(scopes=ports.scopes()))


@page(MANAGE_MEMBERS, methods=("POST",))
def invite(request: PageRequest) -> HttpResponse:
    """Invite, send the link, and show it too: not every installation has a mail server."""
    form = InviteForm(request.POST, scopes=ports.scopes())
    if form.is_valid():
        # Anybody may open a company, and its name and the inviting person's stand in mails to whomever they like.
        if refused := ratelimit.consume_or_429(request, action="invite"):
            return refused
        try:
            invitation = services.invite(
                actor=request.actor,
                tenant=_tenant(request),
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                accounts=form.scope("accounts"),
                warehouses=form.scope("warehouses"),
            )
        except BusinessError as error:
            form.add_error("email", sentence(error))
        else:
            mark = urlencode({"mark": services.mailed_mark(invitation.token)})
            sent = mail.send_invitation(invitation=invitation, link=f"{_link(request, invitation)}?{mark}")
            text = _("Invitation sent.") if sent else _("The mail could not be sent. Hand over the link below.")
            return done(request, resolve_url("members"), text)
    return _show(request, form, status=422)


@page(MANAGE_MEMBERS, methods=("POST",))
def withdraw(request: PageRequest, invitation_id: int) -> HttpResponse:
    services.withdraw_invitation(actor=request.actor, tenant=_tenant(request), invitation_id=invitation_id)
    return done(request, resolve_url("members"), _("Invitation withdrawn."))


@page(MANAGE_MEMBERS, methods=("GET", "POST"))
def member(request: PageRequest, membership_id: int) -> HttpResponse:
    """Role and scope of one member."""
    found = _member(request, membership_id)
    given: dict[str, Any] = {"role": found.role, "accounts": found.accounts, "warehouses": found.warehouses}
    form = ScopeForm(request.POST or None, initial=given, scopes=ports.scopes())
    if request.method == "POST" and form.is_valid():
        try:
            services.change_member(
                actor=request.actor,
                tenant=_tenant(request),
                membership_id=membership_id,
                role=form.cleaned_data["role"],
                accounts=form.scope("accounts"),
                warehouses=form.scope("warehouses"),
            )
        except BusinessError as error:
            form.add_error("role", sentence(error))
        else:
            return done(request, resolve_url("members"), _("Saved."))
    status = 422 if form.errors else 200
    return render(request, "tenants/member.html", {"member": found, "form": form}, status=status)


@page(MANAGE_MEMBERS, methods=("POST",))
def shut_out(request: PageRequest, membership_id: int) -> HttpResponse:
    services.deactivate_member(actor=request.actor, tenant=_tenant(request), membership_id=membership_id)
    return done(request, resolve_url("members"), _("Shut out, from this moment on."))


@page(MANAGE_MEMBERS, methods=("POST",))
def let_in(request: PageRequest, membership_id: int) -> HttpResponse:
    services.reactivate_member(actor=request.actor, tenant=_tenant(request), membership_id=membership_id)
    return done(request, resolve_url("members"), _("Let in again."))


def _show(request: PageRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    tenant = _tenant(request)
    found = queries.members_of(tenant)
    guarded = queries.guarded_users([one.user_id for one in found])
    choices = ports.scopes()
    rows = [
        {
            "member": one,
            "role": say(f"role.{one.role}"),
            "scope": _scope(one, choices),
            "guarded": one.user_id in guarded,
            "me": one.user_id == request.actor.id,
        }
        for one in found
    ]
    invitations = [(one, say(f"role.{one.role}"), _link(request, one)) for one in queries.open_invitations(tenant)]
    may = request.actor.can(MANAGE_MEMBERS)
    shown = {
        "rows": rows,
        "invitations": invitations,
        "form": form if may else None,
        "may": may,
        "roles": table(),
        "now": clock.wall(),
    }
    return render(request, "tenants/members.html", shown, status=status)


def _scope(member: Membership, choices: dict[str, list[tuple[int, str]]]) -> str:
    """The names of what a member is narrowed to; '' for everything."""
    names = []
    for kind, known in choices.items():
        wanted = getattr(member, kind)
        if wanted is not None:
            names += [name for key, name in known if key in wanted] or [say("member.nothing")]
    return ", ".join(names)


def _link(request: PageRequest, invitation: Invitation) -> str:
    port = request.get_host().partition(":")[2]
    # With DEMO the bare host serves the demo's tenant.
    host = f"www.{settings.BASE_DOMAIN}" if settings.DEMO else settings.BASE_DOMAIN
    return f"{request.scheme}://{host}{f':{port}' if port else ''}/invitations/{invitation.token}/"


def _member(request: PageRequest, membership_id: int) -> Membership:
    found = queries.member(tenant=_tenant(request), membership_id=membership_id)
    if found is None:
        raise Http404
    return found


def _tenant(request: PageRequest) -> Tenant:
    tenant = request.tenant
    assert isinstance(tenant, Tenant)
    return tenant
