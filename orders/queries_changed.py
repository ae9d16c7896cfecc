"""Orders by what changed since a moment, for programs that keep a copy: in the order of their ids, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import bulk
from core.permissions import Actor
from orders import permissions, states
from orders.listed import Filter
from orders.listed import scope as _scope
from orders.queries import _COLUMNS, _FROM, LIST, TABS, _shown


def changed_since(
    actor: Actor, chosen: Filter, since: datetime, *, after: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """Rows as the list has them, with ``updated_at``, of orders written at or after ``since``, with ids above ``after``.

    What changes while somebody reads on has a later time: the next call, since the moment this one began, finds it.
    Few changes are found by the summary index of ``updated_at``, many by walking the ids. Raises NotAllowed.
    """
    actor.require(permissions.VIEW)
    accounts, conditions, params = _scope(actor, chosen)
    if accounts is not None:
        conditions.append("o.account_id = ANY(%s)")
        params.append(accounts)
    members = TABS.get(chosen.tab, states.ALL)
    if len(members) < len(states.ALL):
        conditions.append("o.state = ANY(%s)")
        params.append(list(members))
    where = " AND ".join(["o.updated_at >= %s", "o.id > %s", *conditions])
    sql = f"SELECT {_COLUMNS}, o.updated_at{_FROM} WHERE {where} ORDER BY o.id LIMIT %s"
    rows = bulk.fetch(sql, [since, after, *params, limit])
    return [_shown(actor, dict(zip((*LIST, "updated_at"), row, strict=True))) for row in rows]
