"""Taking back what stands in an order's history, where the world allows it: each entry once, and only while the order
still is as the entry left it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from core import bulk
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions, states
from orders.models import FormerAddress, Order
from orders.services import acts, line_edits, overrides, people

UNDONE = "order.undone"
Entry = Mapping[str, Any]


def offered(order: Order, actor: Actor, entries: list[dict[str, Any]]) -> set[int]:
    """Ids of the entries (newest first, as ``queries.history`` gives them) that this person could take back now."""
    undone = {entry["params"].get("entry") for entry in entries if entry["code"] == UNDONE}
    # What a taking back did itself stands between what was there before it and its own entry: that is not undone again.
    spans = [(entry["params"].get("since", 0), entry["id"]) for entry in entries if entry["code"] == UNDONE]
    found: set[int] = set()
    seen: set[str] = set()
    for entry in entries:
        how = _WAYS.get(str(entry["code"]))
        if how is None or entry["id"] in undone or any(low < entry["id"] < high for low, high in spans):
            continue
        kind = how.kind(entry)
        if kind in seen:
            continue  # a newer entry about the same thing stands over it
        seen.add(kind)
        if actor.can(how.operation) and how.fits(order, entry):
            found.add(entry["id"])
    return found


def undo(*, actor: Actor, order_id: int, entry_id: int) -> str:
    """Take an entry back; returns its code. What was undone is itself in the history.

    Raises NotAllowed, BusinessError ``order.not_found``, ``undo.not_there``, ``undo.done_already``,
    ``undo.moved_on`` (the order is not as the entry left it), or what the opposite act says.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(pk=order_id).first()
        if order is None or not actor.sees_account(order.account_id) or not actor.sees_warehouse(order.warehouse_id):
            raise BusinessError("order.not_found")
        entries = [entry for entry in _history(order_id) if entry["id"] >= entry_id]
        entry = entries[-1] if entries and entries[-1]["id"] == entry_id else None
        how = _WAYS.get(str(entry["code"])) if entry else None
        if entry is None or how is None:
            raise BusinessError("undo.not_there")
        actor.require(how.operation)
        if any(one["code"] == UNDONE and one["params"].get("entry") == entry_id for one in entries):
            raise BusinessError("undo.done_already")
        if entry_id not in offered(order, actor, entries):
            raise BusinessError("undo.moved_on")
        how.back(actor, order, entry)
        record(actor, "order", order_id, UNDONE, entry=entry_id, what=entry["code"], since=entries[0]["id"])
        return str(entry["code"])


def _history(order_id: int) -> list[dict[str, Any]]:
    from orders.queries import history

    return history(order_id, limit=500)


class Way:
    """How one kind of entry is taken back. ``topic``: entries of one topic are undone newest first."""

    def __init__(
        self,
        operation: str,
        topic: str,
        fits: Callable[[Order, Entry], bool],
        back: Callable[[Actor, Order, Entry], None],
    ) -> None:
        self.operation, self.topic, self.fits, self.back = operation, topic, fits, back

    def kind(self, entry: Entry) -> str:
        return self.topic or f"{entry['code']}:{entry['id']}"


def _one(outcome: acts.Outcome, order: Order) -> None:
    if order.pk in outcome.refused:
        code, params = outcome.refused[order.pk]
        raise BusinessError(code, **params)


# -- the ways ---------------------------------------------------------------------------------------------------------


def _unhold(actor: Actor, order: Order, entry: Entry) -> None:
    _one(acts.route_again(actor=actor, order_ids=[order.pk]), order)


def _uncancel(actor: Actor, order: Order, entry: Entry) -> None:
    unpaid = order.channel_status == "pending"
    target = states.PENDING if unpaid else states.NEW
    if not states.move([order.pk], target, expected=[states.CANCELLED]):
        raise BusinessError("undo.moved_on")
    acts.route_later([order.pk])


