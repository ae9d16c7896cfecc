"""What an adapter is handed for one account. Built in the thread that holds the tenant; used in any thread."""

from __future__ import annotations

from typing import Any

from channels.models import Account
from channels.protocol import Session
from core import clock
from core.http import client
from core.secrets import decrypt_json


def credentials_of(account: Account) -> dict[str, Any]:
    return decrypt_json(bytes(account.credentials)) if account.credentials else {}


def application_of(account: Account, held: dict[str, Any]) -> str:
    """Whose calls a platform counts: per application and seller, whoever of our tenants makes them."""
    # Who names another address as the platform's has a budget there: a foreign seller's is not used up from there.
    at = account.settings.get("base_url") or ""
    return f"{account.platform}:{held.get('client_id') or held.get('app_id') or ''}{'@' if at else ''}{at}"


def session_of(account: Account, access_token: str = "", *, credentials: dict[str, Any] | None = None) -> Session:
    """Needs the account's tenant to be current (its key decrypts the credentials)."""
    held = credentials if credentials is not None else credentials_of(account)
    return Session(
        http=client(application_of(account, held), account.external_id),
        external_account=account.external_id,
        settings=account.settings,
        credentials=held,
        marketplaces=tuple(account.marketplaces),
        access_token=access_token,
        now=clock.now,
    )
