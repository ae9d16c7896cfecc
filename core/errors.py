"""Errors. A *stored* error is a code plus parameters; it is put into words in the reader's language on the page.

Adapters and carriers raise only the ``AdapterError`` family (architecture §4); services decide on retries.
"""

from __future__ import annotations

import math
from typing import Any

LONGEST_WAIT = 86_400.0  # business seconds; whoever tells us to stay away for longer is asked once a day


class SampanError(Exception):
    """Base: ``code`` names the sentence in ``core.words``, ``params`` fill it. Never put personal data into params."""

    code = "error"

    def __init__(self, code: str | None = None, **params: Any) -> None:
        self.code = code or self.code
        self.params = params
        super().__init__(f"{self.code} {params}" if params else self.code)


class BusinessError(SampanError):
    """A person asked for something that cannot be done; the sentence says what to do instead."""

    code = "business.refused"


class NotAllowed(SampanError):
    """The actor lacks the permission."""

    code = "permission.missing"


class IllegalMove(BusinessError):
    code = "state.illegal_move"


class LeaseLost(SampanError):
    """Another worker owns the row now; the transaction that finds out must roll back."""

    code = "lease.lost"


class NoTenant(SampanError):
    code = "tenancy.none"


class WrongTenant(SampanError):
    code = "tenancy.wrong"


# -- raised by adapters and carriers --------------------------------------------------------------------------------


class AdapterError(SampanError):
    """Base of what a marketplace adapter or carrier may raise."""

    code = "adapter.error"
    retry = False


class Throttled(AdapterError):
    """``retry_after`` comes from outside: what is no time is none, and a year (or for ever) is a day."""

    code = "adapter.throttled"
    retry = True

    def __init__(self, retry_after: float | None = None, **params: Any) -> None:
        if retry_after is not None:
            retry_after = None if math.isnan(retry_after) else min(max(0.0, retry_after), LONGEST_WAIT)
        self.retry_after = retry_after
        super().__init__(None, retry_after=retry_after, **params)


class AuthExpired(AdapterError):
    """The access token is dead; a fresh one may help."""

    code = "adapter.auth_expired"
    retry = True


class AuthRevoked(AdapterError):
    """The seller must connect again."""

    code = "adapter.auth_revoked"


class PermissionMissing(AdapterError):
    code = "adapter.permission_missing"

    def __init__(self, scope: str = "", **params: Any) -> None:
        self.scope = scope
        super().__init__(None, scope=scope, **params)


class NotFound(AdapterError):
    code = "adapter.not_found"


class Conflict(AdapterError):
    """The other side's state moved on: read it again."""

    code = "adapter.conflict"


class Transient(AdapterError):
    """Nothing was done (or doing it again does no harm); try later."""

    code = "adapter.transient"
    retry = True


class Rejected(AdapterError):
    """The other side refused the content. ``field`` and ``item`` say where, ``reason`` is its own sentence."""

    code = "adapter.rejected"

    def __init__(self, code: str = "adapter.rejected", field: str = "", item: str = "", **params: Any) -> None:
        self.field, self.item = field, item
        super().__init__(code, field=field, item=item, **params)


class AlreadyDone(AdapterError):
    code = "adapter.already_done"


class UnknownOutcome(AdapterError):
    """The call may or may not have acted (time-out, cut connection). Look up; never repeat blindly."""

    code = "adapter.unknown_outcome"


class BadPayload(AdapterError):
    """What came in cannot be read as what it should be. ``path`` says where."""

    code = "payload.bad"

    def __init__(self, code: str = "payload.bad", path: str = "", **params: Any) -> None:
        self.path = path
        super().__init__(code, path=path, **params)
