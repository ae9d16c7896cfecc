"""A person chooses warehouse or service of orders. The choice stands above the rules, and stays when they run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import Entry, record_many
from core.permissions import Actor
from inventory.reservation import release_many
from orders import permissions, states
from orders.models import RouteOverride
from orders.services import lines
from orders.services.acts import Outcome, locked, route_later

WAREHOUSE, SERVICE = "warehouse", "service"
AGAIN = (states.UNMATCHED, states.ADDRESS, states.SHORT, states.READY, states.FAILED)

_FACTS = """
SELECT o.id, o.state, o.reason_code, o.ship_country, o.weight_g,
       EXISTS (SELECT 1 FROM orders_orderline l JOIN inventory_sku s ON s.id = l.sku_id
                WHERE l.order_id = o.id AND s.battery AND l.quantity > l.cancelled),
       EXISTS (SELECT 1 FROM orders_consignment k WHERE k.order_id = o.id AND k.state = 'open'),
       v.warehouse_id, v.service_id
  FROM orders_order o LEFT JOIN orders_routeoverride v ON v.order_id = o.id
 WHERE o.id = ANY(%s) ORDER BY o.id
"""


@transaction.atomic
def choose(*, actor: Actor, order_ids: Sequence[int], choice: Mapping[str, int | None], note: str = "") -> Outcome:
    """``choice``: {"warehouse": id, "service": id}; None gives that part back to the rules, a part not named stays.

    Before a parcel exists. Orders go through rules and stock again, held ones only when their route held them.
    Refused by order: ``order.not_found``, ``order.too_late``, ``route.cannot_country``, ``route.cannot_weight``,
    ``route.cannot_battery``, ``route.chosen_service_gone``, ``route.chosen_warehouse_closed``.
    """
    actor.require(permissions.ROUTE)
    found, outcome = locked(actor, order_ids)
    service = _service(choice.get(SERVICE))
    open_place = _open_place(actor, choice.get(WAREHOUSE))
    fit: list[tuple[Any, ...]] = []
    for row in bulk.fetch(_FACTS, [list(found)]):
        reason = _reason(row, choice, service, open_place)
        if reason is None:
            fit.append(row)
        else:
            outcome.refused[row[0]] = reason
    _write(actor, fit, choice, note.strip()[:200])
    outcome.done = [row[0] for row in fit]
    if WAREHOUSE in choice and choice[WAREHOUSE] is None:
        # What the chosen warehouse held would hold the order there: the rules choose the place anew.
        release_many(lines.ids_of([row[0] for row in fit if row[7] is not None]))
    _again(actor, [row for row in fit if _changes(row, choice)])
    return outcome


def _changes(row: tuple[Any, ...], choice: Mapping[str, int | None]) -> bool:
    return (WAREHOUSE in choice and choice[WAREHOUSE] != row[7]) or (SERVICE in choice and choice[SERVICE] != row[8])


def _service(pk: int | None) -> dict[str, Any] | None:
    rows = bulk.fetch(
        "SELECT s.name, s.countries, s.max_weight_g, s.battery FROM logistics_service s"
        " JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id WHERE s.active AND c.active AND s.id = %s",
        [pk],
    )
    if not rows:
        return None
    name, countries, most, battery = rows[0]
    countries = bulk.unpacked(countries)
    return {"name": name, "countries": countries or [], "most": most, "battery": battery}


def _open_place(actor: Actor, pk: int | None) -> bool:
    rows = bulk.fetch("SELECT 1 FROM inventory_warehouse WHERE id = %s AND active AND kind <> 'platform'", [pk])
    return bool(rows) and actor.sees_warehouse(pk)


def _reason(
    row: tuple[Any, ...], choice: Mapping[str, int | None], service: dict[str, Any] | None, open_place: bool
) -> tuple[str, dict[str, Any]] | None:
    """Why this order cannot have the choice; None when it can."""
    _, state, _, country, weight, battery, parcel, *_ = row
    if state not in states.BEFORE_BOOKING or parcel:
        return "order.too_late", {"state": state}
    if choice.get(WAREHOUSE) is not None and not open_place:
        return "route.chosen_warehouse_closed", {}
    if choice.get(SERVICE) is None:
        return None
    if service is None:
        return "route.chosen_service_gone", {}
    if service["countries"] and country not in service["countries"]:
        return "route.cannot_country", {"service": service["name"], "country": country}
    if service["most"] and weight is not None and weight > service["most"]:
        return "route.cannot_weight", {"service": service["name"], "weight_g": weight, "max_g": service["most"]}
    if battery and not service["battery"]:
        return "route.cannot_battery", {"service": service["name"]}
    return None


def _write(actor: Actor, rows: Sequence[tuple[Any, ...]], choice: Mapping[str, int | None], note: str) -> None:
    now = clock.now()
    history: list[Entry] = []
    keep: list[RouteOverride] = []
    lift: list[int] = []
    for pk, *_, place, service in rows:
        after = {WAREHOUSE: choice.get(WAREHOUSE, place), SERVICE: choice.get(SERVICE, service)}
        for part, before in ((WAREHOUSE, place), (SERVICE, service)):
            if after[part] != before:
                code = f"order.{part}_chosen" if after[part] is not None else f"order.{part}_to_rules"
                entry = {part: after[part], "was": before} | ({"note": note} if note else {})
                history.append(("order", pk, code, entry))
        if any(after.values()):
            keep.append(
                RouteOverride(
                    order_id=pk,
                    warehouse_id=after[WAREHOUSE],
                    service_id=after[SERVICE],
                    note=note,
                    actor_id=actor.id,
                    actor_label=actor.label,
                    at=now,
                )
            )
        else:
            lift.append(pk)
    RouteOverride.objects.bulk_create(
        keep,
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=["warehouse", "service", "note", "actor_id", "actor_label", "at"],
    )
    RouteOverride.objects.filter(order_id__in=lift).delete()
    record_many(actor, history)


def _again(actor: Actor, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rules and stock anew; a held order only when its route was what held it."""
    moved: list[int] = []
    for source in AGAIN:
        moved += states.move([row[0] for row in rows if row[1] == source], states.NEW, expected=[source])
    by_route = [row[0] for row in rows if row[1] == states.HELD and str(row[2]).startswith("route.")]
    moved += states.move(by_route, states.NEW, expected=[states.HELD])
    route_later([*moved, *(row[0] for row in rows if row[1] in (states.NEW, states.PENDING))])
