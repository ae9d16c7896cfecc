"""Connecting carriers and tracking aggregators, their services, and the numbers of carriers without an API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from pydantic import BaseModel, ValidationError

from core import bulk, clock, patterns
from core.audit import record, record_many
from core.errors import BusinessError
from core.permissions import Actor
from core.secrets import encrypt
from core.tenancy import require_tenant
from logistics import numbers, permissions
from logistics.canonical import ServiceInfo
from logistics.models import CarrierAccount, Service, Tracker
from logistics.protocol import NUMBER_POOL
from logistics.registry import carrier_of, tracker_of
from logistics.services.booking import schedule_work
from logistics.services.sessions import open_account
from logistics.services.tracking import schedule_tracking
from tenants.models import Tenant, WebhookRoute

MOST_NUMBERS = 20_000
SERVICE_FIELDS = frozenset(
    "code key name name_zh countries max_weight_g divisor battery number_format channel_names aggregator_code active".split()
)


def _checked(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises BusinessError ``connect.form`` with the faulty fields; values are never repeated (they may be secrets)."""
    try:
        return model(**given).model_dump()
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
        raise BusinessError("connect.form", fields=fields) from None


@transaction.atomic
def connect_carrier(
    *,
    actor: Actor,
    carrier: str,
    name: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    external_id: str = "",
) -> CarrierAccount:
    """Keep a carrier account with encrypted credentials; nothing is called yet (``check_account`` does that).

    Raises BusinessError ``carrier.unknown``, ``connect.form``.
    """
    actor.require(permissions.CONNECT)
    adapter = carrier_of(carrier)
    secret = _checked(adapter.credentials_model, credentials)
    account = CarrierAccount.objects.create(
        carrier=carrier,
        name=name.strip()[:80] or adapter.title,
        external_id=external_id,
        settings=_checked(adapter.settings_model, settings or {}),
        credentials=encrypt(secret),
        created_at=clock.now(),
    )
    schedule_work()
    schedule_tracking()
    record(actor, "carrier", account.pk, "carrier.connected", carrier=carrier)
    return account


