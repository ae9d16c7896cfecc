"""Opening, completing, migrating and dropping tenants; the SQL template is the migrations."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from config.launch.embedded import postgres_bin
from config.launch.places import ROOT
from core import files
from core.central.models import Due, Outbox
from core.clock import monotonic, now, sleep
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor, system
from core.records.models import AuditEntry
from core.secrets import decrypt, encrypt
from core.secrets.box import Unreadable
from core.tenancy import current_schema, tenant_context
from inventory.models import Warehouse
from tenants import isolation, migration, ports, services, template
from tenants.models import Domain, Membership, Tenant, User

ACTOR = system("tests")
GIVEN = {
    "name": "Gamma 株式会社",
    "schema": "t_gamma",
    "host": "Gamma.localhost",
    "owner_email": "Owner@Gamma.example",
    "password": "correct-horse-battery",
    "timezone": "Asia/Tokyo",
    "currency": "JPY",
    "language": "zh-hans",
    "actor": ACTOR,
}


def provision(**changes):
    return services.provision(**GIVEN | changes)


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_a_tenant_is_ready_for_work():
    tenant = provision()
    assert (tenant.state, tenant.migration_head) == (Tenant.ACTIVE, migration.head())
    assert Domain.objects.get(tenant=tenant).domain == "gamma.localhost"
    owner = User.objects.get(email="owner@gamma.example")
    assert owner.check_password("correct-horse-battery")
    assert Membership.objects.get(tenant=tenant).role == "owner"
    assert current_schema() == "public"
    with tenant_context("t_gamma"):
        Warehouse.objects.create(code="W", name="W")
        assert AuditEntry.objects.get().code == "tenants.opened"
        assert decrypt(encrypt(b"token")) == b"token"


@pytest.mark.django_db
def test_each_tenant_has_a_key_of_its_own(acme):
    provision()
    with tenant_context("t_gamma"):
        blob = encrypt(b"token")
    with tenant_context(acme), pytest.raises(Unreadable):
        decrypt(blob)


@pytest.mark.django_db
def test_the_same_call_again_gives_the_same_tenant():
    first = provision()
    again = provision(password="another-password-1")
    assert again.pk == first.pk
    assert Tenant.objects.filter(schema_name="t_gamma").count() == 1
    assert Membership.objects.filter(tenant=first).count() == 1
    assert User.objects.get(email="owner@gamma.example").check_password("correct-horse-battery")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schema": "gamma"}, "tenants.bad_schema"),
        ({"schema": 't_a"; DROP SCHEMA public'}, "tenants.bad_schema"),
        ({"schema": "t_" + "a" * 60}, "tenants.bad_schema"),
        ({"host": "gam ma.localhost"}, "tenants.bad_address"),
        ({"host": "localhost"}, "tenants.bad_address"),
        ({"name": "  "}, "tenants.bad_name"),
        ({"timezone": "Mars/Olympus"}, "tenants.bad_timezone"),
        ({"currency": "XXZ"}, "tenants.bad_currency"),
        ({"language": "fr"}, "tenants.bad_language"),
        ({"schema": "t_acme"}, "tenants.address_taken"),
        ({"host": "acme.localhost"}, "tenants.address_taken"),
        ({"schema": "t_acme", "host": "acme.localhost"}, "tenants.address_taken"),
    ],
)
def test_what_is_refused(changes, code):
    before = schemas()
    with pytest.raises(BusinessError) as refused:
        provision(**changes)
    assert refused.value.code == code
    assert schemas() == before
    assert not User.objects.filter(email="owner@gamma.example").exists()


@pytest.mark.django_db
def test_what_was_interrupted_is_completed(monkeypatch):
    """Killed between the two transactions: the tenant is claimed, nobody gets in, the next run completes it."""

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tenants.services.provisioning.run_setup_steps", die)
        with pytest.raises(KeyboardInterrupt):
            provision()
    assert Tenant.objects.get(schema_name="t_gamma").state == Tenant.PROVISIONING
    assert "t_gamma" not in schemas()
    call_command("setup", stdout=StringIO())
    assert Tenant.objects.get(schema_name="t_gamma").state == Tenant.ACTIVE
    with tenant_context("t_gamma"):
        assert Warehouse.objects.count() == 0


@pytest.mark.django_db
def test_a_stale_template_falls_back_to_migrations_in_development_only(monkeypatch, settings, caplog):
    monkeypatch.setattr(template, "made_from", lambda: "other")
    settings.TEMPLATE_REQUIRED = True
    with pytest.raises(BusinessError) as refused:
        provision()
    assert refused.value.code == "tenants.template_stale"
    settings.TEMPLATE_REQUIRED = False
    assert provision().state == Tenant.ACTIVE
    assert "build_template" in caplog.text
    with tenant_context("t_gamma"):
        assert Warehouse.objects.count() == 0


@pytest.mark.django_db
def test_setup_steps_run_in_the_new_tenant(monkeypatch):
    monkeypatch.setattr(ports, "_steps", {})
    ports.setup_step("inventory.first")(lambda actor: Warehouse.objects.create(code="FIRST", name=actor.label))
    provision()
    with tenant_context("t_gamma"):
        assert Warehouse.objects.get().code == "FIRST"
    with pytest.raises(ValueError):
        ports.setup_step("inventory.first")(lambda actor: None)


@pytest.mark.django_db
def test_a_dropped_tenant_leaves_nothing(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    tenant = provision()
    with tenant_context("t_gamma"):
        label = files.store("label", "label.pdf", b"%PDF- Hannah Weiss", files.PDF, "logistics.label")
    with tenant_context("t_acme"):
        other = files.store("label", "label.pdf", b"%PDF- of acme", files.PDF, "logistics.label")
    assert (tmp_path / label.path).exists()
    times = {"created_at": now(), "available_at": now()}
    Outbox.objects.create(schema="t_gamma", event="x", handler="y", payload={}, **times)
    Due.objects.create(schema="t_gamma", job="x", every=60, due_at=now())
    with pytest.raises(NotAllowed):
        services.drop_tenant(schema="t_gamma", actor=Actor(kind="user", id=1, label="clerk"))
    call_command("drop_tenant", "t_gamma", yes=True, stdout=StringIO())
    assert "t_gamma" not in schemas()
    for rows in (
        Tenant.objects.filter(pk=tenant.pk),
        Membership.objects.filter(tenant_id=tenant.pk),
        Outbox.objects.filter(schema="t_gamma"),
        Due.objects.filter(schema="t_gamma"),
    ):
        assert not rows.exists()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [other.path]
    assert not (tmp_path / label.path).parent.exists()
    with pytest.raises(CommandError):
        call_command("drop_tenant", "t_gamma", yes=True)
    assert provision().pk != tenant.pk


def test_the_template_is_the_migrations(committed_db):
    """The committed file, replayed, gives the very schema that the migrations give; and the file is up to date."""
    assert template.is_current(), "tenants/schema_template.sql is stale: run `manage.py build_template` and commit it"
    built = template.build(pg_dump=str(postgres_bin("pg_dump")))
    committed = template.PATH.read_text(encoding="utf-8")
    if built != committed:
        lines = difflib.unified_diff(committed.splitlines(), built.splitlines(), "committed", "migrations", lineterm="")
        pytest.fail("\n".join(lines))
    template.replay("t_replayed")
    replayed = template.dump("t_replayed", pg_dump=str(postgres_bin("pg_dump")))
    assert as_parsed(replayed) == as_parsed(built.partition("\n")[2])


def as_parsed(sql: str) -> str:
    """PostgreSQL writes ``state IN ('a', 'b')`` of varchars in another way after it has read its own text once."""
    return re.sub(r"\(('\w+'::character varying)\)::text|\((ARRAY\[[^]]*\])\)::text\[\]", r"\1\2", sql)


def test_the_dump_is_cleaned_outside_of_functions_only():
    raw = "\n".join(
        [
            "SET statement_timeout = 0;",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "CREATE SCHEMA zz;",
            "CREATE FUNCTION zz.f() RETURNS trigger",
            "    AS $$",
            "SET x = 1;",
            "-- stays",
            "$$;",
            "-- goes",
            "INSERT INTO zz.django_migrations (id, applied) VALUES",
            "\t(1, '2026-11-21 18:59:31.5+00'),",
            "\t(2, '2026-11-21 18:59:31+00');",
            "INSERT INTO zz.other VALUES ('2026-11-21 18:59:31+00');",
            "SELECT pg_catalog.setval('zz.a_seq', 1, false);",
            "SELECT pg_catalog.setval('zz.b_seq', 7, true);",
        ]
    )
    cleaned = template.clean(raw, "zz").splitlines()
    assert cleaned == [
        "CREATE FUNCTION f() RETURNS trigger",
        "    AS $$",
        "SET x = 1;",
        "-- stays",
        "$$;",
        "INSERT INTO django_migrations (id, applied) VALUES",
        f"\t(1, '{template.APPLIED}'),",
        f"\t(2, '{template.APPLIED}');",
        "INSERT INTO other VALUES ('2026-11-21 18:59:31+00');",
        "SELECT pg_catalog.setval('b_seq', 7, true);",
    ]


# -- migrate_tenants


def migrate() -> dict:
    out = StringIO()
    try:
        call_command("migrate_tenants", json=True, stdout=out)
    except CommandError as error:
        return json.loads(out.getvalue()) | {"refused": str(error)}
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_nothing_to_do_is_one_statement():
    with CaptureQueriesContext(connection) as queries:
        assert services.migrate_tenants(actor=ACTOR) == []
    assert len([one for one in queries if "SET search_path" not in one["sql"]]) == 1


@pytest.mark.django_db
def test_who_is_behind_is_brought_up_to_date(acme, beta):
    Tenant.objects.filter(schema_name=beta).update(migration_head="older")
    with tenant_context(beta):
        executor = MigrationExecutor(connection)
        graph = executor.loader.graph
        # A migration that nothing stands on can be taken back alone.
        last, before = next(
            (key, parent.key)
            for key in graph.leaf_nodes()
            if key[0] in migration.tenant_labels() and not graph.node_map[key].children
            for parent in graph.node_map[key].parents
            if parent.key[0] == key[0]
        )
        executor.migrate([before])
    result = migrate()
    assert [(one["schema"], one["applied"], one["error"]) for one in result["outcomes"]] == [
        (beta, [".".join(last)], "")
    ]
    assert Tenant.objects.get(schema_name=beta).migration_head == migration.head()
    assert migrate()["outcomes"] == []


@pytest.fixture
def failing(monkeypatch):
    """Migrations of the named schemas fail; gives the order in which tenants were tried."""
    bad: set[str] = set()
    tried: list[str] = []
    run = migration.run

    def attempt(schema: str) -> list[str]:
        tried.append(schema)
        if schema in bad:
            raise RuntimeError("disk on fire")
        return run(schema)

    monkeypatch.setattr(migration, "run", attempt)
    return bad, tried


@pytest.mark.django_db
def test_a_failed_tenant_is_paused_and_the_others_go_on(failing, acme, beta):
    bad, tried = failing
    provision()
    Tenant.objects.update(migration_head="older")
    bad.add(beta)
    result = migrate()
    assert tried == [acme, beta, "t_gamma"]
    assert result["failed"] == 1
    assert beta in result["refused"]
    ill = Tenant.objects.get(schema_name=beta)
    assert (ill.state, ill.migration_error) == (Tenant.PAUSED, "RuntimeError: disk on fire")
    assert set(Tenant.objects.filter(state=Tenant.ACTIVE).values_list("schema_name", flat=True)) == {acme, "t_gamma"}
    bad.clear()
    assert [one["schema"] for one in migrate()["outcomes"]] == [beta]
    ill.refresh_from_db()
    assert (ill.state, ill.migration_error) == (Tenant.ACTIVE, "")


@pytest.mark.django_db
def test_a_failed_canary_stops_the_run(failing, acme, beta):
    bad, tried = failing
    Tenant.objects.update(migration_head="older")
    bad.add(acme)
    assert migrate()["failed"] == 1
    assert tried == [acme]
    assert Tenant.objects.get(schema_name=beta).state == Tenant.ACTIVE
    # The next run tries those that are not known to be ill first, and the ill one after them.
    bad.add(beta)
    tried.clear()
    migrate()
    assert tried == [beta]


@pytest.mark.django_db
def test_a_tenant_paused_by_hand_stays_paused(acme):
    Tenant.objects.filter(schema_name=acme).update(state=Tenant.PAUSED, migration_head="older")
    assert migrate()["failed"] == 0
    assert Tenant.objects.get(schema_name=acme).state == Tenant.PAUSED


@pytest.mark.django_db
def test_a_killed_run_goes_on_where_it_was(failing, monkeypatch, acme, beta):
    _bad, tried = failing
    Tenant.objects.update(migration_head="older")

    def die(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.migrate_tenants(actor=ACTOR, report=die)
    services.migrate_tenants(actor=ACTOR)
    assert tried == [acme, beta]


@pytest.mark.django_db
def test_the_command_opens_a_tenant(monkeypatch):
    monkeypatch.setenv("PASSWORD", "correct-horse-battery")
    call_command("create_tenant", "blue-sea", owner="a@blue.example", stdout=StringIO())
    tenant = Tenant.objects.get(schema_name="t_blue_sea")
    assert Domain.objects.get(tenant=tenant).domain == "blue-sea.localhost"
    with pytest.raises(CommandError):
        call_command("create_tenant", "Blue Sea!", owner="a@blue.example")


# -- killed for real


@pytest.mark.kill
@pytest.mark.parametrize("moment", [0.02, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_kill_9_while_a_tenant_is_opened(committed_db, moment):
    """Killed at any moment, the same command again ends with one sound tenant."""
    env = os.environ | {"DATABASE_URL": committed_db.url, "PASSWORD": "correct-horse-battery"}
    command = [sys.executable, str(ROOT / "manage.py"), "create_tenant", "gamma", "--owner", "a@gamma.example"]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = monotonic() + 60
    # From the moment it has a connection of its own to the database.
    while process.poll() is None and not _busy(committed_db.name) and monotonic() < until:
        sleep(0.005)
    sleep(moment)
    process.kill()
    process.wait()
    while _busy(committed_db.name) and monotonic() < until:  # PostgreSQL notices
        sleep(0.02)
    state = Tenant.objects.filter(schema_name="t_gamma").values_list("state", flat=True).first()
    assert state in (None, Tenant.PROVISIONING, Tenant.ACTIVE)
    assert ("t_gamma" in schemas()) == (state == Tenant.ACTIVE)
    subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True)
    assert Tenant.objects.get(schema_name="t_gamma").state == Tenant.ACTIVE
    assert isolation.findings() == []
    with tenant_context("t_gamma"):
        assert AuditEntry.objects.filter(code="tenants.opened").count() == 1


def _busy(database: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [database]
        )
        row = cursor.fetchone()
        return bool(row and row[0])
