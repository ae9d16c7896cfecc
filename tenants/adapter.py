"""allauth's hooks: who may sign up where, and where one goes after signing in."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from core.tenancy import PUBLIC, current_schema


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened on the public host only, by the sign-up that also opens a tenant, or by invitation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/" if current_schema() != PUBLIC else "/tenants/"

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        return None
