"""Several people at one order at the same moment: one order, one edit, one taking back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections

from core.errors import BusinessError
from core.tenancy import tenant_context
from inventory.models import Reservation
from orders.models import Order, OrderLine
from orders.services import line_edits, manual, undo
from orders.services.line_edits import Wanted
from orders.services.release import release
from tests.orders.conftest import ACTOR, Shop, make_shop, order, take
from tests.orders.test_manual import given
from tests.support.database import ACME, WorkerDatabase, back_to_public


def at_once(act: Callable[[], Any], times: int = 4) -> list[Any]:
    """Results of ``act`` done in several threads at one moment; a refusal is its code."""
    found: list[Any] = []
    ready = threading.Barrier(times)

    def one() -> None:
        try:
            with tenant_context(ACME):
                ready.wait(10)
                found.append(act())
        except BusinessError as error:
            found.append(error.code)
        except Exception as error:  # shown by the assertion
            found.append(repr(error))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def shop() -> Shop:
    return make_shop()


def test_two_clicks_make_one_order(committed_db: WorkerDatabase) -> None:
    with tenant_context(ACME):
        form = given(shop())
    back_to_public()
    made = at_once(lambda: manual.enter(actor=ACTOR, given=form).pk)
    assert len(made) == 4 and len(set(made)) == 1 and isinstance(made[0], int)
    with tenant_context(ACME):
        assert Order.objects.count() == 1
    back_to_public()


def test_one_of_two_edits_counts_and_is_taken_back_once(committed_db: WorkerDatabase) -> None:
    with tenant_context(ACME):
        there = shop()
        take(there, order("A-1"))
        pk = Order.objects.get().pk
        release(order_ids=[pk], actor=ACTOR)
        version = Order.objects.get().version
        gift = Wanted(None, there.skus["CUP"].pk, 1, key="form-1-0")
    back_to_public()
    found = at_once(
        lambda: line_edits.edit(actor=ACTOR, order_id=pk, version=version, wanted=[gift], reason="gift").version
    )
    # The same form: whoever comes second finds nothing to change.
    assert len(found) == 4 and all(isinstance(one, int) for one in found), found
    with tenant_context(ACME):
        assert OrderLine.objects.count() == 2
        release(order_ids=[pk], actor=ACTOR)
        assert Reservation.objects.filter(closed_at=None).count() == 2
        from orders.queries import history

        entry = next(one["id"] for one in history(pk) if one["code"] == "order.lines_edited")
    back_to_public()
    found = at_once(lambda: undo.undo(actor=ACTOR, order_id=pk, entry_id=entry))
    assert sorted(found) == ["order.lines_edited", *["undo.done_already"] * 3]
    with tenant_context(ACME):
        release(order_ids=[pk], actor=ACTOR)
        assert [r.owner_id for r in Reservation.objects.filter(closed_at=None)] == [
            OrderLine.objects.order_by("pk")[0].pk
        ]
    back_to_public()
