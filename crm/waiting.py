"""Pure: since when a buyer waits for an answer. ``crm.services.deadlines`` says the same in SQL; a test holds them together.

An answer covers what its writer could have seen: the messages that were stored before it was written, up to the one it
answers. So neither a message that was sent earlier but came in later, nor one that arrived meanwhile, is taken for
answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

IN, OUT, NOTE = "in", "out", "note"
SENT = "sent"


@dataclass(frozen=True, slots=True)
class Said:
    """A message: ``id`` in the order of storing, ``at`` as sent. ``parent``: id of the message an answer is for.

    ``state`` of an incoming one: '' or why it needs no answer; of an outgoing one: how far it got.
    """

    id: int
    direction: str
    at: datetime
    state: str = ""
    parent: int | None = None


def covers(answer: Said, question: Said, by_id: dict[int, Said]) -> bool:
    parent = by_id.get(answer.parent) if answer.parent is not None else None
    if answer.direction != OUT or answer.state != SENT or parent is None:
        return False
    return question.id < answer.id and (question.at, question.id) <= (parent.at, parent.id)


def waiting_since(messages: Sequence[Said]) -> datetime | None:
    """When the first message that still waits was sent; None when none does."""
    by_id = {message.id: message for message in messages}
    open_ones = [
        message.at
        for message in messages
        if message.direction == IN
        and not message.state
        and not any(covers(answer, message, by_id) for answer in messages)
    ]
    return min(open_ones, default=None)


def answer_by(since: datetime | None, within_hours: int) -> datetime | None:
    """The platform's deadline."""
    return since + timedelta(hours=within_hours) if since is not None else None
