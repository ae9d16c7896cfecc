"""What somebody decided for one SKU after trying values: kept for every later run, and the present line made anew."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from fba import permissions, queries
from fba.models import RestockChoice, RestockRun
from fba.options import Options
from fba.services import restock
from fba.whatif import Values
from inventory.services import update_sku


@transaction.atomic
def save(*, actor: Actor, line_id: int, chosen: Values, former: Values) -> int:
    """Keep what was moved: lead time and least quantity with the SKU itself, cover and growth as its own settings.

    Returns the line of the same place, made anew with them. Raises NotAllowed; BusinessError ``restock.not_found``.
    """
    actor.require(permissions.SETTINGS)
    line = queries.line(actor, line_id)
    facts: dict[str, Any] = {}
    if chosen.lead_days != former.lead_days:
        facts["lead_days"] = str(chosen.lead_days)
    if chosen.moq != former.moq:
        facts["moq"] = str(max(1, chosen.moq))
    if facts:
        update_sku(actor=actor, sku_id=line["sku_id"], **facts)
    found = RestockChoice.objects.select_for_update().filter(sku_id=line["sku_id"]).first()
    found = found or RestockChoice(sku_id=line["sku_id"])
    changed = sorted(facts)
    if chosen.cover_days != former.cover_days:
        review = Options.model_validate(RestockRun.objects.get(pk=line["run_id"]).settings).review_days
        found.safety_days = max(0.0, chosen.cover_days - review)
        changed.append("cover_days")
    if chosen.growth != former.growth:
        found.growth = None if chosen.growth == 1 else chosen.growth
        changed.append("growth")
    if {"cover_days", "growth"} & set(changed):
        found.decided_at, found.actor_label = clock.now(), actor.label[:120]
        found.save()
    if changed:
        record(actor, "sku", line["sku_id"], "restock.choice_saved", fields=changed)
    return _again(line)


@transaction.atomic
def drop(*, actor: Actor, line_id: int) -> int:
    """Back to what holds for all. Returns the line made anew. Raises NotAllowed; BusinessError ``restock.not_found``."""
    actor.require(permissions.SETTINGS)
    line = queries.line(actor, line_id)
    if RestockChoice.objects.filter(sku_id=line["sku_id"]).delete()[0]:
        record(actor, "sku", line["sku_id"], "restock.choice_dropped")
    return _again(line)


def own(sku_id: int) -> RestockChoice | None:
    return RestockChoice.objects.filter(sku_id=sku_id).first()


def _again(line: dict) -> int:
    """Reckon the SKU of a line anew in its run, with the others of its product, whose mean it may stand on."""
    run = RestockRun.objects.select_for_update().get(pk=line["run_id"])
    rows = bulk.fetch(
        "SELECT id FROM inventory_sku WHERE id = %s OR (state = 'active' AND product_id IS NOT NULL"
        " AND product_id = (SELECT product_id FROM inventory_sku WHERE id = %s)) ORDER BY id",
        [line["sku_id"], line["sku_id"]],
    )
    skus = [row[0] for row in rows]
    bulk.execute("DELETE FROM fba_restockline WHERE run_id = %s AND sku_id = ANY(%s)", [run.pk, skus])
    restock.write(run.pk, skus, run.day, run.zone, Options.model_validate(run.settings))
    same = bulk.fetch(
        "SELECT id FROM fba_restockline WHERE run_id = %s AND sku_id = %s AND account_id IS NOT DISTINCT FROM %s"
        " AND marketplace = %s AND warehouse_id IS NOT DISTINCT FROM %s",
        [run.pk, line["sku_id"], line["account_id"], line["marketplace"], line["warehouse_id"]],
    )
    if not same:
        raise BusinessError("restock.not_found")
    return int(same[0][0])
