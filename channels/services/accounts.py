"""Connecting marketplace accounts, pausing them, and connecting them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from pydantic import ValidationError

from channels import permissions, protocol
from channels.models import Account, Confirmation, Cursor
from channels.registry import adapter_of
from channels.services.health import jobs_of, write_health
from channels.services.sessions import session_of
from core import clock
from core.audit import record
from core.central import due
from core.errors import AdapterError, BusinessError, Throttled, Transient, UnknownOutcome
from core.http import client
from core.permissions import Actor
from core.secrets import encrypt
from core.tenancy import require_tenant
from tenants.models import Tenant, WebhookRoute

BACKFILL = timedelta(days=14)
CURSORS = {protocol.ORDERS: "orders", protocol.MESSAGES: "messages", protocol.PLATFORM_STOCK: "inventory"}


def connect_account(
    *,
    actor: Actor,
    platform: str,
    name: str,
    external_id: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, Any],
    marketplaces: Sequence[str],
    timezone: str = "UTC",
    read_from: datetime | None = None,
    check: bool = True,
) -> Account:
    """Connect a seller's account and start its jobs. ``read_from``: since when orders are read (default 14 days ago).

    With ``check`` the credentials are tried first, so call it outside of a transaction. Raises BusinessError for what
    a person can mend: ``account.invalid`` (with ``fields``), ``account.exists``, ``account.refused``,
    ``account.other_owner``, ``account.not_selling_there``, ``account.plain_http``. An account that was disconnected
    is connected again, with its orders and history.
    """
    actor.require(permissions.CONNECT)
    adapter = adapter_of(platform)
    name, external_id = name.strip(), external_id.strip()
    tells = isinstance(adapter, protocol.OwnerSource) and check  # whose token it is: then the id may be left out
    wrong = [
        field
        for field, bad in (
            ("name", not name),
            ("external_id", not external_id and not tells),
            ("timezone", timezone not in available_timezones()),
        )
        if bad
    ]
    if wrong:
        raise BusinessError("account.invalid", fields=", ".join(wrong))
    gone = Account.objects.filter(platform=platform, external_id=external_id, health=Account.GONE).first()
    if gone is not None:
        if not actor.sees_account(gone.pk):  # it is somebody else's to take back
            raise BusinessError("account.exists", external_id=external_id)
        return _take_back(actor, gone, name, settings, credentials, marketplaces, timezone, check)
    account = Account(
        platform=platform,
        name=name[:80],
        external_id=external_id[:120],
        marketplaces=list(adapter.check_marketplaces(tuple(marketplaces))),
        settings=_valid(adapter.settings_model, settings),
        timezone=timezone,
        consented_at=clock.now(),
        created_at=clock.now(),
    )
    _safe_address(account.settings)
    secret = _valid(adapter.credentials_model, credentials)
    account.credentials = encrypt(secret)
    if check:
        _try(account, secret)
        external_id = account.external_id
    if not external_id:
        raise BusinessError("account.invalid", fields="external_id")
    try:
        with transaction.atomic():
            account.save()
            _start(account, adapter, read_from or clock.now() - BACKFILL)
            record(actor, "account", account.pk, "account.connected", platform=platform, name=account.name)
    except IntegrityError:
        if Account.objects.filter(platform=platform, external_id=external_id).exists():
            raise BusinessError("account.exists", external_id=external_id) from None
        raise
    return account


def reconnect(*, actor: Actor, account_id: int, credentials: Mapping[str, Any], check: bool = True) -> Account:
    """Give an account new credentials (the seller's consent again). The cursors go on where they stood."""
    actor.require(permissions.CONNECT)
    account = _get(actor, account_id)
    secret = _valid(adapter_of(account.platform).credentials_model, credentials)
    _safe_address(account.settings)
    if check:
        _try(account, secret)
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=account_id)
        held.credentials, held.token, held.token_expires_at = encrypt(secret), account.token, account.token_expires_at
        held.token_generation += 1
        held.token_lease_until = None
        held.consented_at = clock.now()
        held.save(
            update_fields=[
                "credentials",
                "token",
                "token_expires_at",
                "token_generation",
                "token_lease_until",
                "consented_at",
            ]
        )
        record(actor, "account", account_id, "account.reconnected")
        if held.health == Account.GONE:
            _run(held, adapter_of(held.platform))
        if held.health != Account.PAUSED:
            write_health(held, Account.OK, actor, "", {})
            _wake(held)
    return held


