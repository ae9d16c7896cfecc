"""Every kind of corruption that a hand could do is found, and the row is named."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from core import bulk
from inventory.prove import prove
from inventory.reservation import Want, WantedLine, reserve_many
from tests.inventory.conftest import Shop


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop with a history that uses every table."""
    a, b, _ = shop.skus
    shop.receive(a, 10, "5", 1)
    shop.receive(a, 10, "7", 3)
    shop.receive(b, 10, None, 1)
    sold = shop.issue(a, 4, 5)
    shop.issue(b, 2, 6)
    shop.back(a, 1, sold, 8)
    shop.receive(a, 3, "6", 2)  # back-dated: difference entries
    reserve_many([Want(1, (shop.warehouse,), (WantedLine(71, a, 2), WantedLine(72, b, 1)))])
    assert prove().differences == []
    # The rows exist now; checks that wait for the end of the transaction would run into the corruption.
    bulk.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return shop


def one(sql: str) -> int:
    return int(bulk.fetch(sql)[0][0])


def corrupt(sql: str) -> None:
    """As a database owner could: past triggers and foreign keys."""
    bulk.execute("SET LOCAL session_replication_role = replica")
    assert bulk.execute(sql) == 1
    bulk.execute("SET LOCAL session_replication_role = DEFAULT")


ISSUE = "(SELECT id FROM inventory_move WHERE source_kind = 'shipment' ORDER BY id LIMIT 1)"
FORGED = (
    "INSERT INTO inventory_valuation (move_id, method, pool, sku_id, kind, period, quantity, unvalued, amount,"
    " original_currency, posted_at, actor_label, attrs)"
    " SELECT {move}, method, pool, sku_id, 'difference', period, 0, 0, 0.0001, '', posted_at, actor_label, '{{}}'"
    f" FROM inventory_valuation WHERE move_id = {ISSUE} AND method = 'fifo' ORDER BY id LIMIT 1"
)
VALUATION = "SELECT id FROM inventory_valuation WHERE kind = 'receipt' ORDER BY id LIMIT 1"
CASES: dict[str, tuple[str, str, str, str]] = {
    # what is done, its row, the table and the check that must name it
    "level": (
        "UPDATE inventory_level SET quantity = quantity + 1 WHERE id = {row}",
        "SELECT id FROM inventory_level ORDER BY id LIMIT 1",
        "inventory_level",
        "level",
    ),
    "level gone": (
        "DELETE FROM inventory_level WHERE id = {row}",
        "SELECT id FROM inventory_level ORDER BY id LIMIT 1",
        "inventory_level",
        "level",
    ),
    "sellable": (
        "UPDATE inventory_stock SET sellable = sellable + 1 WHERE id = {row}",
        "SELECT id FROM inventory_stock ORDER BY id LIMIT 1",
        "inventory_stock",
        "sellable",
    ),
    "amount": ("UPDATE inventory_valuation SET amount = amount + 0.0001 WHERE id = {row}", VALUATION, "", "value"),
    "open units": ("UPDATE inventory_valuation SET unvalued = unvalued + 1 WHERE id = {row}", VALUATION, "", "value"),
    "units of an entry": (
        "UPDATE inventory_valuation SET quantity = quantity + 1 WHERE id = {row}",
        VALUATION,
        "",
        "value",
    ),
    "entry under another SKU": (
        "UPDATE inventory_valuation SET sku_id = (SELECT max(id) FROM inventory_sku) WHERE id = {row}",
        VALUATION,
        "",
        "valuation_unexpected",
    ),
    "entry of an unknown method": (
        "UPDATE inventory_valuation SET method = 'lifo' WHERE id = {row}",
        VALUATION,
        "",
        "method_unknown",
    ),
    "entry gone": (
        "DELETE FROM inventory_valuation WHERE id = (SELECT max(id) FROM inventory_valuation WHERE move_id = {row})",
        f"SELECT {ISSUE}",
        "inventory_valuation",
        "value",
    ),
    "state value": (
        "UPDATE inventory_poolstate SET value = value + 0.0001 WHERE id = {row}",
        "SELECT id FROM inventory_poolstate ORDER BY id LIMIT 1",
        "inventory_poolstate",
        "state",
    ),
    "state layers": (
        "UPDATE inventory_poolstate SET layers = '[]' WHERE id = {row}",
        "SELECT id FROM inventory_poolstate WHERE method = 'fifo' ORDER BY id LIMIT 1",
        "inventory_poolstate",
        "layers",
    ),
    "state through": (
        "UPDATE inventory_poolstate SET through_move = through_move + 1 WHERE id = {row}",
        "SELECT id FROM inventory_poolstate ORDER BY id LIMIT 1",
        "inventory_poolstate",
        "through",
    ),
    "told cost": (
        "UPDATE inventory_cost SET base_amount = base_amount + 0.0001 WHERE id = {row}",
        "SELECT id FROM inventory_cost ORDER BY id LIMIT 1",
        "inventory_cost",
        "base_amount",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_changed_row_is_named(busy: Shop, name: str) -> None:
    sql, which, table, what = CASES[name]
    row = one(which)
    corrupt(sql.format(row=row))
    found = prove().differences
    table = table or "inventory_valuation"
    if name == "entry gone":  # the others of the same move are named, and the move
        assert any(d.what in ("value", "valuation_missing") and row in (d.detail.get("move"), d.row) for d in found)
    elif name == "level gone":  # there is no row to name, but its place
        assert any(d.table == table and d.row is None and d.what == what and d.detail["location"] for d in found)
    else:
        assert any(d.table == table and d.row == row and d.what == what for d in found), found
    assert all(d.expected != d.found for d in found)


@pytest.mark.parametrize("move", [ISSUE, "999999"], ids=["beside a real one", "without a move"])
def test_a_forged_entry_is_named(busy: Shop, move: str) -> None:
    corrupt(FORGED.format(move=move))
    row = one("SELECT max(id) FROM inventory_valuation")
    what = "value" if move == ISSUE else "valuation_without_move"
    assert [(d.row, d.what) for d in prove().differences if d.table == "inventory_valuation"] == [(row, what)]


def test_a_deleted_move_is_named_by_all_that_hangs_on_it(busy: Shop) -> None:
    move = one("SELECT id FROM inventory_move WHERE source_kind = 'receipt' ORDER BY id LIMIT 1")
    corrupt(f"DELETE FROM inventory_move WHERE id = {move}")
    found = prove().differences
    assert {(d.table, d.what) for d in found} >= {
        ("inventory_valuation", "valuation_without_move"),
        ("inventory_level", "level"),
        ("inventory_stock", "sellable"),
        ("inventory_cost", "orphan"),
    }
    assert any(d.what == "valuation_without_move" and d.detail["move"] == move for d in found)


def test_a_changed_move_is_named(busy: Shop) -> None:
    move = one(f"SELECT {ISSUE}")
    corrupt(f"UPDATE inventory_move SET quantity = quantity + 1 WHERE id = {move}")
    assert any(d.detail.get("move") == move and d.what == "value" for d in prove().differences)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE inventory_reservation SET quantity = quantity + 1 WHERE id = {row}",
        "UPDATE inventory_reservation SET closed_at = now(), closed_as = 'issued' WHERE id = {row}",
        "DELETE FROM inventory_reservation WHERE id = {row}",
    ],
    ids=["more", "closed", "gone"],
)
def test_a_changed_reservation_is_found(busy: Shop, sql: str) -> None:
    row, sku, units = bulk.fetch("SELECT id, sku_id, quantity FROM inventory_reservation ORDER BY id LIMIT 1")[0]
    corrupt(sql.format(row=row))
    (found,) = prove().differences
    stock = one(f"SELECT id FROM inventory_stock WHERE sku_id = {sku}")
    assert (found.table, found.row, found.what, found.found) == ("inventory_stock", stock, "reserved", str(units))
    assert "closed" in sql or "DELETE" in sql or row in found.detail["reservations"]


