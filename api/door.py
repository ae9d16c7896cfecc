"""The door of every operation: who calls, how often, with which rights; and for writes: each act once.

It stands around the whole operation (parsing, act, answer), so that a write and the answer that is kept for its
repetition commit together.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from api import problems, scopes
from api.models import ApiKey, KeptAnswer
from api.services.keys import digest_of, prefix_of
from core import bulk, clock, settings_store
from core.errors import BusinessError
from core.http.door import budget
from core.permissions import Actor, of_role
from core.secrets import decrypt, encrypt
from core.tenancy import require_tenant
from tenants import queries as people

USED_EVERY = timedelta(minutes=10)
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 120
_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")  # as the description says; no blank in it
BURST_SECONDS = 10  # what a key may use at once: its rate of so many seconds
LISTS = frozenset(
    {"account", "warehouse", "platform", "country", "service", "tag", "sku"}
)  # may be given several times
Run = Callable[..., HttpResponse]


class Refused(Exception):
    """Carries the response."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


def door(operation: str | None, *, writes: bool = False, query: Collection[str] = ()) -> Callable[[Run], Run]:
    """``operation``: the scope that the key needs (None: any key). ``query``: the parameters it knows."""

    def wrap(run: Run) -> Run:
        @functools.wraps(run)
        def inner(request: HttpRequest, **given: Any) -> HttpResponse:
            try:
                key = authenticate(request)
                _within_rate(key)
                _may(request.actor, operation)  # type: ignore[attr-defined]
                _known_query(request, query)
                with settings_store.remembered():
                    return _once(request, key, run, given) if writes else run(request, **given)
            except Refused as refused:
                return refused.response

        return inner

    return wrap


# -- who ----------------------------------------------------------------------------------------------------------------


