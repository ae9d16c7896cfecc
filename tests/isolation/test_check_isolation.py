"""``check_isolation`` finds every way in which tenants can touch, seeded by hand, and nothing where there is none."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.central.models import Due, Outbox
from core.clock import now
from tenants.models import Membership, Tenant, WebhookRoute

pytestmark = pytest.mark.django_db


def found() -> set[tuple[str, str, str]]:
    out = StringIO()
    try:
        call_command("check_isolation", json=True, stdout=out)
    except CommandError:
        pass
    else:
        assert json.loads(out.getvalue())["differences"] == 0
    return {(one["schema"], one["check"], one["where"]) for one in json.loads(out.getvalue())["findings"]}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_nothing_is_found_on_a_sound_database(acme, beta):
    assert found() == set()


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        (
            "ALTER TABLE t_acme.inventory_product ADD COLUMN who bigint CONSTRAINT away REFERENCES public.tenants_user",
            ("t_acme", "foreign_key", "inventory_product.away"),
        ),
        (
            "ALTER TABLE t_acme.inventory_lot ADD COLUMN x bigint CONSTRAINT over REFERENCES t_beta.inventory_sku",
            ("t_acme", "foreign_key", "inventory_lot.over"),
        ),
        (
            "ALTER TABLE t_acme.inventory_lot ADD COLUMN n bigint DEFAULT nextval('t_beta.inventory_lot_id_seq')",
            ("t_acme", "sequence", "inventory_lot"),
        ),
        (
            "CREATE TRIGGER away BEFORE UPDATE ON t_acme.inventory_sku FOR EACH ROW"
            " EXECUTE FUNCTION t_beta.sampan_append_only()",
            ("t_acme", "trigger", "inventory_sku.away"),
        ),
        (
            "CREATE FUNCTION t_acme.peep() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t_beta.inventory_sku'",
            ("t_acme", "function", "peep"),
        ),
        (
            "CREATE FUNCTION t_acme.moved() RETURNS int LANGUAGE sql SET search_path = t_beta AS 'SELECT 1'",
            ("t_acme", "function", "moved"),
        ),
        ("CREATE VIEW t_acme.window AS SELECT * FROM t_beta.inventory_sku", ("t_acme", "view", "window")),
        ("CREATE TABLE public.inventory_sku (id int)", ("public", "tables", "inventory_sku")),
        ("CREATE TABLE t_acme.extra (id int)", ("t_acme", "tables", "extra")),
        ("DROP TABLE t_acme.inventory_dailystock", ("t_acme", "tables", "inventory_dailystock")),
        ("CREATE SCHEMA t_nobody", ("t_nobody", "schema", "t_nobody")),
    ],
)
def test_what_crosses_in_the_catalogue_is_found(sql, finding):
    run(sql)
    assert finding in found()


def test_a_tenant_without_schema_is_found(acme):
    Tenant.objects.create(schema_name="t_ghost", name="Ghost", state=Tenant.ACTIVE, created_at=now())
    assert ("t_ghost", "schema", "t_ghost") in found()


def test_a_stranger_in_the_rows_is_found(acme, beta):
    theirs = Membership.objects.get(tenant__schema_name=beta).user_id
    ours = Membership.objects.get(tenant__schema_name=acme).user_id
    for user in (ours, theirs):
        run(
            "INSERT INTO t_acme.records_auditentry (at, actor_kind, actor_id, actor_label, kind, code, params)"
            f" VALUES (now(), 'user', {user}, 'x', 'x', 'x', '{{}}')"
        )
    assert found() == {("t_acme", "member", "records_auditentry.actor_id")}


def test_scopes_and_routes_that_lead_nowhere_are_found(acme):
    member = Membership.objects.get(tenant__schema_name=acme)
    Membership.objects.filter(pk=member.pk).update(accounts=[77], warehouses=[78])
    route = WebhookRoute.objects.create(platform="ebay", external_id="x", tenant=member.tenant, account_id=79)
    assert found() == {(acme, "scope", f"membership {member.pk}"), (acme, "route", f"route {route.pk}")}


def test_a_file_outside_the_tenants_folder_is_found(acme, beta):
    uid = {tenant.schema_name: tenant.uid for tenant in Tenant.objects.all()}
    for number, path in enumerate([f"t/{uid[acme]}/a", f"t/{uid[beta]}/b", f"t/{uid[acme]}/../{uid[beta]}/b"]):
        run(
            "INSERT INTO t_acme.records_storedfile (id, uid, kind, path, name, media_type, size, sha256, operation,"
            f" created_at) VALUES ({number}, gen_random_uuid(), 'label', '{path}', '', '', 1, '', '', now())"
        )
    assert found() == {("t_acme", "file", "file 1"), ("t_acme", "file", "file 2")}


def test_central_rows_of_nobody_are_found():
    Outbox.objects.create(schema="t_gone", event="x", handler="y", payload={}, created_at=now(), available_at=now())
    Due.objects.create(schema="t_gone", job="x", every=60, due_at=now())
    assert found() == {("t_gone", "central", "central_outbox"), ("t_gone", "central", "central_due")}
