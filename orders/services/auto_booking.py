"""Whether orders are booked as soon as they are ready, or wait until somebody books them."""

from __future__ import annotations

from django.db import transaction

from core import audit, bulk, settings_store
from core.permissions import Actor
from orders.services.booking import AUTO_BOOK


def is_on() -> bool:
    return bool(settings_store.get(AUTO_BOOK, False))


@transaction.atomic
def switch(*, actor: Actor, on: bool) -> bool:
    """Orders that become ready from now on are booked by themselves (or no more); those that are ready stay as they are.

    Returns whether anything changed: two who press at once leave one entry in the trail. Raises NotAllowed.
    """
    actor.require(settings_store.CHANGE)
    settings_store.alone(AUTO_BOOK)
    rows = bulk.fetch("SELECT value::text = 'true' FROM records_tenantsetting WHERE name = %s", [AUTO_BOOK])
    if bool(rows and rows[0][0]) == on:
        return False
    settings_store.keep(AUTO_BOOK, on)
    audit.record(actor, "setting", None, "setting.auto_book_on" if on else "setting.auto_book_off")
    return True