def _untag(actor: Actor, order: Order, entry: Entry) -> None:
    given = entry["params"]
    _one(acts.tag(actor=actor, order_ids=[order.pk], add=given["remove"], remove=given["add"]), order)


def _former(actor: Actor, order: Order, entry: Entry) -> None:
    row = FormerAddress.objects.filter(order=order, pk=entry["params"].get("former") or 0).first()
    if row is None:
        raise BusinessError("order.former_address_gone")
    acts.edit_address(actor=actor, order_id=order.pk, version=order.version, changes=row.address)


def _unassign(actor: Actor, order: Order, entry: Entry) -> None:
    before = entry["params"].get("was")
    people.assign(actor=actor, order_ids=[order.pk], user_id=before)


def _lines(actor: Actor, order: Order, entry: Entry) -> None:
    held = {row[0]: row for row in _line_states(order.pk)}
    for one in entry["params"]["now"]:
        there = held.get(one["line"])
        if there is None or (there[1], there[2]) != (one["sku"], one["pieces"]):
            raise BusinessError("undo.moved_on")
    wanted = [
        line_edits.Wanted(one["line"], one["sku"], one["pieces"], one["per"], Decimal(one["price"]))
        for one in entry["params"]["was"]
    ]
    told = {"of": entry["id"]}
    line_edits.apply(
        actor=actor, order_id=order.pk, version=order.version, wanted=wanted, code="order.lines_restored", told=told
    )


def _line_states(order_id: int) -> list[tuple[Any, ...]]:
    return bulk.fetch(
        "SELECT l.id, l.sku_id, least(l.quantity - l.cancelled, coalesce(e.most, l.quantity)) FROM orders_orderline l"
        " LEFT JOIN orders_lineedit e ON e.line_id = l.id WHERE l.order_id = %s",
        [order_id],
    )


def _reroute(part: str) -> Callable[[Actor, Order, Entry], None]:
    def back(actor: Actor, order: Order, entry: Entry) -> None:
        before = entry["params"].get("was")
        _one(overrides.choose(actor=actor, order_ids=[order.pk], choice={part: before}), order)

    return back


def _early(order: Order, entry: Entry) -> bool:
    return order.state in states.BEFORE_BOOKING


_WAYS: dict[str, Way] = {
    "order.held": Way(
        permissions.ROUTE,
        "state",
        lambda order, entry: order.state == states.HELD and order.reason_code == "order.held_by_person",
        _unhold,
    ),
    "order.cancelled": Way(
        permissions.CANCEL,
        "state",
        lambda order, entry: (
            order.state == states.CANCELLED
            and order.reason_code == "order.cancelled_by_person"
            and order.channel_status not in ("cancelled", "refunded")
        ),
        _uncancel,
    ),
    "order.tagged": Way(permissions.EDIT, "", lambda order, entry: True, _untag),
    "order.address_edited": Way(
        permissions.EDIT, "address", lambda order, entry: _early(order, entry) and "former" in entry["params"], _former
    ),
    "order.assigned": Way(
        permissions.ASSIGN, "assign", lambda order, entry: order.assignee_id == entry["params"].get("user"), _unassign
    ),
    "order.unassigned": Way(permissions.ASSIGN, "assign", lambda order, entry: order.assignee_id is None, _unassign),
    "order.lines_edited": Way(permissions.EDIT, "lines", _early, _lines),
    "order.warehouse_chosen": Way(permissions.ROUTE, "warehouse", _early, _reroute(overrides.WAREHOUSE)),
    "order.warehouse_to_rules": Way(permissions.ROUTE, "warehouse", _early, _reroute(overrides.WAREHOUSE)),
    "order.service_chosen": Way(permissions.ROUTE, "service", _early, _reroute(overrides.SERVICE)),
    "order.service_to_rules": Way(permissions.ROUTE, "service", _early, _reroute(overrides.SERVICE)),
}
