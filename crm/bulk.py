"""Acts on many conversations at once: take over, assign, needs no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import ngettext

from core.permissions import Actor
from core.ui import lists
from crm import permissions
from crm.services import answers
from crm.services.answers import Outcome


def _assign(actor: Actor, ids: Sequence[int], given: Mapping[str, Any]) -> Outcome:
    user, label = given["user"], given["label"]
    return answers.each(lambda pk: answers.assign(actor=actor, conversation_id=pk, user_id=user, label=label), ids)


def _close(actor: Actor, ids: Sequence[int], given: Mapping[str, Any]) -> Outcome:
    return answers.each(lambda pk: answers.close(actor=actor, conversation_id=pk), ids)


ASSIGN = lists.act(
    lists.Act(
        "crm.assign",
        permissions.ANSWER,
        do=_assign,
        title_code="job.crm.assign",
        said=lambda n: ngettext("{n} conversation assigned.", "{n} conversations assigned.", n).format(n=n),
        label=lambda pk: f"#{pk}",
        opens="crm:show",
    )
)
CLOSE = lists.act(
    lists.Act(
        "crm.close",
        permissions.ANSWER,
        do=_close,
        title_code="job.crm.close",
        said=lambda n: ngettext("{n} conversation closed.", "{n} conversations closed.", n).format(n=n),
        label=lambda pk: f"#{pk}",
        opens="crm:show",
    )
)
