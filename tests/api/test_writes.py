"""Every write happens once: answers are kept, other bodies refused, concurrent ones told to wait, kills survived."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from api.models import KeptAnswer
from api.services import keys
from config.launch.places import ROOT
from core import clock
from core.central import due
from core.tenancy import tenant_context
from inventory.models import Move, Reservation, Stock
from orders.models import Order
from tests.api.conftest import Floor, Program, actor_of, good, make, member, problem, program
from tests.support.database import ACME, BETA, WorkerDatabase


def lamp(floor: Floor) -> int:
    return int(floor.shop.skus["LAMP"].pk)


def receipt(floor: Floor, quantity: int = 5) -> dict[str, Any]:
    line = {"sku_id": lamp(floor), "quantity": quantity, "unit_cost": {"amount": "2.50", "currency": "CNY"}}
    return {"warehouse_id": floor.shop.warehouse.pk, "lines": [line]}


@pytest.mark.django_db
def test_the_same_write_again_gives_the_first_answer_and_does_nothing(floor: Floor) -> None:
    mine = program()
    first = mine.post("/stock/receive", receipt(floor), mark="delivery-17")
    again = mine.post("/stock/receive", receipt(floor), mark="delivery-17")
    assert good(first) == good(again) and again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    with floor.inside():
        assert Move.objects.filter(source_kind="receipt", quantity=5).count() == 1
    problem(mine.post("/stock/receive", receipt(floor, 6), mark="delivery-17"), 422, "api.key_of_other_request")
    problem(mine.post("/stock/opening", receipt(floor), mark="delivery-17"), 422, "api.key_of_other_request")
    assert good(mine.post("/stock/receive", receipt(floor), mark="delivery-18")) != good(first)
    other = program()  # another program's marks are its own
    assert good(other.post("/stock/receive", receipt(floor), mark="delivery-17")) != good(first)


@pytest.mark.django_db
def test_an_answer_is_kept_sealed_and_for_a_day(floor: Floor) -> None:
    mine = program()
    receiver = {
        "name": "Yuki Planted",
        "lines": ["1-2-3 Ebisu"],
        "city": "Tokyo",
        "postcode": "150-0013",
        "country": "JP",
    }
    body = {"receiver": receiver, "items": [{"sku_id": lamp(floor), "quantity": 1}], "currency": "EUR"}
    made = good(mine.post("/orders", body, mark="m"), 201)
    with floor.inside():
        changed = {"version": Order.objects.get(pk=made["id"]).version, "receiver": receiver | {"name": "Yuki Second"}}
    good(mine.put(f"/orders/{made['id']}/address", changed, mark="n"))
    with floor.inside(), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(k::text, '|') FROM api_keptanswer k")
        assert "Yuki" not in cursor.fetchone()[0]
        due._jobs["api.purge"]("")
        assert KeptAnswer.objects.count() == 2
        KeptAnswer.objects.update(purge_at=clock.now() - timedelta(seconds=1))
    assert "Idempotency-Replayed" not in mine.put(f"/orders/{made['id']}/address", changed, mark="n").headers
    with floor.inside():
        due._jobs["api.purge"]("")
        assert KeptAnswer.objects.count() == 0


@pytest.mark.django_db
def test_a_changed_key_is_the_same_program(floor: Floor) -> None:
    mine = program()
    first = good(mine.post("/stock/receive", receipt(floor), mark="d"))
    user, membership = member(ACME)
    with floor.inside():
        fresh = keys.rotate(actor=actor_of(user, membership), key_id=mine.key.pk)
        again = keys.rotate(actor=actor_of(user, membership), key_id=fresh.key.pk)
    for made in (fresh, again):
        answer = Program(mine.host, made.secret, made.key).post("/stock/receive", receipt(floor), mark="d")
        assert good(answer) == first and answer.headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_a_refused_write_keeps_nothing_and_may_be_asked_again(floor: Floor) -> None:
    mine = program()
    body = {"reference": "R1", "lines": [{"sku_id": lamp(floor), "quantity": 900_000}]}
    problem(mine.post("/reservations", body, mark="r"), 422, "api.not_enough")
    with floor.inside():
        assert KeptAnswer.objects.count() == 0
        Stock.objects.filter(sku=lamp(floor)).update(sellable=1_000_000)
    good(mine.post("/reservations", body, mark="r"), 201)
    problem(mine.post("/reservations", body, mark="r2"), 409, "api.reference_taken")
    assert good(mine.post("/reservations/release", {"reference": "R1"}))["released"] == 1
    problem(mine.post("/reservations/release", {"reference": "R1"}), 404, "hold.not_found")
    with floor.inside():
        assert Reservation.objects.filter(owner_kind="api", closed_at=None).count() == 0


@pytest.mark.django_db
def test_marks_of_two_companies_do_not_meet(twins: Any, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    twins()
    for schema in (ACME, BETA):
        with tenant_context(schema):
            floor = make(schema)
        answer = program(schema).post("/stock/receive", receipt(floor), mark="one")
        assert good(answer)["moves"] and "Idempotency-Replayed" not in answer.headers
        with tenant_context(schema):
            assert KeptAnswer.objects.count() == 1


def test_of_two_equal_writes_at_once_one_acts(committed_db: WorkerDatabase, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        floor = make(ACME)
    mine = program()
    answers: list[Any] = []
    begun = threading.Barrier(6)

    def ask() -> None:
        begun.wait()
        answers.append(Program(mine.host, mine.secret, mine.key).post("/stock/receive", receipt(floor), mark="same"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    done = [one for one in answers if one.status_code == 200]
    assert done and {one.content for one in done} == {done[0].content}
    for one in answers:
        if one.status_code != 200:
            problem(one, 409, "api.same_key_running")
            assert one.headers["Retry-After"] == "1"
    with tenant_context(ACME):
        assert Move.objects.filter(source_kind="receipt", quantity=5).count() == 1
        assert KeptAnswer.objects.count() == 1
        # whoever holds the mark is told apart from whoever asks meanwhile, deterministically:
        with transaction.atomic():
            from api.door import _alone

            assert _alone(mine.key, "held")
            answer: list[Any] = []

            def meanwhile() -> None:
                program_ = Program(mine.host, mine.secret, mine.key)
                answer.append(program_.post("/stock/receive", receipt(floor), mark="held"))
                connections.close_all()

            thread = threading.Thread(target=meanwhile)
            thread.start()
            thread.join()
            problem(answer[0], 409, "api.same_key_running")


KILLED = """
import json, os, signal, sys
import django
django.setup()
from django.conf import settings
settings.MEDIA_ROOT, point, secret, body = sys.argv[1:5]
from django.test import Client
from api import door
from django.db import transaction

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

