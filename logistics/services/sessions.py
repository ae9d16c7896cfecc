"""A carrier account ready for calls: decrypted credentials, a live access token, the way out, the number pool."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from core import bulk, clock
from core.errors import AdapterError, AuthRevoked, PermissionMissing, Rejected, SampanError
from core.http import client
from core.secrets import decrypt, decrypt_json, encrypt
from core.tenancy import require_tenant
from logistics.models import CarrierAccount
from logistics.protocol import CarrierSession
from logistics.registry import carrier_of
from logistics.services.calls import Opened

SPARE = timedelta(seconds=120)  # a token that dies sooner is not begun with


def open_accounts(account_ids: Iterable[int], numbers: Mapping[str, str] | None = None) -> dict[int, Opened]:
    """Open each account once, outside of any transaction (a token may have to be fetched).

    ``numbers``: {reference: number} of the pool, taken beforehand. An account that cannot be opened has ``problem``.
    """
    out: dict[int, Opened] = {}
    for account in CarrierAccount.objects.filter(pk__in=set(account_ids)):
        out[account.pk] = _open(account, numbers or {})
    return out


def open_account(account: CarrierAccount) -> Opened:
    return _open(account, {})


def _open(account: CarrierAccount, numbers: Mapping[str, str]) -> Opened:
    try:
        return _opened(account, numbers)
    except SampanError as error:  # the carrier's folder is gone, or the secret cannot be read
        nothing = CarrierSession(http=None, settings={}, credentials={}, now=clock.now)
        return Opened(None, nothing, problem=AuthRevoked(error.code, **error.params))


def _opened(account: CarrierAccount, numbers: Mapping[str, str]) -> Opened:
    carrier = carrier_of(account.carrier)
    session = CarrierSession(
        http=client(account.carrier, f"{require_tenant()}:{account.pk}"),
        settings=account.settings,
        credentials=decrypt_json(bytes(account.credentials)) if account.credentials else {},
        access_token=_token(account),
        now=clock.now,
        take_number=_taker(numbers),
    )
    opened = Opened(carrier, session, refresh=_refresher(account, carrier))
    if not session.access_token:
        try:
            opened.session = _refresher(account, carrier)(session)
        except AdapterError as error:
            opened.problem = error
    return opened


def _token(account: CarrierAccount) -> str:
    expires = account.token_expires_at
    if not account.token or expires is None or expires - SPARE <= clock.now():
        return ""
    return decrypt(bytes(account.token)).decode()


def _taker(numbers: Mapping[str, str]) -> Callable[[str], str]:
    def take(reference: str) -> str:
        if reference not in numbers:
            raise Rejected("pool.empty")
        return numbers[reference]

    return take


def _refresher(account: CarrierAccount, carrier: Any) -> Callable[[CarrierSession], CarrierSession]:
    """Fetch and keep a new token. Two workers may do it at once: client credentials give each a token of its own."""

    def refresh(session: CarrierSession) -> CarrierSession:
        fresh = carrier.refresh_token(session)
        if fresh is None:
            return session
        expires = clock.now() + timedelta(seconds=fresh.expires_in)
        bulk.execute(
            "UPDATE logistics_carrieraccount SET token = %s, token_expires_at = %s WHERE id = %s",
            [encrypt(fresh.access.encode()), expires, account.pk],
        )
        return CarrierSession(
            http=session.http,
            settings=session.settings,
            credentials=session.credentials,
            access_token=fresh.access,
            now=session.now,
            take_number=session.take_number,
        )

    return refresh


def note_health(opened: Mapping[int, Opened], errors: Mapping[int, AdapterError], worked: Iterable[int]) -> None:
    """Write on the accounts what stops all of their parcels, or that they work again. Few statements, mostly one."""
    bad = {pk: account.problem for pk, account in opened.items() if account.problem is not None} | {
        pk: error for pk, error in errors.items() if isinstance(error, AuthRevoked | PermissionMissing)
    }
    for pk, error in bad.items():
        assert error is not None
        lost = isinstance(error, AuthRevoked)
        if not (lost or isinstance(error, PermissionMissing)):
            continue  # the carrier is down or busy: that is no fault of the account
        bulk.execute(
            "UPDATE logistics_carrieraccount SET health = %s, health_code = %s, health_params = %s::jsonb WHERE id = %s",
            [
                CarrierAccount.RECONNECT if lost else CarrierAccount.FAILING,
                error.code,
                json.dumps(error.params, default=str),
                pk,
            ],
        )
    good = [pk for pk in worked if pk not in bad]
    if good:
        bulk.execute(
            "UPDATE logistics_carrieraccount SET health = 'ok', health_code = '', health_params = '{}'"
            " WHERE id = ANY(%s) AND health <> 'ok'",
            [good],
        )
