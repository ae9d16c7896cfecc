"""Reading single orders again: what a platform held back it gives later without saying so, and lists leave orders out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction

from channels.models import Account, Cursor
from channels.registry import adapter_of
from channels.services import inbox
from channels.services.health import STOPPED
from channels.services.pull import with_token
from core import clock, faults
from core.errors import AdapterError, BadPayload, Conflict, NotFound, Rejected, Throttled
from core.permissions import Actor

log = logging.getLogger(__name__)


@dataclass
class Reread:
    """``fresh``: raw rows that are new. ``asked``: ids that were answered, ``missing``: not there, ``refused``: not given
    for a reason of their own. ``wait``: business seconds to keep away."""

    fresh: int = 0
    asked: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wait: float | None = None
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


def read_again(*, account_id: int, external_ids: Sequence[str], actor: Actor) -> Reread:
    """Read these orders one by one into the raw inbox. Ends politely at the first answer that says to wait.

    Never call it inside a transaction.
    """
    account = Account.objects.get(pk=account_id)
    adapter, done = adapter_of(account.platform), Reread()
    if account.health in STOPPED:
        return done
    for external_id in external_ids:
        try:
            raw = with_token(account, actor, partial(adapter.fetch_order, external_id=external_id))
        except NotFound:
            done.missing.append(external_id)
            continue
        except (Rejected, BadPayload, Conflict) as error:  # this one's; those behind it are asked for all the same
            log.warning("order of account %s is not given again: %s", account_id, faults.trace(error))
            done.refused.append(external_id)
            continue
        except AdapterError as error:
            done.code, done.params = faults.stored(error)
            done.wait = (error.retry_after if isinstance(error, Throttled) else None) or 60.0
            break
        with transaction.atomic():
            done.fresh += len(inbox.store(account_id=account_id, kind=inbox.ORDER, items=[raw]))
        done.asked.append(external_id)
    return done


def place(account_id: int, name: str) -> int:
    """Where a round over an account's rows stands: the last id that was dealt with."""
    cursor = Cursor.objects.filter(account_id=account_id, job=name).first()
    return int(cursor.page_token or 0) if cursor else 0


def move(account_id: int, name: str, last_id: int) -> None:
    now = clock.now()
    Cursor.objects.update_or_create(
        account_id=account_id,
        job=name,
        defaults={"page_token": str(last_id), "last_finished_at": now},
        create_defaults={"page_token": str(last_id), "last_finished_at": now, "position": now},
    )