if point == "before":      # acted, the answer not kept yet
    door._keep = die
if point == "kept":        # acted and kept, not committed
    real = door._keep
    def keep(*args):
        real(*args)
        die()
    door._keep = keep
if point == "committed":   # all committed, the answer never leaves
    real = door._once
    def once(*args):
        real(*args)
        die()
    door._once = once
answer = Client().generic("POST", "/api/v1/stock/receive", body, content_type="application/json", HTTP_HOST="acme.localhost",
    HTTP_AUTHORIZATION=f"Bearer {secret}", HTTP_IDEMPOTENCY_KEY="killed")
print(answer.status_code, answer.headers.get("Idempotency-Replayed", ""))
"""


@pytest.mark.kill
def test_killed_between_act_and_answer_the_repetition_acts_once(
    committed_db: WorkerDatabase, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        floor = make(ACME)
    import json

    def run(point: str, mine: Program) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": committed_db.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        args = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            KILLED,
            str(tmp_path),
            point,
            mine.secret,
            json.dumps(receipt(floor)),
        ]
        return subprocess.run(args, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    for number, point in enumerate(("before", "kept", "committed"), 1):
        mine = program()
        assert run(point, mine).returncode == -9
        with tenant_context(ACME):
            written = Move.objects.filter(source_kind="receipt", quantity=5).count()
            assert written == (number if point == "committed" else number - 1)
        again = run("", mine)
        assert again.stdout.split() == (["200", "true"] if point == "committed" else ["200"]), again.stderr[-2000:]
        with tenant_context(ACME):
            assert Move.objects.filter(source_kind="receipt", quantity=5).count() == number
            assert Stock.objects.get(sku=lamp(floor)).sellable == 1000 + 5 * number