def test_units_from_nowhere_break_the_zero_sum(busy: Shop) -> None:
    corrupt("UPDATE inventory_level SET quantity = quantity + 5 WHERE id = (SELECT min(id) FROM inventory_level)")
    assert "zero_sum" in {d.what for d in prove().differences}


def run(*args: str) -> tuple[int, list[str]]:
    out = StringIO()
    code: object = 0
    try:
        call_command("prove_ledger", *args, stdout=out)
    except SystemExit as end:
        code = end.code
    return int(str(code or 0)), out.getvalue().splitlines()


@pytest.mark.parametrize("which", [("--tenant", "acme"), ("--all",)], ids=["one", "all"])
def test_the_command_tells_the_number_last_and_by_exit_code(busy: Shop, which: tuple[str, ...]) -> None:
    code, lines = run(*which, "--json")
    assert code == 0 and json.loads(lines[-1])["differences"] == 0
    corrupt("UPDATE inventory_level SET quantity = quantity + 1 WHERE id = (SELECT min(id) FROM inventory_level)")
    code, lines = run(*which, "--json")
    assert code == 1 and json.loads(lines[-1])["differences"] == 2
    assert json.loads(lines[0])["table"] == "inventory_level"
    code, lines = run(*which)
    assert code == 1 and lines[-1].endswith("differences 2")
