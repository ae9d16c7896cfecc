"""What is done to many dead letters at once; the worker does the same when there are too many for a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import ngettext

from channels import permissions
from core.errors import BusinessError
from core.permissions import Actor
from core.ui import desk, lists


@dataclass
class Outcome:
    """Letters that are off the desk, and {letter: (code, params)} of those that stay."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)


class _NotAll(Exception):
    """Some of a batch were not done; which ones is found out one by one."""


def source(actor: Actor, kind: str) -> desk.Source:
    """Raises BusinessError ``deadletter.not_found`` for a kind that is not there for this person."""
    found = next((one for one in desk.sources(actor) if one.key == kind), None)
    if found is None:
        raise BusinessError("deadletter.not_found")
    return found


def _each(ids: Sequence[int], act: Callable[[Sequence[int]], int]) -> Outcome:
    """All together; where that does not do all of them, one by one, so that each of those left has its reason."""
    try:
        with transaction.atomic():
            if act(ids) < len(ids):
                raise _NotAll
    except (_NotAll, BusinessError):
        out = Outcome()
        for pk in ids:
            try:
                with transaction.atomic():
                    act([pk])
            except BusinessError as error:
                out.refused[pk] = (error.code, error.params)
            else:
                out.done.append(pk)
        return out
    return Outcome(list(ids))


def _retry(actor: Actor, ids: Sequence[int], given: Mapping[str, Any]) -> Outcome:
    one = source(actor, given["kind"])
    return _each(ids, lambda some: one.retry(actor, some))


def _drop(actor: Actor, ids: Sequence[int], given: Mapping[str, Any]) -> Outcome:
    drop = source(actor, given["kind"]).drop
    if drop is None:
        raise BusinessError("deadletter.cannot_drop")
    return _each(ids, lambda some: drop(actor, some, given["reason"]))


RETRY = lists.act(
    lists.Act(
        "letters.retry",
        permissions.LETTERS,
        _retry,
        title_code="job.letters.retry",
        said=lambda n: ngettext("{n} is tried again.", "{n} are tried again.", n).format(n=n),
    )
)
DROP = lists.act(
    lists.Act(
        "letters.drop",
        permissions.LETTERS,
        _drop,
        title_code="job.letters.drop",
        said=lambda n: ngettext("{n} was dropped.", "{n} were dropped.", n).format(n=n),
    )
)