def disconnect(*, actor: Actor, account_id: int) -> None:
    """Delete the account's secrets and stop everything that is done for it. Orders, messages and history stay.

    What the marketplace was still to be told cannot be told any more: it lies on the dead-letter desk. ``reconnect``
    (or connecting the same seller anew) brings the account back, reading goes on where it stood.
    """
    actor.require(permissions.CONNECT)
    _get(actor, account_id)
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=account_id)
        if held.health == Account.GONE:
            return
        write_health(held, Account.GONE, actor, "", {})
        held.credentials = held.token = held.token_expires_at = held.token_lease_until = None
        held.token_generation += 1
        held.save(update_fields=["credentials", "token", "token_expires_at", "token_lease_until", "token_generation"])
        for job, _ in jobs_of(adapter_of(held.platform).capabilities):
            due.unschedule(require_tenant(), job, str(account_id))
        WebhookRoute.objects.filter(account_id=account_id, tenant__schema_name=require_tenant()).filter(
            platform=held.platform
        ).delete()
        open_states = (Confirmation.WANTED, Confirmation.SENT, Confirmation.UNKNOWN)
        Confirmation.objects.filter(account_id=account_id, state__in=open_states).update(
            state=Confirmation.REFUSED,
            error_code="account.gone",
            error_params={},
            lease_token=None,
            lease_until=None,
        )


def pause(*, actor: Actor, account_id: int) -> None:
    """Stop reading from and telling the platform; nothing is lost, confirmations wait."""
    actor.require(permissions.CONNECT)
    _get(actor, account_id)
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=account_id)
        if held.health == Account.GONE:
            raise BusinessError("account.reconnect_first", name=held.name)
        write_health(held, Account.PAUSED, actor, "", {})


def resume(*, actor: Actor, account_id: int) -> None:
    """End a pause, or try again at once after failures. An account that must be reconnected stays so."""
    actor.require(permissions.CONNECT)
    _get(actor, account_id)
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=account_id)
        if held.health in (Account.RECONNECT, Account.GONE):
            raise BusinessError("account.reconnect_first", name=held.name)
        write_health(held, Account.OK, actor, "", {})
        _wake(held)


def change_settings(*, actor: Actor, account_id: int, name: str, settings: Mapping[str, Any], timezone: str) -> Account:
    """Rename an account or change what is not secret about it.

    The address of the API stays: whoever could change it would be sent the secrets, which are never shown again.
    """
    actor.require(permissions.CONNECT)
    account = _get(actor, account_id)
    settings = {"base_url": account.settings.get("base_url", ""), **settings}
    if settings["base_url"] != account.settings.get("base_url", ""):
        raise BusinessError("account.invalid", fields="base_url")
    if not name.strip() or timezone not in available_timezones():
        raise BusinessError("account.invalid", fields="name, timezone")
    account.name, account.timezone = name.strip()[:80], timezone
    account.settings = _valid(adapter_of(account.platform).settings_model, settings)
    with transaction.atomic():
        account.save(update_fields=["name", "timezone", "settings"])
        record(actor, "account", account_id, "account.changed", name=account.name)
    return account


def connect_sandbox_store(
    *, actor: Actor, platform: str, name: str, marketplace: str, read_from: datetime | None = None
) -> Account:
    """Make a store at the simulators (settings.SANDBOX_URL) and connect it. Raises BusinessError when none runs."""
    actor.require(permissions.CONNECT)
    if not django_settings.SANDBOX_URL:
        raise BusinessError("account.no_sandbox")
    draft = adapter_of(platform).sandbox_draft(django_settings.SANDBOX_URL.rstrip("/"), marketplace)
    try:
        answer = client("sandbox", draft.external_id).send(
            "POST",
            draft.register_url,
            operation="register",
            headers={"content-type": "application/json"},
            content=json.dumps(dict(draft.register)).encode(),
        )
    except AdapterError as error:
        raise BusinessError("account.sandbox_down") from error
    if answer.status != 200:
        raise BusinessError("account.sandbox_down", status=answer.status)
    return connect_account(
        actor=actor,
        platform=platform,
        name=name,
        external_id=draft.external_id,
        settings=draft.settings,
        credentials=draft.credentials,
        marketplaces=draft.marketplaces,
        read_from=read_from,
    )


