"""Each hazard of a schema per tenant (architecture §6) is stopped, with two tenants that share primary keys."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from celery import shared_task
from django.db import ProgrammingError, connection, transaction
from django.db.models import Count, Q
from django.db.utils import ConnectionHandler

from core.errors import NoTenant, WrongTenant
from core.pool import reset_connection
from core.tenancy import current_schema, public_context, tenant_context
from inventory.models import Location, Warehouse
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def same_key(twins) -> int:
    """A warehouse in each tenant under the same primary key."""
    keys = []
    for schema in twins():
        with tenant_context(schema):
            row = Warehouse.objects.create(code=schema, name=f"of {schema}")
            Location.objects.create(warehouse=row, kind=Location.STOCK, code=f"bin of {schema}")
            keys.append(row.pk)
    assert keys[0] == keys[1]
    return keys[0]


def warehouse_of(schema: str, pk: int) -> Warehouse:
    with tenant_context(schema):
        return Warehouse.objects.get(pk=pk)


def test_a_lazy_queryset_is_not_read_under_another_tenant(acme, beta, same_key):
    with tenant_context(acme):
        lazy = Warehouse.objects.filter(pk=same_key)
    with tenant_context(beta):
        for read in (
            list,
            len,
            bool,
            repr,
            lambda rows: rows.get(),
            lambda rows: rows.first(),
            lambda rows: rows.count(),
            lambda rows: rows.exists(),
            lambda rows: rows.filter(code="x").order_by("pk").values_list("pk", flat=True)[0],
            lambda rows: list(rows.values("code")),
            lambda rows: list(rows.iterator()),
            lambda rows: rows.aggregate(n=Count("pk")),
            lambda rows: rows.in_bulk([same_key]),
            lambda rows: rows.update(name="x"),
            lambda rows: rows.delete(),
            lambda rows: rows.create(code="new", name="new"),
            lambda rows: rows.get_or_create(code="new"),
            lambda rows: rows.bulk_create([Warehouse(code="new", name="new")]),
            lambda rows: rows.explain(),
            lambda rows: list(rows | Warehouse.objects.all()),
            lambda rows: list(Location.objects.filter(warehouse__in=rows)),
            lambda rows: list(Location.objects.exclude(Q(warehouse__in=rows.values("pk")))),
        ):
            with pytest.raises(WrongTenant):
                read(lazy)
    with tenant_context(acme):
        assert lazy.get().code == acme


def test_what_was_read_may_be_looked_at_anywhere(acme, beta, same_key):
    with tenant_context(acme):
        rows = Warehouse.objects.filter(pk=same_key)
        assert len(rows) == 1
    with tenant_context(beta):
        assert [row.code for row in rows] == [acme]


def test_a_queryset_built_in_public_reads_the_current_tenant(acme, beta, same_key):
    built = Warehouse.objects.filter(pk=same_key)
    for schema in (acme, beta):
        with tenant_context(schema):
            assert built.all().get().code == schema


def test_tenant_tables_are_not_read_or_written_from_public(same_key):
    for act in (
        lambda: list(Warehouse.objects.all()),
        lambda: Warehouse.objects.count(),
        lambda: Warehouse.objects.create(code="x", name="x"),
        lambda: Warehouse(code="x", name="x").save(),
    ):
        with pytest.raises(NoTenant):
            act()
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inventory_warehouse")


def test_a_row_of_one_tenant_is_not_written_to_another(acme, beta, same_key):
    row = warehouse_of(acme, same_key)
    with tenant_context(beta):
        for act in (
            row.save,
            row.delete,
            row.refresh_from_db,
            lambda: Warehouse.objects.bulk_update([row], ["name"]),
            lambda: Warehouse.objects.bulk_create([row]),
            lambda: Location.objects.create(warehouse=row, kind="stock", code="y"),
            lambda: Location(warehouse=row, kind="stock", code="y").save(),
            lambda: Location.objects.bulk_create([Location(warehouse=row, kind="stock", code="y")]),
            lambda: Location.objects.update(warehouse=row),
        ):
            with pytest.raises(WrongTenant):
                act()
        assert Warehouse.objects.get(pk=same_key).name == f"of {beta}"


def test_an_unsaved_row_stays_with_its_tenant(acme, beta):
    with tenant_context(acme):
        fresh = Warehouse(code="fresh", name="fresh")
    with tenant_context(beta), pytest.raises(WrongTenant):
        fresh.save()


def test_a_row_of_one_tenant_does_not_lead_to_rows_of_another(acme, beta, same_key):
    row = warehouse_of(acme, same_key)
    with tenant_context(acme):
        place = Location.objects.get(warehouse=row)
    with tenant_context(beta):
        for act in (
            lambda: list(row.locations.all()),
            lambda: row.locations.count(),
            lambda: row.locations.create(kind="stock", code="z"),
            lambda: place.warehouse,
            lambda: list(Location.objects.filter(warehouse=row)),
            lambda: list(Location.objects.filter(Q(code="x") | Q(warehouse=row))),
            lambda: list(Location.objects.filter(warehouse__in=[row])),
            lambda: list(Location.objects.exclude(warehouse=row)),
            lambda: Location.objects.get(warehouse=row),
        ):
            with pytest.raises(WrongTenant):
                act()
    with tenant_context(acme):
        assert place.warehouse.code == acme
        assert [found.code for found in row.locations.all()] == [f"bin of {acme}"]


def test_raw_querysets_are_refused(acme):
    with tenant_context(acme), pytest.raises(TypeError):
        Warehouse.objects.raw("SELECT * FROM inventory_warehouse")


def test_a_cursor_kept_over_a_switch_is_refused(acme, beta, same_key):
    with tenant_context(acme):
        kept = connection.cursor()
        kept.execute("SELECT code FROM inventory_warehouse WHERE id = %s", [same_key])
        assert kept.fetchall() == [(acme,)]
    with tenant_context(beta), kept:
        for act in (
            lambda: kept.execute("SELECT 1"),
            lambda: kept.executemany("SELECT %s", [[1]]),
            lambda: kept.copy("COPY inventory_warehouse TO STDOUT"),
        ):
            with pytest.raises(WrongTenant):
                act()


def test_a_cursor_goes_on_in_its_tenant_after_others_had_their_turn(acme, beta, same_key):
    read = "SELECT code FROM inventory_warehouse WHERE id = %s"
    with tenant_context(acme), connection.cursor() as cursor:
        cursor.execute(read, [same_key])
        with tenant_context(beta):
            assert Warehouse.objects.get(pk=same_key).code == beta
        cursor.execute(read, [same_key])
        assert cursor.fetchall() == [(acme,)]


def test_the_path_is_right_after_a_rollback(acme, beta, same_key):
    with tenant_context(acme):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with tenant_context(beta):
                assert Warehouse.objects.get(pk=same_key).code == beta
                raise ZeroDivisionError
        assert current_schema() == acme
        assert Warehouse.objects.get(pk=same_key).code == acme


def test_a_server_side_cursor_goes_on_reading_its_tenant(acme, beta, same_key):
    with tenant_context(acme):
        Warehouse.objects.bulk_create([Warehouse(code=f"{acme}{n}", name="") for n in range(250)])
        rows = Warehouse.objects.order_by("pk").iterator(chunk_size=100)
        codes = [next(rows).code]
    with tenant_context(beta):
        assert Warehouse.objects.count() == 1
        codes += [row.code for row in rows]
    assert len(codes) == 251
    assert all(code.startswith(acme) for code in codes)


def test_with_tenant_is_refused(acme):
    # django-tenants keeps the former tenant on the class: two threads would restore each other's.
    tenant = Tenant.objects.get(schema_name=acme)
    with pytest.raises(TypeError):
        with tenant:
            pass
    with pytest.raises(NoTenant):
        with tenant_context("public"):
            pass


def test_the_context_is_restored_after_errors_and_nesting(acme, beta):
    with pytest.raises(ZeroDivisionError):
        with tenant_context(acme):
            with tenant_context(beta), public_context():
                assert current_schema() == "public"
            assert current_schema() == acme
            raise ZeroDivisionError
    assert current_schema() == "public"


def test_threads_do_not_see_each_others_tenant(acme, beta):
    seen: dict[str, set[str]] = {acme: set(), beta: set()}
    started = threading.Barrier(2, timeout=20)
    failures: list[BaseException] = []

    def work(schema: str) -> None:
        try:
            assert current_schema() == "public"  # a thread's connection begins there
            for _round in range(25):
                with tenant_context(schema):
                    started.wait()
                    seen[schema] |= {f"{current_schema()} {_database_schema()}"}
        except BaseException as error:
            failures.append(error)
            started.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(schema,)) for schema in (acme, beta)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert seen == {acme: {f"{acme} {acme}"}, beta: {f"{beta} {beta}"}}


def _database_schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        row = cursor.fetchone()
        assert row
        return str(row[0])


def test_a_pooled_connection_goes_back_without_its_tenant(acme):
    given = connection.settings_dict
    pooled = given | {
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            **given["OPTIONS"],
            "pool": {"min_size": 1, "max_size": 1, "timeout": 5, "reset": reset_connection},
        },
    }
    handler = ConnectionHandler({"default": pooled})
    first: Any = handler["default"]
    first.alias = "pooled"  # pools are kept by alias
    try:
        first.set_schema(acme)
        with first.cursor() as cursor:
            cursor.execute("SELECT current_schema(), current_setting('TimeZone')")
            assert cursor.fetchone() == (acme, "UTC")
        first.close()
        with first.pool.connection() as bare:
            row = bare.execute("SHOW search_path").fetchone()
            assert acme not in row[0]
            assert bare.execute("SHOW TimeZone").fetchone()[0] == "UTC"
    finally:
        first.close()
        first.close_pool()


# -- tasks

ran: list[str] = []


@shared_task(name="tests.isolation.tenant_task")
def tenant_task() -> None:
    ran.append(current_schema())


@shared_task(name="tests.isolation.central_task", central=True)  # type: ignore[call-overload]
def central_task() -> None:
    ran.append(current_schema())


def test_a_task_without_a_tenant_refuses_to_run(acme, beta):
    ran.clear()
    for headers in ({}, {"_schema_name": "public"}, {"_schema_name": ""}):
        with pytest.raises(NoTenant):
            tenant_task.apply_async(headers=headers)
    assert ran == []
    for schema in (acme, beta):
        with tenant_context(schema):
            tenant_task.delay()
    assert ran == [acme, beta]
    assert current_schema() == "public"


def test_a_task_runs_for_the_tenant_of_its_message(acme, beta):
    ran.clear()
    with tenant_context(beta):
        tenant_task.apply_async(headers={"_schema_name": acme})
        assert current_schema() == beta
    assert ran == [acme]


def test_a_central_task_runs_in_public_wherever_it_is_called(acme):
    ran.clear()
    central_task.delay()
    with tenant_context(acme):
        central_task.delay()
        assert current_schema() == acme
    assert ran == ["public", "public"]
