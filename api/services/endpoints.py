"""Endpoints of webhooks: where news goes, which news, and the secret that signs it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction

from api import news, permissions
from api.models import Endpoint
from core import clock, settings_store
from core.audit import record
from core.central import due
from core.errors import BusinessError
from core.http.addresses import sandbox
from core.permissions import Actor, system
from core.secrets import encrypt
from core.tenancy import require_tenant

JOB = "api.deliver"  # one row of recurring work per endpoint
EVERY = 3600  # seconds; whoever has news makes it due at once
MOST_ENDPOINTS = 20
BOTH_SIGN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Made:
    """``secret``: told once."""

    endpoint: Endpoint
    secret: str


def create(*, actor: Actor, url: str, events: Sequence[str], name: str = "") -> Made:
    """Send news to an address from now on, as far as the actor's own accounts and warehouses reach.

    Raises NotAllowed; BusinessError ``webhook.bad_address``, ``webhook.no_events``, ``webhook.too_many``.
    """
    actor.require(permissions.WEBHOOKS)
    address, wanted, secret = _address(url), _events(events), _secret()
    with transaction.atomic():
        if Endpoint.objects.count() >= MOST_ENDPOINTS:
            raise BusinessError("webhook.too_many", most=MOST_ENDPOINTS)
        made = Endpoint.objects.create(
            url=address,
            name=name.strip()[:80],
            events=wanted,
            accounts=None if actor.accounts is None else sorted(actor.accounts),
            warehouses=None if actor.warehouses is None else sorted(actor.warehouses),
            secret=encrypt(secret.encode()),
            maker_label=actor.label[:120],
            created_at=clock.now(),
        )
        record(actor, "webhook", made.pk, "webhook.created", host=urlsplit(address).hostname, events=wanted)
        due.schedule(require_tenant(), JOB, str(made.pk), EVERY)
        remember()
    return Made(made, secret)


def change(*, actor: Actor, endpoint_id: int, url: str, events: Sequence[str], name: str = "") -> Endpoint:
    """Raises NotAllowed; BusinessError ``webhook.not_found``, ``webhook.bad_address``, ``webhook.no_events``."""
    actor.require(permissions.WEBHOOKS)
    address, wanted = _address(url), _events(events)
    with transaction.atomic():
        found = _held(actor, endpoint_id)
        found.url, found.events, found.name = address, wanted, name.strip()[:80]
        found.save(update_fields=["url", "events", "name"])
        record(actor, "webhook", found.pk, "webhook.changed", host=urlsplit(address).hostname, events=wanted)
        remember()
    return found


def new_secret(*, actor: Actor, endpoint_id: int) -> Made:
    """A fresh secret; for a day the former one signs as well, so that no call is refused meanwhile."""
    actor.require(permissions.WEBHOOKS)
    secret = _secret()
    with transaction.atomic():
        found = _held(actor, endpoint_id)
        found.former_secret, found.former_until = found.secret, clock.now() + BOTH_SIGN
        found.secret = encrypt(secret.encode())
        found.save(update_fields=["secret", "former_secret", "former_until"])
        record(actor, "webhook", found.pk, "webhook.secret_changed")
    return Made(found, secret)


def switch(*, actor: Actor, endpoint_id: int, on: bool) -> None:
    """Off: news from now on is not kept for it, and what waits does so until it is on again. Twice does no harm."""
    actor.require(permissions.WEBHOOKS)
    with transaction.atomic():
        found = _held(actor, endpoint_id)
        if found.active == on:
            return
        found.active, found.off_code = on, "" if on else "webhook.off_by_person"
        found.failing_since, found.failures = None, 0
        found.save(update_fields=["active", "off_code", "failing_since", "failures"])
        record(actor, "webhook", found.pk, "webhook.switched_on" if on else "webhook.switched_off")
        remember()
        if on:
            due.run_now(require_tenant(), JOB, str(found.pk))


def give_up(endpoint: Endpoint, days: int) -> None:
    """It failed for too long: switched off by the machine. Inside the caller's transaction."""
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False, off_code="webhook.off_failing")
    record(system("webhooks"), "webhook", endpoint.pk, "webhook.off_failing", days=days)
    remember()


def remove(*, actor: Actor, endpoint_id: int) -> None:
    """With its log; what waits is not sent any more."""
    actor.require(permissions.WEBHOOKS)
    with transaction.atomic():
        found = _held(actor, endpoint_id)
        due.unschedule(require_tenant(), JOB, str(found.pk))
        record(actor, "webhook", found.pk, "webhook.removed", host=urlsplit(found.url).hostname)
        found.delete()
        remember()


def ping(*, actor: Actor, endpoint_id: int) -> None:
    """Send a test event. Raises BusinessError ``webhook.is_off``."""
    actor.require(permissions.WEBHOOKS)
    with transaction.atomic():
        found = _held(actor, endpoint_id)
        if not found.active:
            raise BusinessError("webhook.is_off")
        news.write([news.Item(news.PING, "endpoint", found.pk)], [found])


def resend(*, actor: Actor, delivery_id: int) -> None:
    """Send a piece of news again, with the same event id. Raises BusinessError ``webhook.not_found``, ``webhook.is_off``."""
    actor.require(permissions.WEBHOOKS)
    with transaction.atomic():
        row = news.held(delivery_id)
        found = _held(actor, row.endpoint_id) if row is not None else None
        if row is None or found is None:
            raise BusinessError("webhook.not_found")
        if not found.active:
            raise BusinessError("webhook.is_off")
        news.again(row)
        record(actor, "webhook", found.pk, "webhook.resent", event=row.type, delivery=row.pk)


def remember() -> None:
    """Keep what anybody listens to where ``emit`` finds it without a query of its own. In the caller's transaction."""
    settings_store.alone(news.SETTING)  # else of two endpoints made at once only the second one's events were known
    heard: set[str] = set()
    for events in Endpoint.objects.filter(active=True).values_list("events", flat=True):
        heard |= set(events)
    settings_store.keep(news.SETTING, sorted(heard))


def _held(actor: Actor, endpoint_id: int) -> Endpoint:
    """An actor who is narrowed touches only endpoints that are narrowed to what the actor sees."""
    found = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if found is None or not news.within(actor, found):
        raise BusinessError("webhook.not_found")
    return found


def _events(events: Sequence[str]) -> list[str]:
    wanted = sorted(set(events))
    if not wanted or any(one not in news.TYPES for one in wanted):
        raise BusinessError("webhook.no_events")
    return wanted


def _address(url: str) -> str:
    """An https address by name or public IP. Where it leads is judged again at every call, by the door itself."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise BusinessError("webhook.bad_address") from None
    allowed = parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname, port) == sandbox())
    if not allowed or not parts.hostname or parts.username or parts.fragment or len(url) > 500 or not url.isascii():
        raise BusinessError("webhook.bad_address")
    if any(one.isspace() or not one.isprintable() for one in url):
        raise BusinessError("webhook.bad_address")
    return url


def _secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
