"""Saved views: what a list was narrowed to, under a name, for oneself or for everybody.

A view's ``query`` is {"tab": …, "text": …, "chosen": {filter: [value]}, "columns": [name]} (["all"]: every column; none:
as the browser has them, for views from before columns were kept), in plain words rather than as an address, so
that a buyer who is searched for in it can be found and forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from core import audit, bulk
from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, MANAGER, Actor, operation
from core.records.models import SavedView, ViewDefault

SHARE = operation("views.share", MANAGER, CLERK)
MANAGE = operation("views.manage", MANAGER)  # rename and delete what others have shared
MOST = 30  # of a person on a list
MOST_SHARED = 60  # on a list, by everybody
NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class View:
    """As one person sees it. ``mine``: made by that person; ``default``: the list opens with it for that person."""

    id: int
    name: str
    query: Mapping[str, Any]
    shared: bool
    mine: bool
    default: bool
    may_change: bool


# Every list asks; the ORM takes longer to say it than PostgreSQL to answer.
_OF_LIST = (
    "SELECT v.id, v.name, v.query::text, v.shared, v.user_id, EXISTS (SELECT 1 FROM records_viewdefault d"
    " WHERE d.list_name = v.list_name AND d.user_id = %s AND d.view_id = v.id)"
    " FROM records_savedview v WHERE v.list_name = %s AND (v.user_id = %s OR v.shared) ORDER BY v.name, v.id"
)


def of_list(actor: Actor, list_name: str) -> list[View]:
    """One's own and the shared ones, one's own first, by name. One query."""
    who = _who(actor)
    found = bulk.fetch(_OF_LIST, [who, list_name, who])
    manages = actor.can(MANAGE)
    views = [
        View(pk, name, json.loads(query), shared, owner == who, chosen, owner == who or manages)
        for pk, name, query, shared, owner, chosen in found
    ]
    return sorted(views, key=lambda one: not one.mine)


@transaction.atomic
def save(*, actor: Actor, list_name: str, name: str, query: Mapping[str, Any], shared: bool = False) -> SavedView:
    """Keep a view; one's own of the same name gets the new query.

    Raises NotAllowed, BusinessError ``view.name_wanted``, ``view.too_many``.
    """
    name = _name(name)
    if shared:
        actor.require(SHARE)
    # Two tabs that save at once wait for each other, so the limits hold.
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || %s))", [f":savedview {list_name}"])
    mine = SavedView.objects.filter(list_name=list_name, user_id=_who(actor))
    found = mine.filter(name=name).first()
    if found is None and mine.count() >= MOST:
        raise BusinessError("view.too_many", most=MOST)
    if shared and (found is None or not found.shared):
        _room_for_shared(list_name)
    made = found or SavedView(list_name=list_name, user_id=_who(actor), name=name)
    newly = shared and not made.shared
    if not shared and made.shared:
        _nobody_elses(made)
    made.query, made.shared = dict(query), shared
    made.save()
    if newly:
        audit.record(actor, "view", made.pk, "view.shared", name=name, list=list_name)
    return made


@transaction.atomic
def change(*, actor: Actor, view_id: int, name: str, shared: bool) -> SavedView:
    """Rename a view, share it or take it back. Raises NotAllowed, BusinessError ``view.not_found``, ``view.name_taken``."""
    found = _mine(actor, view_id)
    name = _name(name)
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || %s))", [f":savedview {found.list_name}"])
    others = SavedView.objects.filter(list_name=found.list_name, user_id=found.user_id, name=name)
    if others.exclude(pk=view_id).exists():
        raise BusinessError("view.name_taken", name=name)
    if shared and not found.shared:
        actor.require(SHARE)
        _room_for_shared(found.list_name)
        audit.record(actor, "view", view_id, "view.shared", name=name, list=found.list_name)
    elif found.shared and not shared:
        _nobody_elses(found)
        audit.record(actor, "view", view_id, "view.unshared", name=name, list=found.list_name)
    found.name, found.shared = name, shared
    found.save(update_fields=["name", "shared"])
    return found


@transaction.atomic
def delete(*, actor: Actor, view_id: int) -> None:
    """Raises NotAllowed, BusinessError ``view.not_found``."""
    found = _mine(actor, view_id)
    if found.shared:
        audit.record(actor, "view", view_id, "view.deleted", name=found.name, list=found.list_name)
    found.delete()


@transaction.atomic
def set_default(*, actor: Actor, list_name: str, view_id: int | None) -> None:
    """The list opens with this view for the actor; None: with its first tab again. Raises ``view.not_found``."""
    if view_id is None:
        ViewDefault.objects.filter(list_name=list_name, user_id=_who(actor)).delete()
        return
    seen = SavedView.objects.filter(Q(user_id=_who(actor)) | Q(shared=True), pk=view_id, list_name=list_name)
    if not seen.exists():
        raise BusinessError("view.not_found")
    bulk.execute(
        "INSERT INTO records_viewdefault (list_name, user_id, view_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (list_name, user_id) DO UPDATE SET view_id = EXCLUDED.view_id",
        [list_name, _who(actor), view_id],
    )


def _mine(actor: Actor, view_id: int) -> SavedView:
    """One's own, or a shared one with the right to manage them; another's private view is not there."""
    found = SavedView.objects.select_for_update().filter(pk=view_id).first()
    if found is None or (found.user_id != _who(actor) and not found.shared):
        raise BusinessError("view.not_found")
    if found.user_id != _who(actor):
        actor.require(MANAGE)
    return found


def _who(actor: Actor) -> int:
    """Views belong to people. Raises NotAllowed for keys and the system."""
    if actor.kind != "user" or actor.id is None:
        raise NotAllowed(operation="views.own")
    return actor.id


def _name(given: str) -> str:
    name = " ".join(given.split())[:NAME_LENGTH]
    if not name:
        raise BusinessError("view.name_wanted")
    return name


def _room_for_shared(list_name: str) -> None:
    if SavedView.objects.filter(list_name=list_name, shared=True).count() >= MOST_SHARED:
        raise BusinessError("view.too_many_shared", most=MOST_SHARED)


def _nobody_elses(view: SavedView) -> None:
    """What is private again opens nobody else's list."""
    ViewDefault.objects.filter(view=view).exclude(user_id=view.user_id).delete()
