"""The comparison finds what is missing, double or different, and names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import bulk, clock
from core.central.models import Outbox
from core.tenancy import tenant_context
from sandbox.rehearse.control import Control
from sandbox.rehearse.reconcile import Difference, reconcile
from sandbox.rehearse.reconcile.facts import Facts
from sandbox.rehearse.run import Rehearsal, Wishes
from tests.support.database import WorkerDatabase
from tests.support.simulators import running
from tests.support.web import Site, served

SPEED = 120


@dataclass
class Here:
    """A stage whose processes the test has started."""

    site: Site
    simulators: str

    @property
    def given(self) -> Any:
        return SimpleNamespace(number="here")

    @property
    def plan(self) -> Any:
        return SimpleNamespace(simulators_url=self.simulators)

    @property
    def web_url(self) -> str:
        return self.site.url

    def killable(self) -> list[str]:
        return []

    def dead(self) -> list[str]:
        return []


class Recorded(Rehearsal):
    """Keeps the facts of the comparison, so that it can be made again."""

    facts: Facts

    def _facts(self, *args: Any) -> Facts:
        self.facts = super()._facts(*args)
        return self.facts


@contextmanager
def rehearsed(database: WorkerDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    now = clock.wall().timestamp()
    scaled = f"{now:.3f}:{now:.3f}:{SPEED}"
    with running(tmp_path / "simulators", clock=scaled) as simulators:
        monkeypatch.setattr("django.conf.settings.SANDBOX_URL", simulators.url)
        names = ("worker", "beat")
        with served(database.url, *names, sandbox_url=simulators.url, SAMPAN_CLOCK=scaled) as site:
            monkeypatch.setenv("SAMPAN_CLOCK", scaled)
            wishes = Wishes("24", accounts=2, speed=SPEED, seed=5)
            run = Recorded(wishes, Here(site, simulators.url), lambda text: None)
            result = run.play()
            assert [str(one) for one in result.report.differences] == []
            assert (result.gave_up, result.missing) == ("", {})
            # The comparison is made again and again below; nobody may move anything meanwhile.
            site.supervisor.stop()
            yield run


def found(run: Recorded) -> set[tuple[str, str]]:
    """{(platform, what)} of all differences."""
    report = reconcile(run.facts, Control(run.stage.plan.simulators_url), patience=0)
    return {(one.platform, one.what) for one in report.differences}


def one(statement: str, *params: Any) -> Any:
    return bulk.fetch(statement, list(params))[0][0]


def test_planted_differences_are_found_and_named(
    committed_db: WorkerDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rehearsed(committed_db, tmp_path, monkeypatch) as run:
        control, schema = Control(run.stage.plan.simulators_url), run.facts.schema
        assert found(run) == set()
        with tenant_context(schema):
            order = one("SELECT min(id) FROM orders_order WHERE state = 'delivered'")
            external = one("SELECT external_id FROM orders_order WHERE id = %s", order)
            platform = one("SELECT platform FROM orders_order WHERE id = %s", order)

            def plant(change: str, back: str, *params: Any) -> set[tuple[str, str]]:
                bulk.execute(change, list(params))
                named = found(run)
                bulk.execute(back, list(params))
                return named

            by = "WHERE id = %s"
            named = plant(
                f"UPDATE orders_order SET grand_total = grand_total + 0.01 {by}",
                f"UPDATE orders_order SET grand_total = grand_total - 0.01 {by}",
                order,
            )
            assert named == {(platform, "total")}
            named = plant(
                f"UPDATE orders_order SET external_id = external_id || 'X' {by}",
                f"UPDATE orders_order SET external_id = %s {by}".replace("%s", f"'{external}'", 1),
                order,
            )
            assert (platform, "order") in named
            named = plant(
                f"UPDATE orders_order SET ship_city = ship_city || 'x' {by}",
                f"UPDATE orders_order SET ship_city = left(ship_city, -1) {by}",
                order,
            )
            assert named == {(platform, "receiver's city")}
            line = one("SELECT min(id) FROM orders_orderline WHERE order_id = %s", order)
            named = plant(
                f"UPDATE orders_orderline SET quantity = quantity + 1, units = units + 1 {by}",
                f"UPDATE orders_orderline SET quantity = quantity - 1, units = units - 1 {by}",
                line,
            )
            assert {what.split()[0] for _, what in named} >= {"line", "units"}
            _stock_and_work(run, order, plant)
            _in_the_outbox(run, plant, monkeypatch)
        _at_the_simulators(run, control, schema)


def _stock_and_work(run: Recorded, order: int, plant: Callable[..., set[tuple[str, str]]]) -> None:
    reservation = one("SELECT min(id) FROM inventory_reservation")
    named = plant(
        "UPDATE inventory_reservation SET closed_at = NULL WHERE id = %s",
        "UPDATE inventory_reservation SET closed_at = now() WHERE id = %s",
        reservation,
    )
    assert any(platform == "stock" and "reservation" in what for platform, what in named)
    assert any(platform == "ledger" for platform, _ in named)
    level = one("SELECT min(id) FROM inventory_level WHERE quantity > 0")
    named = plant(
        "UPDATE inventory_level SET quantity = quantity + 1 WHERE id = %s",
        "UPDATE inventory_level SET quantity = quantity - 1 WHERE id = %s",
        level,
    )
    assert {platform for platform, _ in named} == {"ledger"}
    named = plant(
        "INSERT INTO orders_ordercount (account_id, state, n) VALUES (%s, 'delivered', 1)",
        "DELETE FROM orders_ordercount WHERE account_id = %s AND id = (SELECT max(id) FROM orders_ordercount)",
        one("SELECT account_id FROM orders_order WHERE id = %s", order),
    )
    assert named == {("tabs", "orders counted as delivered")}
    named = plant(
        "UPDATE channels_rawpayload SET state = 2, error_code = 'payload.unreadable' WHERE id = %s",
        "UPDATE channels_rawpayload SET state = 1 WHERE id = %s",
        one("SELECT min(id) FROM channels_rawpayload"),
    )
    assert named == {("inbox", "raw payloads dead")}
    named = plant(
        "UPDATE channels_confirmation SET state = 'refused' WHERE id = %s",
        "UPDATE channels_confirmation SET state = 'confirmed' WHERE id = %s",
        one("SELECT min(id) FROM channels_confirmation"),
    )
    assert {what for _, what in named} == {"confirmation"}


def _in_the_outbox(run: Recorded, plant: Callable[..., set[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch) -> None:
    row = (
        "INSERT INTO public.central_outbox (schema, event, handler, stream, payload, state, attempt, created_at,"
        " available_at, error_code, error_params) VALUES (%s, 'e', 'h', '', '{}', {state}, 0, now(), now(), '', '{}')"
    )
    gone = "DELETE FROM public.central_outbox WHERE schema = %s"
    schema = run.facts.schema
    for state, word in ((Outbox.READY, "open"), (Outbox.LEASED, "open"), (Outbox.DEAD, "dead")):
        assert plant(row.replace("{state}", str(state)), gone, schema) == {("outbox", f"rows {word}")}
    # A job that had just begun is done a moment later, while another begins.
    bulk.execute(row.replace("{state}", "1"), [schema])

    def work(seconds: float) -> None:
        bulk.execute(gone, [schema])
        bulk.execute(row.replace("{state}", "0"), [schema])

    monkeypatch.setattr("core.clock.sleep", work)
    assert reconcile(run.facts, Control(run.stage.plan.simulators_url)).differences == []
    bulk.execute(gone, [schema])


def _at_the_simulators(run: Recorded, control: Control, schema: str) -> None:
    """What only the other side knows of: a second booking, a question that we never read."""
    account = run.facts.carrier_account
    with tenant_context(schema):
        waybill = one(
            "SELECT waybill FROM logistics_shipment WHERE state = 'delivered' AND waybill LIKE 'YT%%' LIMIT 1"
        )
        bulk.execute("UPDATE logistics_shipment SET waybill = 'X', tracking_number = 'X' WHERE waybill = %s", [waybill])
        named = {what for platform, what in found(run) if platform == "yunexpress"}
        assert "number" in named
        bulk.execute(
            "UPDATE logistics_shipment SET waybill = %s, tracking_number = %s WHERE waybill = 'X'", [waybill, waybill]
        )
        assert found(run) == set()
    assert any(row["waybill"] == waybill for row in control.shipments(account))
    ebay = next(one for one in run.facts.accounts if one.platform == "ebay")
    question = {"ref": "late", "order_ref": None, "buyer_id": "somebody", "subject": "?", "body": "Hello?"}
    control.plan_messages("ebay", ebay.name, [question])
    assert found(run) == {("ebay", "message")}


def test_a_difference_says_what_it_is_about() -> None:
    text = str(Difference("amazon", "203-1", "total", "1.00", "1.01"))
    assert text == "amazon 203-1: total: expected 1.00, found 1.01"
