"""The marketplaces' part of the dead-letter desk: unreadable payloads, refused confirmations, work that gave up."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels import permissions, queries
from channels.labels import KINDS
from channels.models import Confirmation, RawPayload
from channels.services import deadletters
from channels.services.deadletters import CONFIRM, EVENT, RAW
from core.central.models import Outbox
from core.permissions import Actor
from core.tenancy import require_tenant
from core.ui import desk
from core.words import say


def _count(kind: str, actor: Actor) -> int:
    if kind == EVENT:
        if actor.accounts is not None:
            return 0
        return Outbox.objects.filter(schema=require_tenant(), state=Outbox.DEAD).count()
    rows = (
        RawPayload.objects.filter(state=RawPayload.DEAD)
        if kind == RAW
        else Confirmation.objects.filter(state=Confirmation.REFUSED)
    )
    return rows.count() if actor.accounts is None else rows.filter(account_id__in=actor.accounts).count()


def _page(kind: str, actor: Actor, before: int | None, limit: int) -> Sequence[desk.Letter]:
    return [
        desk.Letter(
            id=one.id,
            what=say(f"handler.{one.label}") if kind == EVENT else str(KINDS.get(one.what, one.what)),
            label="" if kind == EVENT else one.label,
            place=one.account,
            code=one.code,
            params=one.params,
            attempts=one.attempts,
            at=one.at,
            href=reverse("channels:letter", args=[kind, one.id]),
        )
        for one in queries.dead_letters(actor, kind, before=before, limit=limit)
    ]


def _source(kind: str, label: object, position: int, warning: object) -> desk.Source:
    return desk.Source(
        key=kind,
        label=label,  # type: ignore[arg-type]
        position=position,
        operation=permissions.LETTERS,
        advice=f"todo.letter.{kind}",
        count=lambda actor: _count(kind, actor),
        page=lambda actor, before, limit: _page(kind, actor, before, limit),
        retry=lambda actor, ids: deadletters.retry(actor=actor, kind=kind, ids=ids),
        drop=lambda actor, ids, reason: deadletters.drop(actor=actor, kind=kind, ids=ids, reason=reason),
        warning=warning,  # type: ignore[arg-type]
    )


def register() -> None:
    desk.register(
        _source(
            RAW,
            _("Could not be read"),
            10,
            _("What the marketplace sent will not become an order or message in Sampan. The marketplace still has it."),
        )
    )
    desk.register(
        _source(
            CONFIRM,
            _("Confirmation refused"),
            20,
            _(
                "The marketplace will not be told that these parcels were sent. Tell it yourself, or it counts them as late."
            ),
        )
    )
    desk.register(
        _source(
            EVENT,
            _("Work that gave up"),
            30,
            _("The step that failed will not be done for these objects. What follows from it stays undone."),
        )
    )
