"""What the inbox's pages ask besides ``crm.queries``: filters, colleagues, unsent answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from channels.models import Account
from channels.protocol import MESSAGES
from channels.registry import all_adapters
from core import settings_store
from core.permissions import SEE_PERSONAL, Actor, operations
from core.tenancy import current_schema
from core.ui import desk
from crm import permissions
from crm.models import Conversation, Message
from crm.services import deadlines
from tenants.models import Membership


def accounts(actor: Actor) -> list[tuple[str, str]]:
    actor.require(permissions.VIEW)
    rows = Account.objects.order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in rows if actor.sees_account(pk)]


def colleagues(actor: Actor) -> list[tuple[int, str]]:
    """(user id, name) of those who may answer, by name."""
    actor.require(permissions.VIEW)
    rows = (
        Membership.objects.filter(tenant__schema_name=current_schema(), active=True, user__is_active=True)
        .select_related("user")
        .order_by("user__name", "user__email")
    )
    roles = operations()[permissions.ANSWER]
    return [(row.user_id, row.user.name or row.user.email) for row in rows if row.role in roles]


def of_buyer(actor: Actor, row: Mapping[str, Any], *, limit: int = 5) -> list[dict[str, Any]]:
    """Other conversations of the buyer of ``row`` (as ``queries.get`` gives it) at the same account, newest first."""
    actor.require(permissions.VIEW)
    if not row["buyer_id"] or not actor.can(SEE_PERSONAL) or not actor.sees_account(row["account_id"]):
        return []
    found = Conversation.objects.filter(account_id=row["account_id"], buyer_id=row["buyer_id"]).exclude(pk=row["id"])
    return [dict(one) for one in found.order_by("-last_at", "-pk").values("id", "subject", "state", "last_at")[:limit]]


def _unsent(actor: Actor) -> Any:
    actor.require(permissions.VIEW)
    rows = Message.objects.filter(direction=Message.OUT, state=Message.FAILED)
    return rows if actor.accounts is None else rows.filter(account_id__in=actor.accounts)


def unsent_count(actor: Actor) -> int:
    return int(_unsent(actor).count())


def unsent(actor: Actor, before: int | None, limit: int) -> Sequence[desk.Letter]:
    """Answers that the marketplace refused; never their words."""
    rows = _unsent(actor).select_related("account", "conversation")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [
        desk.Letter(
            id=row.pk,
            what=row.actor_label,
            label=row.conversation.order_external_id or row.conversation.item_ref,
            place=row.account.name,
            code=row.error_code,
            params=row.error_params,
            attempts=row.attempts,
            at=row.at,
            href=reverse("crm:show", args=[row.conversation_id]),
        )
        for row in rows.order_by("-pk")[:limit]
    ]


@dataclass(frozen=True, slots=True)
class AnswerHours:
    """An account with its own deadline in hours, and the platform's."""

    account: int
    name: str
    platform: str
    hours: int
    usual: int


def answer_hours(actor: Actor) -> list[AnswerHours]:
    """Accounts whose buyers' messages come in here."""
    given = settings_store.get(deadlines.SETTING, {})
    out = []
    for pk, name, platform in Account.objects.order_by("name").values_list("pk", "name", "platform"):
        adapter = all_adapters().get(platform)
        if adapter is None or MESSAGES not in adapter.capabilities or not actor.sees_account(pk):
            continue
        usual = adapter.answer_within_hours
        out.append(AnswerHours(pk, name, platform, int(given.get(str(pk)) or usual), usual))
    return out
