"""The dead-letter desk: what could not be read, confirmed or handled, with its reason; a person mends, retries, drops.

Three kinds: ``raw`` (a payload in the inbox), ``confirm`` (a confirmation the platform refused), ``event`` (work of
ours that gave up). Reads are in ``channels.queries``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from channels import permissions
from channels.models import Account, Confirmation, RawPayload
from channels.registry import adapter_of
from channels.services import inbox
from core import clock
from core.audit import record, record_many
from core.central import due, outbox
from core.errors import BadPayload, BusinessError, NotAllowed
from core.events import emit
from core.permissions import SEE_PERSONAL, Actor
from core.personal import log_read
from core.secrets import keyed_hash
from core.tenancy import require_tenant

RAW, CONFIRM, EVENT = "raw", "confirm", "event"
GONE = "deadletter.gone"


def retry(*, actor: Actor, kind: str, ids: Sequence[int]) -> int:
    """Try again. Returns how many; raises BusinessError ``deadletter.gone`` when none of them is dead any more."""
    actor.require(permissions.LETTERS)
    with transaction.atomic():
        if kind == RAW:
            count = _retry_raw(actor, _raws(actor, ids))
        elif kind == CONFIRM:
            count = _retry_confirmations(actor, _confirmations(actor, ids), {})
        else:
            _everywhere(actor)
            count = outbox.retry(require_tenant(), ids)
            record_many(actor, [("event", None, "deadletter.retried", {"row": row}) for row in ids])
    return _some(count)


def drop(*, actor: Actor, kind: str, ids: Sequence[int], reason: str) -> int:
    """Give up, with a reason for the record. Returns how many."""
    actor.require(permissions.LETTERS)
    if not reason.strip():
        raise BusinessError("deadletter.reason_needed")
    entries: list[tuple[str, int | None, dict[str, Any]]]
    with transaction.atomic():
        if kind == RAW:
            raws = _raws(actor, ids)
            RawPayload.objects.filter(pk__in=[raw.pk for raw in raws]).update(state=RawPayload.DROPPED)
            entries = [("raw", raw.pk, {"external_id": raw.external_id, "was": raw.error_code}) for raw in raws]
        elif kind == CONFIRM:
            rows = _confirmations(actor, ids)
            Confirmation.objects.filter(pk__in=[row.pk for row in rows]).update(state=Confirmation.DROPPED)
            entries = [("order", row.order_ref, {"reference": row.reference, "was": row.error_code}) for row in rows]
        else:
            _everywhere(actor)
            entries = list(_dropped(ids))
        record_many(
            actor,
            [(what, key, "deadletter.dropped", params | {"reason": reason[:200]}) for what, key, params in entries],
        )
    return _some(len(entries))


def payload(*, actor: Actor, raw_id: int) -> str:
    """The text of a raw row, for a person to read; that it was read is logged."""
    raw = _one(actor, raw_id)
    log_read(actor, "raw", raw_id, "payload")
    return raw.payload


def mend(*, actor: Actor, raw_id: int, payload: str) -> None:
    """Put a mended payload in the place of a dead one and try again.

    Raises BusinessError ``deadletter.still_bad`` (``reason``: a code, ``path``) when it still cannot be read.
    """
    with transaction.atomic():
        raw = _one(actor, raw_id, lock=True)
        if raw.state != RawPayload.DEAD:
            raise BusinessError(GONE)
        text = inbox.clean(payload)
        external_id = _parsed_id(raw, text)
        if raw.external_id and external_id != raw.external_id:
            raise BusinessError("deadletter.other_id", was=raw.external_id, now=external_id[:120])
        before = raw.payload
        raw.payload, raw.external_id, raw.digest = text, external_id[:120], inbox.digest_of(text)
        try:
            with transaction.atomic():
                raw.save(update_fields=["payload", "external_id", "digest"])
        except IntegrityError:
            raise BusinessError("deadletter.known_already") from None
        record(actor, "raw", raw.pk, "deadletter.mended", before=keyed_hash(before), after=keyed_hash(text))
        _retry_raw(actor, [raw])


def correct_confirmation(*, actor: Actor, confirmation_id: int, carrier: str, tracking_number: str) -> None:
    """Change what a refused confirmation says and send it again."""
    actor.require(permissions.LETTERS)
    carrier, number = carrier.strip()[:80], tracking_number.strip()[:60]
    if not carrier or not number:
        raise BusinessError("deadletter.confirmation_incomplete")
    with transaction.atomic():
        rows = _confirmations(actor, [confirmation_id])
        _some(_retry_confirmations(actor, rows, {"carrier": carrier, "tracking_number": number}))


def _dropped(ids: Sequence[int]) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
    """Drop them one by one, so that the record names just those that were dead."""
    for row in ids:
        if outbox.drop(require_tenant(), [row]):
            yield "event", None, {"row": row}


def _parsed_id(raw: RawPayload, text: str) -> str:
    adapter = adapter_of(Account.objects.values_list("platform", flat=True).get(pk=raw.account_id))
    try:
        if raw.kind == inbox.ORDER:
            return str(adapter.parse_order(text).external_id)
        if raw.kind == inbox.MESSAGE:
            return str(adapter.parse_message(text).external_id)
        adapter.parse_stock(text)
        return raw.external_id
    except BadPayload as error:
        raise BusinessError("deadletter.still_bad", reason=error.code, path=error.path) from None


def _retry_raw(actor: Actor, raws: Sequence[RawPayload]) -> int:
    """Back into the inbox, and tell those who read it."""
    ids = [raw.pk for raw in raws]
    count = RawPayload.objects.filter(pk__in=ids, state=RawPayload.DEAD).update(
        state=RawPayload.NEW, error_code="", error_params=None
    )
    record_many(actor, [("raw", raw.pk, "deadletter.retried", {"external_id": raw.external_id}) for raw in raws])
    groups: dict[tuple[int, str], list[int]] = {}
    for raw in raws:
        groups.setdefault((raw.account_id, raw.kind), []).append(raw.pk)
    for (account_id, kind), members in sorted(groups.items()):
        if kind == inbox.ORDER:
            emit("channels.raw_ready", {"account_id": account_id})
        elif kind == inbox.MESSAGE:
            emit("messages.received", {"account_id": account_id, "ids": members})
        else:  # the next full reading brings it again
            RawPayload.objects.filter(pk__in=members).update(state=RawPayload.DROPPED)
            due.run_now(require_tenant(), "stock.pull", str(account_id))
    return count


def _retry_confirmations(actor: Actor, rows: Sequence[Confirmation], changes: dict[str, Any]) -> int:
    """Look up first, then send: a refusal may have come after a call that acted."""
    count = Confirmation.objects.filter(pk__in=[row.pk for row in rows], state=Confirmation.REFUSED).update(
        state=Confirmation.UNKNOWN, next_at=clock.now(), attempts=0, error_code="", error_params={}, **changes
    )
    record_many(
        actor,
        [("order", row.order_ref, "confirm.retried", {"reference": row.reference, **changes}) for row in rows],
    )
    for account_id in sorted({row.account_id for row in rows}):
        emit("channels.confirm_wanted", {"account_id": account_id})
    return count


def _raws(actor: Actor, ids: Sequence[int]) -> list[RawPayload]:
    rows = RawPayload.objects.select_for_update().filter(pk__in=ids, state=RawPayload.DEAD).order_by("pk")
    return [row for row in rows if actor.sees_account(row.account_id)]


def _confirmations(actor: Actor, ids: Sequence[int]) -> list[Confirmation]:
    rows = Confirmation.objects.select_for_update().filter(pk__in=ids, state=Confirmation.REFUSED).order_by("pk")
    return [row for row in rows if actor.sees_account(row.account_id)]


def _one(actor: Actor, raw_id: int, *, lock: bool = False) -> RawPayload:
    actor.require(permissions.PAYLOAD)
    actor.require(SEE_PERSONAL)
    rows = RawPayload.objects.select_for_update() if lock else RawPayload.objects
    raw = rows.filter(pk=raw_id).first()
    if raw is None or not actor.sees_account(raw.account_id):
        raise BusinessError(GONE)
    return raw


def _everywhere(actor: Actor) -> None:
    """Events belong to no account: whoever sees only some accounts leaves them alone."""
    if actor.accounts is not None:
        raise NotAllowed(operation=permissions.LETTERS)


def _some(count: int) -> int:
    if not count:
        raise BusinessError(GONE)
    return count
