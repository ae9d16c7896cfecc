"""Keys: told once, stored hashed, never more than their maker may, and every operation judged by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from api import scopes
from api.models import ApiKey
from api.services import keys
from api.v1.interface import interface
from core import clock
from core.errors import BusinessError, NotAllowed
from core.http import door
from core.permissions import CLERK, MANAGER, OWNER, Actor
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from tenants.models import Membership
from tests.api.conftest import EVERYTHING, Floor, Program, actor_of, good, member, problem, program
from tests.support.database import ACME, BETA

pytestmark = pytest.mark.django_db


def operations() -> list[Any]:
    """(method, path with ids, scope) of every operation that the description names."""
    found = []
    for path, methods in interface.get_openapi_schema(path_prefix="/")["paths"].items():
        address = path.replace("{order_id}", "1").replace("{customer_id}", "1").replace("{sku_id}", "1")
        for name in ("shipment_id", "conversation_id", "line_id", "job_id"):
            address = address.replace(f"{{{name}}}", "1")
        for method, one in methods.items():
            found.append(pytest.param(method, address, one.get("x-scope"), id=one["operationId"]))
    return found


def test_there_is_something_to_walk() -> None:
    walked = {param.id for param in operations()}
    assert {"list_orders", "put_skus", "hand_over", "answer_conversation", "cancel_job"} <= walked and len(walked) > 30
    assert all("{" not in param.values[1] for param in operations())
    assert [param.id for param in operations() if param.values[2] is None] == ["get_me"]
    assert {param.values[2] for param in operations()} - {None} <= scopes.ALL


@pytest.mark.parametrize(("method", "path", "scope"), operations())
def test_every_operation_asks_for_a_key_of_this_company_with_its_scope(
    method: str, path: str, scope: str | None, twins: Any
) -> None:
    nobody = Program("acme.localhost", "", ApiKey())
    problem(nobody.call(method, path, {}), 401, "api.key_missing")
    problem(Program("acme.localhost", "smp_abcdefgh_x", ApiKey()).call(method, path, {}), 401, "api.key_unknown")
    of_beta = program(BETA)
    good(of_beta.get("/me"))
    of_beta.host = "acme.localhost"
    problem(of_beta.call(method, path, {}), 401, "api.key_unknown")
    mine = program(ACME)
    with tenant_context(ACME):
        ApiKey.objects.filter(pk=mine.key.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    problem(mine.call(method, path, {}), 401, "api.key_expired")
    with tenant_context(ACME):
        ApiKey.objects.filter(pk=mine.key.pk).update(expires_at=None, revoked_at=clock.now())
    problem(mine.call(method, path, {}), 401, "api.key_was_revoked")
    if scope is not None:
        without = program(ACME, [one for one in EVERYTHING if one != scope])
        assert scope in problem(without.call(method, path, {}), 403, "api.scope_missing")["detail"]
    answer = program(ACME).call(method, path, {})
    assert answer.status_code not in (401, 403, 500), answer.content


def test_a_write_without_an_idempotency_key_is_refused() -> None:
    mine = program(ACME)
    writes = [param.values[:2] for param in operations() if param.values[0] != "get"]
    assert len(writes) > 12
    for method, path in writes:
        problem(mine.call(method, path, {}, mark=""), 400, "api.no_idempotency_key")
    problem(mine.call(*writes[0], {}, mark="x" * 121), 400, "api.bad_idempotency_key")


def test_there_is_no_interface_on_the_public_host() -> None:
    mine = program(ACME)
    for path in ("/api/v1/orders", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/me"):
        for host in ("localhost", "www.localhost"):
            given = {"HTTP_HOST": host, "HTTP_AUTHORIZATION": f"Bearer {mine.secret}"}
            assert Client().get(path, **given).status_code == 404


def test_a_key_is_stored_as_a_digest_only() -> None:
    mine = program(ACME)
    with tenant_context(ACME), connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM api_apikey k WHERE id = %s", [mine.key.pk])
        stored = cursor.fetchone()[0]
    tail = mine.secret.split("_", 2)[2]
    assert tail not in stored and mine.key.prefix in stored and mine.secret.startswith(mine.key.prefix)
    with tenant_context(ACME):
        assert tail not in str(list(AuditEntry.objects.values_list("params", flat=True)))


def test_a_key_never_has_more_than_its_maker() -> None:
    user, membership = member(ACME, MANAGER, accounts=[5], warehouses=[7, 8])
    maker = actor_of(user, membership)
    with tenant_context(ACME):
        made = keys.make(actor=maker, name="x", operations=["orders.view"])
        assert (made.key.accounts, made.key.warehouses) == ([5], [7, 8])
        assert keys.make(actor=maker, name="x", operations=["orders.view"], warehouses=[8]).key.warehouses == [8]
        for wrong in ({"accounts": [5, 6]}, {"warehouses": [9]}):
            with pytest.raises(BusinessError, match="key_beyond_maker"):
                keys.make(actor=maker, name="x", operations=["orders.view"], **wrong)
        poor = Actor("user", user.pk, "Li", frozenset({"api.keys", "orders.view"}))
        with pytest.raises(BusinessError, match="key_beyond_maker"):
            keys.make(actor=poor, name="x", operations=["orders.view", "orders.cancel"])
        with pytest.raises(NotAllowed):
            keys.make(
                actor=Actor("user", user.pk, "Li", frozenset({"orders.view"})), name="x", operations=["orders.view"]
            )
        for operation in ("tenants.drop", "api.keys", "nonsense"):
            with pytest.raises(BusinessError, match="key_unknown_scope"):
                keys.make(actor=maker, name="x", operations=[operation])


def test_when_the_makers_rights_shrink_so_do_the_keys(floor: Floor) -> None:
    mine = program(ACME, role=MANAGER)
    good(mine.get("/orders"))
    assert good(mine.get("/me"))["accounts"] is None
    place = Membership.objects.get(user_id=mine.key.maker_id)
    place.role, place.accounts = CLERK, [999_999]
    place.save()
    seen = good(mine.get("/me"))
    assert "fields.cost" not in seen["scopes"] and "orders.view" in seen["scopes"] and seen["accounts"] == [999_999]
    assert good(mine.get("/orders"))["items"] == []
    problem(mine.post("/stock/adjust", {}), 403, "api.scope_missing")
    place.active = False
    place.save()
    problem(mine.get("/orders"), 401, "api.key_maker_gone")


def test_changing_a_key_leaves_a_day_to_put_the_new_one_in() -> None:
    mine = program(ACME)
    user, membership = member(ACME, OWNER)
    with tenant_context(ACME):
        fresh = keys.rotate(actor=actor_of(user, membership), key_id=mine.key.pk)
    other = Program(mine.host, fresh.secret, fresh.key)
    good(mine.get("/me")), good(other.get("/me"))
    with tenant_context(ACME):
        old = ApiKey.objects.get(pk=mine.key.pk)
        assert timedelta(hours=23) < old.expires_at - clock.now() <= timedelta(hours=24)
        assert fresh.key.operations == old.operations and fresh.key.maker_id == user.pk
        keys.revoke(actor=actor_of(user, membership), key_id=old.pk)
        keys.revoke(actor=actor_of(user, membership), key_id=old.pk)  # twice does no harm
        assert AuditEntry.objects.filter(kind="api_key", object_id=old.pk, code="api.key_taken_back").count() == 1
        with pytest.raises(BusinessError, match="key_revoked"):
            keys.rotate(actor=actor_of(user, membership), key_id=old.pk)
    problem(mine.get("/me"), 401, "api.key_was_revoked")
    good(other.get("/me"))


def test_use_is_written_seldom() -> None:
    mine = program(ACME)
    good(mine.get("/me"))
    with tenant_context(ACME):
        first = ApiKey.objects.get(pk=mine.key.pk).last_used_at
        assert first is not None
    good(mine.get("/me"))
    with tenant_context(ACME):
        assert ApiKey.objects.get(pk=mine.key.pk).last_used_at == first
        ApiKey.objects.filter(pk=mine.key.pk).update(last_used_at=clock.now() - timedelta(hours=1))
    good(mine.get("/me"))
    with tenant_context(ACME):
        assert ApiKey.objects.get(pk=mine.key.pk).last_used_at > first


def test_too_many_calls_are_told_when_to_come_again() -> None:
    mine, other = program(ACME, per_minute=30), program(ACME, per_minute=30)
    answers = [mine.get("/me") for _ in range(8)]
    refused = [one for one in answers if one.status_code == 429]
    assert [one.status_code for one in answers[:5]] == [200] * 5 and refused
    problem(refused[0], 429, "api.too_many")
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 3
    good(other.get("/me"))  # each key has its own bucket


def test_buckets_are_shared_by_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is the house's own, in Valkey (tests/core/test_http.py); here: the key's name and rate are what it asks."""
    asked: list[tuple[Any, ...]] = []

    def take(*given: Any) -> float:
        asked.append(given)
        return 0.0

    monkeypatch.setattr(door.budget, "take", take)
    mine = program(ACME, per_minute=120)
    good(mine.get("/me"))
    assert asked == [("api", f"{ACME}:{mine.key.pk}", "all", (2.0, 20.0))]


def test_what_a_program_did_is_not_what_the_user_of_the_same_number_did(floor: Floor) -> None:
    mine = program(ACME)
    good(mine.post("/orders/hold", {"ids": [floor.orders[0]], "note": "count"}))
    with floor.inside():
        entry = AuditEntry.objects.get(kind="order", object_id=floor.orders[0], code="order.held")
        assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("api", -mine.key.pk, "Shop sync")
