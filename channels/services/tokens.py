"""Access tokens: one worker mints under a lease, the others wait; saved by compare-and-set on the generation."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

from channels.models import Account
from channels.registry import adapter_of
from channels.services.health import set_health
from channels.services.sessions import session_of
from core import clock, faults
from core.errors import AuthRevoked, Transient
from core.permissions import Actor
from core.secrets import decrypt, encrypt

MARGIN = 60  # business seconds before its end a token is not used any more
LEASE_SECONDS = 40.0  # wall: longer than the call may take
WAIT_SECONDS, LOOK_SECONDS = 20.0, 0.1


def access(*, account_id: int, actor: Actor) -> tuple[str, int]:
    """A usable access token and its generation. Never call it inside a transaction.

    Raises AuthRevoked (the account then stands at *reconnect*), Throttled, or Transient.
    """
    end = clock.monotonic() + WAIT_SECONDS
    while True:
        account = Account.objects.get(pk=account_id)
        if account.token and account.token_expires_at and account.token_expires_at > _soon():
            return decrypt(bytes(account.token)).decode(), account.token_generation
        if _lease(account):
            return _mint(account, actor)
        if clock.monotonic() > end:
            raise Transient("account.token_busy")
        clock.sleep(LOOK_SECONDS)


def expire(*, account_id: int, generation: int) -> None:
    """The platform refused this token: the next ``access`` mints. A newer token is left alone."""
    Account.objects.filter(pk=account_id, token_generation=generation).update(token_expires_at=None)


def _soon() -> datetime:
    return clock.now() + timedelta(seconds=MARGIN)


def _lease(account: Account) -> bool:
    wall = clock.wall()
    free = models.Q(token_lease_until__isnull=True) | models.Q(token_lease_until__lt=wall)
    mine = Account.objects.filter(free, pk=account.pk, token_generation=account.token_generation)
    return mine.update(token_lease_until=wall + timedelta(seconds=LEASE_SECONDS)) == 1


def _mint(account: Account, actor: Actor) -> tuple[str, int]:
    seen = Account.objects.filter(pk=account.pk, token_generation=account.token_generation)
    asked = clock.now()
    try:
        token = adapter_of(account.platform).refresh_token(session_of(account))
    except AuthRevoked as error:
        if not seen.update(token_lease_until=None, token=None, token_expires_at=None):
            # What was refused is no longer what the account has: it was connected anew while the answer was under way.
            raise Transient("account.token_busy") from error
        code, params = faults.stored(error)
        set_health(account_id=account.pk, health=Account.RECONNECT, actor=actor, code=code, params=params)
        raise
    except Exception:
        seen.update(token_lease_until=None)
        raise
    generation = account.token_generation + 1
    saved = seen.update(
        token=encrypt(token.access.encode()),
        token_expires_at=asked + timedelta(seconds=token.expires_in),
        token_generation=generation,
        token_lease_until=None,
    )
    if not saved:
        # Our lease ran out and somebody else was quicker; both tokens are good.
        generation = Account.objects.values_list("token_generation", flat=True).get(pk=account.pk)
    return token.access, generation
