"""Conversations with buyers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja.responses import Status
from pydantic import Field

from api.v1.base import Call, Id, In, Out, Page, Paged, StrictId, Text, Time, read, write
from core.permissions import SEE_PERSONAL
from crm import permissions, queries
from crm.services import answer

router = Router(tags=["Conversations"])


class ConversationsQuery(Paged):
    """``open``: those who wait, the nearest deadline first; all others newest first."""

    tab: Literal["open", "overdue", "failed", "answered", "closed", "all"] = "open"
    account: Annotated[list[Id], Field(max_length=200)] = []


class ConversationRow(Out):
    """Buyer and subject are null without the scope for personal fields."""

    id: int
    account_id: int
    platform: str
    state: str
    buyer_id: str | None
    buyer_name: str | None
    subject: str | None
    order_id: int | None
    order_external_id: str | None
    waiting_since: Time | None
    answer_by: Time | None
    last_at: Time
    messages_count: int


class Message(Out):
    """``direction``: in, out, or note (never sent). ``body`` is null without the scope for personal fields."""

    id: int
    direction: str
    body: str | None
    at: Time
    state: str
    by: str


class Conversation(ConversationRow):
    """``seen``: hand it back with an answer, so that two people do not answer the same thing twice."""

    messages: list[Message]
    seen: int


class AnswerIn(In):
    body: Annotated[Text, Field(min_length=1, max_length=10_000)]
    seen: StrictId | None = None


class Answered(Out):
    id: int
    state: str


@read(router, "/conversations", permissions.VIEW, Page[ConversationRow], "Conversations", query=ConversationsQuery)
def list_conversations(request: Call, query: Query[ConversationsQuery]) -> Any:
    chosen = queries.Filter(tab=query.tab, accounts=tuple(query.account))
    found = queries.inbox(request.actor, chosen, after=str(query.place("talks") or ""), limit=query.limit)
    return query.page("talks", [_row(request, one) for one in found.rows], found.next)


@read(
    router, "/conversations/{int:conversation_id}", permissions.VIEW, Conversation, "One conversation with its messages"
)
def get_conversation(request: Call, conversation_id: Path[Id]) -> Any:
    found = queries.thread(request.actor, conversation_id)
    see = request.actor.can(SEE_PERSONAL)
    messages = [
        {
            "id": one["id"],
            "direction": one["direction"],
            "body": one["body"] if see else None,
            "at": one["at"],
            "state": one["state"],
            "by": one["actor_label"],
        }
        for one in found.messages
    ]
    return _row(request, found.conversation) | {"messages": messages, "seen": found.seen}


@write(router, "/conversations/{int:conversation_id}/answer", permissions.ANSWER, Answered, "Answer", status=201)
def answer_conversation(request: Call, conversation_id: Path[Id], body: AnswerIn) -> Any:
    made = answer(
        actor=request.actor,
        conversation_id=conversation_id,
        body=body.body,
        key=request.idempotency_key,
        seen=body.seen,
    )
    return Status(201, {"id": made.pk, "state": made.state})


def _row(request: Call, one: dict[str, Any]) -> dict[str, Any]:
    same = (
        "id account_id platform state order_id order_external_id waiting_since answer_by last_at messages_count"
    ).split()
    see = request.actor.can(SEE_PERSONAL)
    return {name: one[name] for name in same} | {
        name: (one[name] if see else None) for name in ("buyer_id", "buyer_name", "subject")
    }