@transaction.atomic
def reconnect_carrier(
    *, actor: Actor, account_id: int, credentials: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> CarrierAccount:
    """New credentials for an account; parcels that waited for them go on at once."""
    actor.require(permissions.CONNECT)
    account = CarrierAccount.objects.select_for_update().get(pk=account_id)
    adapter = carrier_of(account.carrier)
    account.credentials = encrypt(_checked(adapter.credentials_model, credentials))
    if settings is not None:
        account.settings = _checked(adapter.settings_model, settings)
    account.token, account.token_expires_at = None, None
    account.health, account.health_code, account.health_params = CarrierAccount.OK, "", {}
    account.save()
    bulk.execute(
        "UPDATE logistics_shipment s SET next_at = %s FROM logistics_service v WHERE v.id = s.service_id"
        " AND v.carrier_account_id = %s AND s.next_at > %s",
        [clock.now(), account_id, clock.now()],
    )
    record(actor, "carrier", account.pk, "carrier.reconnected")
    return account


def check_account(*, actor: Actor, account_id: int) -> list[ServiceInfo]:
    """Sign in and list what the carrier sells; outside of any transaction. Raises AdapterError with the reason."""
    actor.require(permissions.CONNECT)
    account = CarrierAccount.objects.get(pk=account_id)
    opened = open_account(account)
    if opened.problem is not None:
        raise opened.problem
    found: list[ServiceInfo] = opened.carrier.services(opened.session)
    return found


def save_service(*, actor: Actor, account_id: int, service_id: int | None = None, **fields: Any) -> Service:
    """Make or change a service. ``key`` is ours and unique; ``number_format`` a regular expression for whole numbers.

    Raises BusinessError ``service.key_taken``, ``service.key_missing``, ``service.number_format``, ``service.unknown_field``.
    """
    actor.require(permissions.CONNECT)
    unknown = fields.keys() - SERVICE_FIELDS
    if unknown:
        raise BusinessError("service.unknown_field", fields=sorted(unknown))
    form = fields.get("number_format") or ""
    if not patterns.usable(form):
        raise BusinessError("service.number_format", format=form)
    with transaction.atomic():
        service = Service(carrier_account_id=account_id) if service_id is None else Service.objects.get(pk=service_id)
        for name, value in fields.items():
            setattr(service, name, value)
        if not service.key or not service.code or not service.name:
            raise BusinessError("service.key_missing")
        if Service.objects.filter(key=service.key).exclude(pk=service.pk).exists():
            raise BusinessError("service.key_taken", key=service.key)
        service.countries = sorted({country.strip().upper() for country in service.countries if country.strip()})
        service.save()
        record(actor, "service", service.pk, "service.saved", fields=sorted(fields))
    return service


@transaction.atomic
def connect_tracker(
    *,
    actor: Actor,
    kind: str,
    name: str,
    external_id: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
) -> Tracker:
    """An account at a tracking aggregator. ``external_id`` stands in the webhook's path, unique in the installation."""
    actor.require(permissions.CONNECT)
    adapter = tracker_of(kind)
    tracker = Tracker.objects.create(
        kind=kind,
        name=name[:80],
        external_id=external_id,
        settings=_checked(adapter.settings_model, settings or {}),
        credentials=encrypt(_checked(adapter.credentials_model, credentials)),
    )
    WebhookRoute.objects.create(
        platform=kind,
        external_id=external_id,
        tenant=Tenant.objects.get(schema_name=require_tenant()),
        account_id=tracker.pk,
    )
    schedule_tracking()
    record(actor, "tracker", tracker.pk, "tracker.connected", tracker=kind)
    return tracker


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of pasted text that gave no number: its number (from 1), what stood there, and why."""

    line: int
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Added:
    added: int
    errors: tuple[LineError, ...]


@transaction.atomic
def add_pool_numbers(*, actor: Actor, account_id: int, text: str) -> Added:
    """Numbers from pasted text, one or several a line; good ones are kept whatever the others are.

    A number is refused when it is malformed, doubled in the text, known already, or not of the carrier's own format
    (the service's, when all active services of the account have the same).
    """
    actor.require(permissions.CONNECT)
    account = CarrierAccount.objects.get(pk=account_id)
    adapter = carrier_of(account.carrier)
    if NUMBER_POOL not in adapter.capabilities:
        raise BusinessError("pool.not_a_pool", carrier=adapter.title)
    formats = set(account.services.filter(active=True).values_list("number_format", flat=True))
    form = formats.pop() if len(formats) == 1 else ""
    given, errors = _read(text, form)
    if len(given) > MOST_NUMBERS:
        raise BusinessError("pool.too_many", most=MOST_NUMBERS)
    now = clock.now()
    rows = bulk.insert(
        "logistics_poolnumber",
        ("carrier_account_id", "number", "reference", "added_at"),
        [(account_id, number, "", now) for number in given],
        conflict="(number) DO NOTHING",
        returning="number",
    )
    fresh = {row[0] for row in rows}
    errors += [LineError(line, number, "pool.known") for number, line in given.items() if number not in fresh]
    record_many(actor, [("carrier", account_id, "pool.numbers_added", {"added": len(fresh), "errors": len(errors)})])
    if fresh:
        bulk.execute(
            "UPDATE logistics_shipment s SET next_at = %s FROM logistics_service v WHERE v.id = s.service_id"
            " AND v.carrier_account_id = %s AND s.state = 'queued' AND s.next_at > %s",
            [now, account_id, now],
        )
    return Added(len(fresh), tuple(sorted(errors, key=lambda error: error.line)))


def _read(text: str, form: str) -> tuple[dict[str, int], list[LineError]]:
    given: dict[str, int] = {}
    errors: list[LineError] = []
    for line, content in enumerate(text.splitlines(), 1):
        for word in re.split(r"[\s,;，；、]+", content.strip()):
            number = numbers.clean(word)
            if not number:
                continue
            if not re.fullmatch(r"[A-Z0-9]{6,40}", number):
                errors.append(LineError(line, word[:60], "pool.malformed"))
            elif form and not patterns.fits(form, number):
                errors.append(LineError(line, number, "pool.not_the_format"))
            elif number in given:
                errors.append(LineError(line, number, "pool.twice"))
            else:
                given[number] = line
    return given, errors
