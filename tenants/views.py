"""The public host's pages: sign-up, my companies, invitations; and the door of a tenant's host."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import Login, perform_login
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET, require_http_methods

from core import clock
from core.errors import BusinessError
from core.words import say
from tenants import mail, queries, services
from tenants.forms import CompanyForm, JoinForm, SignUpForm
from tenants.models import Tenant, User

SIGN_UP_SECONDS = 3.0  # wall: longer than a company takes to be made
# Which field of a form an error belongs under.
FIELD_OF = {"tenants.email_taken": "email", "tenants.bad_address": "address", "tenants.address_taken": "address"}


def host_url(request: HttpRequest, tenant: Tenant, path: str = "/") -> str:
    """Address of a page on the tenant's host, by the scheme and port that the browser used here."""
    port = request.get_host().partition("]")[2] or request.get_host()
    suffix = f":{port.rpartition(':')[2]}" if ":" in port else ""
    return f"{request.scheme}://{queries.host_of_tenant(tenant)}{suffix}{path}"


def add_error(form: Form, error: BusinessError | ValidationError) -> None:
    if isinstance(error, ValidationError):
        form.add_error("password", error)
        return
    field = FIELD_OF.get(error.code)
    form.add_error(field if field in form.fields else None, sentence(error))


def sentence(error: BusinessError) -> str:
    return say(error.code, error.params)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("my_tenants")
    return render(request, "tenants/home.html")


@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Open a company, and an account unless one is signed in."""
    user = request.user if isinstance(request.user, User) else None
    form_class = SignUpForm if user is None else CompanyForm
    form = form_class(request.POST or None, initial={"language": request.LANGUAGE_CODE})
    if request.method == "POST":
        if refused := ratelimit.consume_or_429(request, action="signup"):
            return refused
        if form.is_valid():
            given: dict[str, Any] = {"email": "", "password": "", "name": ""} | form.cleaned_data
            begun = clock.monotonic()
            try:
                tenant, owner = services.open_company(user=user, **given)
            except (BusinessError, ValidationError) as error:
                if _tells_of_a_person(error):
                    return _as_if_new(request, given["email"], begun)
                add_error(form, error)
            else:
                inside = HttpResponseRedirect(f"/tenants/{tenant.pk}/enter/")
                if user is not None:
                    return inside
                # Through allauth: it asks for what a sign-in needs, such as a confirmed address.
                response = perform_login(request, Login(user=owner, redirect_url=inside.url, signup=True))
                _take_time(begun)
                return response
    return render(request, "tenants/sign_up.html", {"form": form})


def _tells_of_a_person(error: Exception) -> bool:
    """Whether the refusal would say that somebody has an account here, and there is a mail server to say it to them."""
    proven = settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory"
    return proven and isinstance(error, BusinessError) and error.code == "tenants.email_taken"


def _as_if_new(request: HttpRequest, email: str, begun: float) -> HttpResponse:
    """What a stranger sees is what a new person sees: a mail was sent. The person who has the account is told by it."""
    link = request.build_absolute_uri(resolve_url("account_login"))
    mail.send_known(email=email, link=link, language=_language(request))
    request.session["signed_up"] = True  # a new person gets a session's cookie and a message too
    get_adapter().add_message(
        request,
        messages.INFO,
        "account/messages/email_confirmation_sent.txt",
        {"email": email, "login": False, "signup": True},
    )
    _take_time(begun)
    return redirect("account_email_verification_sent")


def _take_time(begun: float) -> None:
    """Where addresses are proven by mail both ways take as long: making a company would show by its second."""
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory":
        clock.sleep(max(0.0, SIGN_UP_SECONDS - (clock.monotonic() - begun)))


@login_required
@require_GET
def my_tenants(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    memberships = queries.tenants_of(request.user)
    return render(request, "tenants/my_tenants.html", {"memberships": memberships})


@login_required
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """From the public host to a tenant's, signed in there too. Asks for a click unless one comes from sign-up."""
    assert isinstance(request.user, User)
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None:
        raise Http404
    try:
        token = services.entry_pass(user=request.user, tenant=tenant)
    except BusinessError as error:
        raise Http404 from error
    response = HttpResponseRedirect(host_url(request, tenant, f"/enter/{token}/"))
    add_never_cache_headers(response)
    return response


@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: UUID) -> HttpResponse:
    """What an invited person sees: join with one click when signed in, else set a password or sign in."""
    try:
        found = services.open_invitation(token)
    except BusinessError as error:
        return render(request, "tenants/invitation_void.html", {"sentence": sentence(error)}, status=404)
    user = request.user if isinstance(request.user, User) else None
    known = user is None and User.objects.filter(email=found.email).exists()
    form = JoinForm(request.POST or None) if user is None and not known else None
    if request.method == "POST" and not known:
        if refused := ratelimit.consume_or_429(request, action="signup"):
            return refused
        if form is None or form.is_valid():
            given = form.cleaned_data if form is not None else {}
            try:
                member = services.accept_invitation(
                    token=token, user=user, language=_language(request), mark=request.GET.get("mark", ""), **given
                )
            except ValidationError as error:  # of the password, so there is a form
                add_error(form or JoinForm(), error)
            except BusinessError as error:
                if form is None:
                    return render(request, "tenants/invitation_void.html", {"sentence": sentence(error)}, status=409)
                add_error(form, error)
            else:
                inside = f"/tenants/{member.tenant_id}/enter/"
                if user is not None:
                    return redirect(inside)
                return perform_login(request, Login(user=member.user, redirect_url=inside))
    shown = {"invitation": found, "form": form, "known": known, "other": user is not None and user.email != found.email}
    return render(request, "tenants/invitation.html", shown)


def _language(request: HttpRequest) -> str:
    return str(getattr(request, "LANGUAGE_CODE", ""))
