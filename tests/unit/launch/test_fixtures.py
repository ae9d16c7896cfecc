"""The fixtures that every other test stands on."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any, cast

import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from core.tenancy import current_schema, tenant_context
from tenants.models import Domain, Tenant
from tests.support.network import NetworkBarred


@pytest.mark.django_db
def test_two_tenants_stand_in_the_template():
    assert set(Domain.objects.values_list("domain", "tenant__schema_name")) == {
        ("acme.localhost", "t_acme"),
        ("beta.localhost", "t_beta"),
    }


@pytest.mark.django_db
def test_a_schema_left_open_by_one_test(acme):
    cast(Any, connection).set_schema(acme)
    assert current_schema() == acme


@pytest.mark.django_db
def test_does_not_reach_the_next():
    assert current_schema() == "public"


def _rows(committed_db) -> int:
    """Counted by another process, which sees only what was committed."""
    import psycopg

    with psycopg.connect(committed_db.url) as other:
        row = other.execute("SELECT count(*) FROM tenants_tenant").fetchone()
        assert row is not None
        return row[0]


def test_committed_rows_are_seen_by_others(committed_db):
    Tenant.objects.filter(schema_name="t_beta").update(name="Committed")
    Domain.objects.filter(domain="beta.localhost").delete()
    assert not connection.in_atomic_block
    assert _rows(committed_db) == 2


def test_and_are_gone_in_the_next_test(committed_db):
    assert Domain.objects.filter(domain="beta.localhost").exists()
    assert not Tenant.objects.filter(name="Committed").exists()


@pytest.mark.django_db
def test_twins_share_primary_keys(twins):
    table = "zz_twin"
    for schema in ("t_acme", "t_beta"):
        with tenant_context(schema), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {schema}.{table} (id bigserial primary key, word text)")
    with tenant_context("t_acme"), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (word) VALUES ('drifts'), ('apart')")
    ids = []
    for schema in twins():
        with tenant_context(schema), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} (word) VALUES (%s) RETURNING id", [schema])
            ids.append(cursor.fetchone()[0])
    assert ids[0] == ids[1] > 2


@pytest.mark.django_db
def test_a_tenants_table_is_not_found_from_public(acme):
    with tenant_context(acme), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {acme}.zz_hidden (id int)")
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM zz_hidden")


def test_no_network_bars_look_ups_and_connections(no_network):
    with pytest.raises(NetworkBarred):
        socket.getaddrinfo("example.com", 443)
    with pytest.raises(NetworkBarred), socket.socket() as client:
        client.connect(("127.0.0.1", 9))
    assert len(no_network) == 2
    no_network.clear()


def test_swallowed_attempts_fail_too(pytester_run):
    result = pytester_run(
        """
        import socket
        def test_swallows(no_network):
            try:
                socket.create_connection(("127.0.0.1", 9))
            except RuntimeError:
                pass
        """
    )
    assert result.returncode == 1
    assert "connections were attempted" in result.stdout


def test_transactional_tests_are_refused(pytester_run):
    result = pytester_run(
        """
        import pytest
        @pytest.mark.django_db(transaction=True)
        def test_flushes(): pass
        """
    )
    assert result.returncode == 4
    assert "committed_db" in result.stderr


@pytest.fixture
def pytester_run(tmp_path):
    """Runs a file of tests in a pytest of its own, with the fixtures of this project."""

    def run(source: str) -> subprocess.CompletedProcess[str]:
        import textwrap

        from config.launch.places import ROOT

        (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
        (tmp_path / "test_it.py").write_text(textwrap.dedent(source))
        command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
        command += ["-q", str(tmp_path / "test_it.py")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    return run