def _get(actor: Actor, account_id: int) -> Account:
    account = Account.objects.filter(pk=account_id).first()
    if account is None or not actor.sees_account(account_id):
        raise BusinessError("account.unknown")
    return account


def _valid(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(model.model_validate(dict(values)).model_dump(mode="json"))
    except ValidationError as error:
        # Only the names: the values may be secrets.
        fields = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})
        raise BusinessError("account.invalid", fields=", ".join(fields)) from None


def _safe_address(settings: Mapping[str, Any]) -> None:
    """Secrets travel encrypted: no http:// but to the simulators. Raises BusinessError ``account.plain_http``."""
    address = urlsplit(str(settings.get("base_url") or ""))
    sandbox = urlsplit(django_settings.SANDBOX_URL)
    if address.scheme in ("", "https") or (sandbox.netloc and address.netloc == sandbox.netloc):
        return
    raise BusinessError("account.plain_http", fields="base_url")


def _try(account: Account, secret: dict[str, Any]) -> None:
    """Mint a first token and ask whose it is; the token is kept in the (unsaved) account."""
    asked, adapter = clock.now(), adapter_of(account.platform)
    try:
        token = adapter.refresh_token(session_of(account, credentials=secret))
        owner = protocol.Owner()
        if isinstance(adapter, protocol.OwnerSource):
            owner = adapter.identify(session_of(account, token.access, credentials=secret))
    except (Transient, Throttled, UnknownOutcome) as error:
        raise BusinessError("account.platform_silent") from error
    except AdapterError as error:
        raise BusinessError("account.refused", **{**error.params, "reason": error.code}) from error
    _compare(account, owner)
    account.token = encrypt(token.access.encode())
    account.token_expires_at = asked + timedelta(seconds=token.expires_in)


def _compare(account: Account, owner: protocol.Owner) -> None:
    """The token must be that of the seller that was named; an id that was left out is filled in."""
    names = {name.casefold() for name in (owner.external_id, *owner.aliases) if name}
    if names and account.external_id and account.external_id.casefold() not in names:
        raise BusinessError(
            "account.other_owner", fields="external_id", owner=owner.external_id, given=account.external_id
        )
    account.external_id = account.external_id or owner.external_id
    missing = sorted(set(account.marketplaces) - set(owner.marketplaces)) if owner.marketplaces else []
    if missing:
        raise BusinessError("account.not_selling_there", fields="marketplaces", marketplaces=", ".join(missing))


def _take_back(
    actor: Actor,
    account: Account,
    name: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, Any],
    marketplaces: Sequence[str],
    timezone: str,
    check: bool,
) -> Account:
    """A seller who was disconnected is connected anew: the same account, under the name and address given now."""
    adapter = adapter_of(account.platform)
    changes: dict[str, Any] = {
        "name": name[:80],
        "settings": _valid(adapter.settings_model, settings),
        "marketplaces": list(adapter.check_marketplaces(tuple(marketplaces))),
        "timezone": timezone,
    }
    _safe_address(changes["settings"])
    # It holds no secrets, so another address is sent only those that were typed for it.
    Account.objects.filter(pk=account.pk, health=Account.GONE).update(**changes)
    return reconnect(actor=actor, account_id=account.pk, credentials=credentials, check=check)


def _start(account: Account, adapter: Any, read_from: datetime) -> None:
    """Cursors, recurring jobs, and the way in for the platform's calls."""
    rows = []
    for capability, job in CURSORS.items():
        if capability in adapter.capabilities:
            rows.append(Cursor(account=account, job=job, position=read_from, began_at=read_from))
    Cursor.objects.bulk_create(rows)
    _run(account, adapter)


def _run(account: Account, adapter: Any) -> None:
    now = clock.now()
    for job, every in jobs_of(adapter.capabilities):
        due.schedule(require_tenant(), job, str(account.pk), every or adapter.pull_every_seconds, first_at=now)
    if protocol.WEBHOOKS in adapter.capabilities:
        WebhookRoute.objects.get_or_create(
            platform=account.platform,
            external_id=account.external_id,
            tenant=Tenant.objects.get(schema_name=require_tenant()),
            defaults={"account_id": account.pk},
        )


def _wake(account: Account) -> None:
    for job, _ in jobs_of(adapter_of(account.platform).capabilities):
        due.run_now(require_tenant(), job, str(account.pk))
