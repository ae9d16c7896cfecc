"""What is done to many orders at once; the worker does the same when there are too many for a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import ngettext

from core.permissions import Actor
from core.ui import lists
from orders import permissions
from orders.services import acts, booking, overrides, people
from orders.services.acts import Outcome

Given = Mapping[str, Any]


def _act(
    name: str,
    operation: str,
    do: Callable[[Actor, Sequence[int], Given], Outcome],
    said: Callable[[int], str],
    *,
    title_code: str,
) -> lists.Act:
    return lists.act(
        lists.Act(
            name,
            operation,
            do,
            title_code=title_code,
            said=lambda n: said(n).format(n=n),
            label=lambda pk: f"S-{pk}",
            opens="orders:show",
        )
    )


HOLD = _act(
    "orders.hold",
    permissions.HOLD,
    lambda actor, ids, given: acts.hold(actor=actor, order_ids=ids, note=given.get("note", "")),
    lambda n: ngettext("{n} order held.", "{n} orders held.", n),
    title_code="job.orders.hold",
)
ROUTE = _act(
    "orders.route",
    permissions.ROUTE,
    lambda actor, ids, given: acts.route_again(actor=actor, order_ids=ids),
    lambda n: ngettext("{n} order goes through the rules again.", "{n} orders go through the rules again.", n),
    title_code="job.orders.route",
)
CANCEL = _act(
    "orders.cancel",
    permissions.CANCEL,
    lambda actor, ids, given: acts.cancel(actor=actor, order_ids=ids, note=given.get("note", "")),
    lambda n: ngettext("{n} order cancelled.", "{n} orders cancelled.", n),
    title_code="job.orders.cancel",
)
TAG = _act(
    "orders.tag",
    permissions.EDIT,
    lambda actor, ids, given: acts.tag(actor=actor, order_ids=ids, add=given["add"], remove=given["remove"]),
    lambda n: ngettext("{n} order tagged.", "{n} orders tagged.", n),
    title_code="job.orders.tag",
)
BOOK = _act(
    "orders.book",
    permissions.BOOK,
    lambda actor, ids, given: booking.book_orders(actor=actor, order_ids=ids),
    lambda n: ngettext("{n} order is being booked.", "{n} orders are being booked.", n),
    title_code="job.orders.book",
)
ASSIGN = _act(
    "orders.assign",
    permissions.ASSIGN,
    lambda actor, ids, given: people.assign(
        actor=actor, order_ids=ids, user_id=given["user"], label=given.get("label", "")
    ),
    lambda n: ngettext("{n} order assigned.", "{n} orders assigned.", n),
    title_code="job.orders.assign",
)
CHOOSE = _act(
    "orders.choose",
    permissions.ROUTE,
    lambda actor, ids, given: overrides.choose(
        actor=actor, order_ids=ids, choice=given["choice"], note=given.get("note", "")
    ),
    lambda n: ngettext(
        "{n} order goes another way; rules and stock are tried again.",
        "{n} orders go another way; rules and stock are tried again.",
        n,
    ),
    title_code="job.orders.choose",
)
