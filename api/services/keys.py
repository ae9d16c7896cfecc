"""Keys of programs: made, changed for a fresh one, taken back. A key never has more rights than whoever made it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from api import permissions, scopes
from api.models import ApiKey
from core import clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor

MARK = "smp"  # begins every key, so that scanners of leaked secrets find it
PREFIX_CHARS, SECRET_BYTES = 8, 30
LEAST_A_MINUTE, MOST_A_MINUTE, USUAL_A_MINUTE = 10, 6000, 600
MOST_KEYS = 100
OVERLAP = timedelta(hours=24)  # so long a key goes on after it was changed for a fresh one
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Made:
    """``secret``: the whole key, told once."""

    key: ApiKey
    secret: str


def digest_of(secret: str) -> str:
    """What is stored. The secret is 240 random bits, so there is nothing to guess and no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def prefix_of(secret: str) -> str:
    """The part of a key that is shown; '' when it is none of ours."""
    mark, _, rest = secret.partition("_")
    prefix, _, tail = rest.partition("_")
    return f"{mark}_{prefix}" if mark == MARK and len(prefix) == PREFIX_CHARS and tail else ""


def make(
    *,
    actor: Actor,
    name: str,
    operations: Sequence[str],
    accounts: Sequence[int] | None = None,
    warehouses: Sequence[int] | None = None,
    expires_at: datetime | None = None,
    per_minute: int = USUAL_A_MINUTE,
) -> Made:
    """A fresh key for a program.

    Raises NotAllowed; BusinessError: ``api.key_no_name``, ``api.key_no_scope``, ``api.key_unknown_scope``,
    ``api.key_beyond_maker``, ``api.key_expiry_passed``, ``api.key_rate``, ``api.keys_too_many``.
    """
    actor.require(permissions.KEYS)
    if actor.kind != "user" or actor.id is None:
        raise BusinessError("api.key_by_person")
    wanted = _operations(actor, operations)
    if not name.strip():
        raise BusinessError("api.key_no_name")
    if expires_at is not None and expires_at <= clock.now():
        raise BusinessError("api.key_expiry_passed")
    if not LEAST_A_MINUTE <= per_minute <= MOST_A_MINUTE:
        raise BusinessError("api.key_rate", least=LEAST_A_MINUTE, most=MOST_A_MINUTE)
    with transaction.atomic():
        if ApiKey.objects.filter(revoked_at=None).count() >= MOST_KEYS:
            raise BusinessError("api.keys_too_many", most=MOST_KEYS)
        made = _store(
            actor,
            name=name.strip()[:80],
            operations=wanted,
            accounts=_narrowed(accounts, actor.accounts),
            warehouses=_narrowed(warehouses, actor.warehouses),
            expires_at=expires_at,
            per_minute=per_minute,
        )
        record(actor, "api_key", made.key.pk, "api.key_made", name=made.key.name, prefix=made.key.prefix, scopes=wanted)
    return made


def rotate(*, actor: Actor, key_id: int) -> Made:
    """A fresh secret with the same rights; the old one goes on for a day. Whoever rotates is the maker of the new one.

    Raises BusinessError ``api.key_not_found``, ``api.key_revoked``, ``api.key_beyond_maker``.
    """
    actor.require(permissions.KEYS)
    with transaction.atomic():
        old = _held(key_id)
        if old.revoked_at is not None:
            raise BusinessError("api.key_revoked")
        made = _store(
            actor,
            name=old.name,
            operations=_operations(actor, old.operations),
            accounts=_narrowed(old.accounts, actor.accounts),
            warehouses=_narrowed(old.warehouses, actor.warehouses),
            expires_at=old.expires_at,
            per_minute=old.per_minute,
            replaces_id=old.replaces_id or old.pk,  # the first of them: one program
        )
        until = clock.now() + OVERLAP
        old.expires_at = until if old.expires_at is None else min(old.expires_at, until)
        old.save(update_fields=["expires_at"])
        record(actor, "api_key", old.pk, "api.key_rotated", name=old.name, prefix=old.prefix, fresh=made.key.prefix)
    return made


def revoke(*, actor: Actor, key_id: int) -> None:
    """From this moment on the key is worth nothing; a second time does no harm."""
    actor.require(permissions.KEYS)
    with transaction.atomic():
        key = _held(key_id)
        if key.revoked_at is None:
            key.revoked_at = clock.now()
            key.save(update_fields=["revoked_at"])
            record(actor, "api_key", key.pk, "api.key_taken_back", name=key.name, prefix=key.prefix)


def _held(key_id: int) -> ApiKey:
    found = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if found is None:
        raise BusinessError("api.key_not_found")
    return found


def _operations(actor: Actor, operations: Sequence[str]) -> list[str]:
    wanted = sorted(set(operations))
    if not wanted:
        raise BusinessError("api.key_no_scope")
    unknown = [one for one in wanted if one not in scopes.ALL]
    if unknown:
        raise BusinessError("api.key_unknown_scope", scope=unknown[0][:60])
    beyond = [one for one in wanted if not actor.can(one)]
    if beyond:
        raise BusinessError("api.key_beyond_maker", scopes=beyond)
    return wanted


def _narrowed(wanted: Sequence[int] | None, mine: frozenset[int] | None) -> list[int] | None:
    """The wanted scope as far as it is the maker's own. Raises BusinessError ``api.key_beyond_maker`` beyond it."""
    if wanted is None:
        return None if mine is None else sorted(mine)
    if mine is not None and not set(wanted) <= mine:
        raise BusinessError("api.key_beyond_maker", scopes=[])
    return sorted(set(wanted))


def _store(actor: Actor, **values: object) -> Made:
    prefix = f"{MARK}_{''.join(secrets.choice(_LETTERS) for _ in range(PREFIX_CHARS))}"
    secret = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key = ApiKey.objects.create(
        prefix=prefix,
        digest=digest_of(secret),
        maker_id=actor.id,
        maker_label=actor.label[:120],
        created_at=clock.now(),
        **values,
    )
    return Made(key, secret)
