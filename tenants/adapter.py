"""allauth's hooks: who may sign up where, where one goes after signing in, and what passkeys belong to."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.secrets import open_text, seal_text
from core.tenancy import PUBLIC, current_schema
from tenants import queries


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened on the public host only, by the sign-up that also opens a tenant, or by invitation."""

    # One sentence for three causes: which of them it was is nobody's business but the owner's of the address.
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "The e-mail address or the password is not right, or the address does not belong to this company."
        ),
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """On a tenant's host only its members can sign in; to all others there is nothing here."""
        user = super().authenticate(request, **credentials)
        tenant = getattr(request, "tenant", None)
        if user is not None and tenant is not None:
            if queries.membership(user_id=user.pk, tenant_id=tenant.pk) is None:
                self.pre_authenticate(request, **credentials)  # counted as wrong, or its right would show
                return None
        return user

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By address alone: counted by host, each tenant's would give as many attempts again."""
        return str(credentials.get("email", "")).lower()

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/" if current_schema() != PUBLIC else "/tenants/"

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return "/accounts/login/"

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        return None


class MfaAdapter(DefaultMFAAdapter):
    """A passkey belongs to the parent domain, so that the same one works on every tenant's host.

    Secrets of second factors are sealed: who reads the table, or a dump of it, makes no codes.
    """

    def encrypt(self, text: str) -> str:
        return seal_text(text)

    def decrypt(self, encrypted_text: str) -> str:
        return open_text(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        # Browsers take no passkey for "localhost" on one of its subdomains: there it belongs to the single host.
        return entity if settings.BASE_DOMAIN == "localhost" else entity | {"id": settings.BASE_DOMAIN}
