"""What people do with conversations: answer (once), note, assign, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from channels.models import Account
from channels.services.inbox import clean
from core import clock
from core.audit import record
from core.errors import BusinessError
from core.events import emit
from core.permissions import Actor
from crm import permissions
from crm.models import Conversation, Message
from crm.services import attachments, deadlines, pictures, visits

LONGEST = 20_000  # characters of any text; what a platform takes at most is its adapter's to say
KEY_CHARS = 60
WANTED = "crm.answer_wanted"


def answer(
    *,
    actor: Actor,
    conversation_id: int,
    body: str,
    key: str,
    seen: int | None = None,
    given: Sequence[tuple[str, bytes]] = (),
) -> Message:
    """Answer the newest message that waits; a worker sends it. The same ``key`` (the form's) again changes nothing.

    ``seen``: id of the last message that the form showed; None means everything up to now. ``given``: pictures (name,
    content) where the platform takes them. Raises as ``pictures.checked``, and BusinessError
    ``conversation.not_found``, ``message.empty``, ``message.nothing_to_answer``, ``message.same_text``, and
    ``message.answered_meanwhile`` (who, at) when somebody else has answered what the form showed as unanswered.
    """
    actor.require(permissions.ANSWER)
    text = _text(body)
    if not key or len(key) > KEY_CHARS:
        raise BusinessError("message.no_key")
    with transaction.atomic():
        conversation = _held(actor, conversation_id)
        before = Message.objects.filter(key=key).first()
        if before is not None:
            if before.conversation_id != conversation.pk:
                raise BusinessError("message.no_key")
            return before
        parent = _parent(conversation, seen)
        _refuse_second(conversation, seen if seen is not None else parent.pk)
        _refuse_same(conversation, parent, text)
        shown = pictures.checked(_platform(conversation), given)
        made = _add(
            actor,
            conversation,
            Message.OUT,
            text,
            key=key,
            parent_external_id=parent.external_id or "",
            state=Message.QUEUED,
            next_at=clock.now(),
        )
        pictures.keep(made, shown)
        if conversation.state == Conversation.CLOSED:
            _set(conversation, state=Conversation.ANSWERED)
        visits.forget_draft(actor=actor, conversation_id=conversation.pk)
        record(actor, "conversation", conversation.pk, "conversation.answer_written", message=made.pk)
        emit(WANTED, {"account_id": conversation.account_id})
    return made


def retry(*, actor: Actor, message_id: int) -> None:
    """Send a failed answer again (the platform is asked first whether it is there).

    Raises BusinessError ``message.not_failed``, ``message.answered_meanwhile``.
    """
    actor.require(permissions.ANSWER)
    found = Message.objects.filter(pk=message_id, direction=Message.OUT).first()
    if found is None:
        raise BusinessError("message.not_found")
    with transaction.atomic():
        conversation = _held(actor, found.conversation_id)
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.state != Message.FAILED:
            raise BusinessError("message.not_failed", state=message.state)
        _refuse_second(conversation, message.pk)
        message.state = Message.UNKNOWN if message.attempts else Message.QUEUED
        message.attempts, message.next_at = min(message.attempts, 1), clock.now()
        message.error_code, message.error_params = "", {}
        pictures.forget_uploads(message.pk)
        message.save(update_fields=["state", "attempts", "next_at", "error_code", "error_params"])
        record(actor, "conversation", conversation.pk, "conversation.answer_retried", message=message.pk)
        emit(WANTED, {"account_id": conversation.account_id})


def note(*, actor: Actor, conversation_id: int, body: str, given: Sequence[tuple[str, bytes]] = ()) -> Message:
    """Keep a remark for colleagues with its files (name, content); it is never sent. Raises as ``attachments.checked``."""
    actor.require(permissions.ANSWER)
    attachments.checked(given)
    text = _text(body)
    with transaction.atomic():
        conversation = _held(actor, conversation_id)
        made = _add(actor, conversation, Message.NOTE, text)
        attachments.keep(actor=actor, message=made, given=given)
        record(actor, "conversation", conversation.pk, "conversation.noted", message=made.pk)
    return made


def assign(*, actor: Actor, conversation_id: int, user_id: int | None, label: str = "") -> None:
    """Give a conversation to a colleague (``user_id`` None: to nobody)."""
    actor.require(permissions.ANSWER)
    with transaction.atomic():
        conversation = _held(actor, conversation_id)
        if conversation.assignee_id != user_id:
            _set(conversation, assignee_id=user_id)
            record(actor, "conversation", conversation.pk, "conversation.assigned", to=label, user=user_id)


def close(*, actor: Actor, conversation_id: int) -> None:
    """Needs no answer (any more): what waited is dismissed, until the buyer writes again."""
    actor.require(permissions.ANSWER)
    with transaction.atomic():
        conversation = _held(actor, conversation_id)
        if conversation.state == Conversation.CLOSED:
            return
        _refuse_second(conversation, 0, only=Message.UNDER_WAY)
        _dismiss(conversation, "", Message.DISMISSED)
        _set(conversation, state=Conversation.CLOSED)
        record(actor, "conversation", conversation.pk, "conversation.closed")


@dataclass
class Outcome:
    """``done``: conversations; ``refused``: {conversation: (code, params)}."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)


def each(act: Callable[[int], None], ids: Sequence[int]) -> Outcome:
    """An act on many conversations, one after the other in their order; what is refused does not stop the others."""
    out = Outcome()
    for pk in sorted(ids):
        try:
            act(pk)
        except BusinessError as error:
            out.refused[pk] = (error.code, error.params)
        else:
            out.done.append(pk)
    return out


def reopen(*, actor: Actor, conversation_id: int) -> None:
    """Take a closing back: what was dismissed waits again."""
    actor.require(permissions.ANSWER)
    with transaction.atomic():
        conversation = _held(actor, conversation_id)
        if conversation.state == Conversation.OPEN:
            return
        _dismiss(conversation, Message.DISMISSED, "")
        _set(conversation, state=Conversation.OPEN)
        record(actor, "conversation", conversation.pk, "conversation.reopened")


def _text(body: str) -> str:
    text = clean(body).replace("\r\n", "\n").strip()
    if not text:
        raise BusinessError("message.empty")
    if len(text) > LONGEST:
        raise BusinessError("message.too_long", most=LONGEST, length=len(text))
    return text


def _held(actor: Actor, conversation_id: int) -> Conversation:
    """The conversation, locked: whoever comes second sees what the first one did."""
    found = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
    if found is None or not actor.sees_account(found.account_id):
        raise BusinessError("conversation.not_found")
    return found


def _parent(conversation: Conversation, seen: int | None) -> Message:
    asked = Message.objects.filter(conversation=conversation, direction=Message.IN, external_id__isnull=False)
    if seen is not None:
        asked = asked.filter(pk__lte=seen)
    newest = asked.order_by("-at", "-pk").first()
    if newest is None:
        raise BusinessError("message.nothing_to_answer")
    return newest


def _refuse_second(conversation: Conversation, after: int, only: tuple[str, ...] = ()) -> None:
    """Raise when an answer written after message ``after`` is sent or under way."""
    wanted = only or (*Message.UNDER_WAY, Message.SENT)
    first = Message.objects.filter(
        conversation=conversation, direction=Message.OUT, state__in=wanted, pk__gt=after
    ).order_by("pk")
    other = first.first()
    if other is not None:
        params = {"who": other.actor_label, "at": _iso(other.at), "state": other.state}
        raise BusinessError("message.answered_meanwhile", **params)


def _refuse_same(conversation: Conversation, parent: Message, text: str) -> None:
    """After a lost reply the platform is asked whether this text is there: the same text twice could not be told apart."""
    wanted = " ".join(text.split())
    answers = Message.objects.filter(
        conversation=conversation, direction=Message.OUT, parent_external_id=parent.external_id
    )
    for other in answers:
        if " ".join(other.body.split()) == wanted:
            params = {"who": other.actor_label, "at": _iso(other.at), "state": other.state}
            raise BusinessError("message.same_text", **params)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _add(actor: Actor, conversation: Conversation, direction: str, text: str, **more: Any) -> Message:
    return Message.objects.create(
        conversation=conversation,
        account_id=conversation.account_id,
        direction=direction,
        body=text,
        at=clock.now(),
        actor_id=actor.id,
        actor_label=actor.label,
        **more,
    )


def _set(conversation: Conversation, **values: Any) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(**values)


def _dismiss(conversation: Conversation, source: str, target: str) -> None:
    asked = Message.objects.filter(conversation=conversation, direction=Message.IN, state=source)
    asked.update(state=target)
    deadlines.recompute([conversation.pk], deadlines.hours_of(conversation.account_id, _platform(conversation)))


def _platform(conversation: Conversation) -> str:
    return str(Account.objects.values_list("platform", flat=True).get(pk=conversation.account_id))