def authenticate(request: HttpRequest) -> ApiKey:
    """The key of the request; sets ``request.actor``. Raises Refused (401)."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    key = ApiKey.objects.filter(prefix=prefix_of(secret)).first() if scheme.lower() == "bearer" and secret else None
    if key is None or not hmac.compare_digest(key.digest, digest_of(secret)):
        raise Refused(_unknown("api.key_missing" if not secret else "api.key_unknown"))
    if key.revoked_at is not None:
        raise Refused(_unknown("api.key_was_revoked"))
    if key.expires_at is not None and key.expires_at <= clock.now():
        raise Refused(_unknown("api.key_expired"))
    request.actor = actor_of(request.tenant, key)  # type: ignore[attr-defined]
    now = clock.now()
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _unknown(code: str) -> HttpResponse:
    return problems.respond(401, code, headers={"WWW-Authenticate": 'Bearer realm="sampan"'})


def actor_of(tenant: Any, key: ApiKey) -> Actor:
    """What the key may do now: its own rights as far as its maker still has them. Raises Refused (401).

    The id is negative: what a program did is its own and not that of the user with the same number.
    """
    maker = people.membership(user_id=key.maker_id, tenant_id=tenant.pk)
    if maker is None:
        raise Refused(_unknown("api.key_maker_gone"))
    accounts = _both(key.accounts, maker.accounts)
    warehouses = _both(key.warehouses, maker.warehouses)
    return Actor(
        kind="api",
        id=-key.pk,
        label=key.name[:120],
        operations=scopes.rights(frozenset(key.operations) & scopes.ALL) & of_role(maker.role),
        accounts=accounts,
        warehouses=warehouses,
        language=tenant.language,
        timezone=tenant.timezone,
    )


def _both(one: list[int] | None, other: list[int] | None) -> frozenset[int] | None:
    if one is None or other is None:
        left = one if other is None else other
        return None if left is None else frozenset(left)
    return frozenset(one) & frozenset(other)


def _within_rate(key: ApiKey) -> None:
    a_second = key.per_minute / 60
    burst = max(5.0, a_second * BURST_SECONDS)
    wait = budget.take("api", f"{require_tenant()}:{key.pk}", "all", (a_second, burst))
    if wait:
        seconds = max(1, int(wait + 0.999))
        params = {"per_minute": key.per_minute, "seconds": seconds}
        raise Refused(problems.respond(429, "api.too_many", params, headers={"Retry-After": str(seconds)}))


def _may(actor: Actor, operation: str | None) -> None:
    if operation is not None and not actor.can(operation):
        params = {"scope": operation}
        raise Refused(problems.respond(403, "api.scope_missing", params))


def _known_query(request: HttpRequest, known: Collection[str]) -> None:
    strange = [name for name in request.GET if name not in known]
    if strange:
        errors = [{"at": f"query.{name[:60]}", "message": "unknown"} for name in strange[:20]]
        raise Refused(problems.respond(422, "api.unknown_field", {"names": [n[:60] for n in strange]}, errors=errors))
    twice = [name for name, values in request.GET.lists() if len(values) > 1 and name not in LISTS]
    if twice:
        errors = [{"at": f"query.{name[:60]}", "message": "given twice"} for name in twice[:20]]
        raise Refused(problems.respond(422, "api.unknown_field", {"names": twice}, errors=errors))


# -- each act once ------------------------------------------------------------------------------------------------------


def _once(request: HttpRequest, key: ApiKey, run: Run, given: dict[str, Any]) -> HttpResponse:
    """The act and its kept answer in one transaction: whoever asks again after a lost answer gets it, and nothing else."""
    mark = request.headers.get("Idempotency-Key", "")
    if not mark.strip():
        return problems.respond(400, "api.no_idempotency_key")
    if not _KEY.fullmatch(mark):
        return problems.respond(400, "api.bad_idempotency_key", {"most": LONGEST_KEY})
    digest = _digest(request)
    request.idempotency_key = f"api:{_root(key)}:{digest_of(mark)[:40]}"  # type: ignore[attr-defined]
    with transaction.atomic():
        # Held to the end of the transaction: of two equal requests at once one acts, the other is told to come again.
        if not _alone(key, mark):
            return problems.of_error(BusinessError("api.same_key_running"))
        kept = KeptAnswer.objects.filter(api_key_id=_root(key), key=mark, purge_at__gt=clock.now()).first()
        if kept is not None:
            return _replayed(kept, digest)
        response = run(request, **given)
        if response.status_code >= 400:
            transaction.set_rollback(True)
            return response
        _keep(_root(key), mark, digest, response)
    return response


def _root(key: ApiKey) -> int:
    """A changed secret is the same program: its repeated writes meet the answers of the former key."""
    return key.replaces_id or key.pk


def _alone(key: ApiKey, mark: str) -> bool:
    number = int.from_bytes(
        hashlib.sha256(f"{require_tenant()}:{_root(key)}:{mark}".encode()).digest()[:8], signed=True
    )
    return bool(bulk.fetch("SELECT pg_try_advisory_xact_lock(%s)", [number])[0][0])


def _digest(request: HttpRequest) -> str:
    made = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    made.update(request.body)
    return made.hexdigest()


def _replayed(kept: KeptAnswer, digest: str) -> HttpResponse:
    if kept.request_digest != digest:
        return problems.respond(422, "api.key_of_other_request")
    body = json.loads(decrypt(bytes(kept.body)))
    response = HttpResponse(body["body"], status=kept.status, content_type=body["type"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _keep(api_key_id: int, mark: str, digest: str, response: HttpResponse) -> None:
    if connection.needs_rollback:
        return
    now = clock.now()
    body = {"body": response.content.decode(), "type": response.headers["Content-Type"]}
    KeptAnswer.objects.filter(api_key_id=api_key_id, key=mark).delete()  # past its day
    KeptAnswer.objects.create(
        api_key_id=api_key_id,
        key=mark,
        request_digest=digest,
        status=response.status_code,
        body=encrypt(json.dumps(body).encode()),
        created_at=now,
        purge_at=now + KEPT_FOR,
    )
