"""One database per test process, copied from a template that the first process builds (migrations plus two tenants)."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.env import database_from_url
from config.launch.places import ROOT

ACME, BETA = "t_acme", "t_beta"
TENANTS = {ACME: ("Acme", "acme.localhost"), BETA: ("Beta", "beta.localhost")}
PASSWORD = "correct-horse-battery"  # of owner@acme.localhost and owner@beta.localhost
KEPT_TEMPLATES = 3


@dataclass(frozen=True)
class WorkerDatabase:
    """This process's database. `url` is for processes that a test starts (web server, worker, command)."""

    admin_url: str
    name: str
    template: str

    @property
    def url(self) -> str:
        return database_url(self.admin_url, self.name)

    def lay(self) -> None:
        """Make the database anew from the template; every row that a test committed is gone."""
        with _admin(self.admin_url) as admin:
            _drop(admin, self.name)
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(self.name), sql.Identifier(self.template)
                )
            )

    def drop(self) -> None:
        with _admin(self.admin_url) as admin:
            _drop(admin, self.name)


@contextlib.contextmanager
def worker_database(admin_url: str) -> Iterator[WorkerDatabase]:
    """Build the template if nobody has, copy it, point Django at the copy, and remove the copy at the end."""
    from django.db import connection

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    mine = WorkerDatabase(admin_url, f"test_{os.getpid()}_{worker}", f"tpl_{fingerprint()}")
    # Open to the end: its shared lock keeps the template from being removed by newer ones.
    with _admin(admin_url) as admin:
        _ensure_template(admin, mine)
        _drop_leftovers(admin)
        mine.lay()
        connection.close()
        _point_django_at(mine.url)
        try:
            yield mine
        finally:
            from django.db import connections

            connections.close_all()
            mine.drop()


def fingerprint() -> str:
    """Changes when the template would: models, migrations, settings, provisioning, this file, installed versions."""
    patterns = ["*/models.py", "*/models/*.py", "*/migrations/*.py", "core/*/models.py", "core/*/migrations/*.py"]
    patterns += ["tenants/**/*.py", "tenants/**/*.sql", "core/tenancy.py", "config/settings.py"]
    patterns += ["requirements.lock", "tests/support/database.py"]
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern) if ".venv" not in path.parts})
    digest = hashlib.sha256()
    for path in found:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def database_url(url: str, name: str) -> str:
    """The same server's address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def back_to_public() -> None:
    """Put this thread's connection to `public`, without asking the database."""
    from django.db import connection

    cast(Any, connection).set_schema_to_public()  # django-tenants' own, unknown to the stubs


def align_keys() -> None:
    """Set the sequences of both tenants to the same next value: rows made in the same order get the same primary keys.

    Sequences do not roll back with a test's transaction, so without this the two tenants drift apart.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT setval(format('%%I.%%I', each.schemaname, each.sequencename)::regclass, top.value)
              FROM pg_sequences each
              JOIN (SELECT sequencename, max(coalesce(last_value, 0)) + 1 AS value
                      FROM pg_sequences WHERE schemaname = ANY(%s) GROUP BY 1) top USING (sequencename)
             WHERE each.schemaname = ANY(%s)
            """,
            [list(TENANTS), list(TENANTS)],
        )


def _admin(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _lock(admin: psycopg.Connection, function: str, template: str) -> bool:
    query = sql.SQL("SELECT {}(hashtext({}))").format(sql.SQL(function), sql.Literal(template))
    row = admin.execute(query).fetchone()
    return bool(row and row[0] is not False)


def _ensure_template(admin: psycopg.Connection, mine: WorkerDatabase) -> None:
    # The first process builds, the others wait for that; not for those who use it, who keep their shared lock to the end.
    building = f"{mine.template}:building"
    _lock(admin, "pg_advisory_lock", building)
    _lock(admin, "pg_advisory_lock_shared", mine.template)
    exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [mine.template])
    if exists.fetchone() is None:
        _drop_old_templates(admin)
        _drop(admin, mine.template)
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(mine.template)))
        _point_django_at(database_url(mine.admin_url, mine.template))
        _fill()
        name = sql.Identifier(mine.template)
        admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(name))
    _lock(admin, "pg_advisory_unlock", building)


def _fill() -> None:
    from django.core.management import call_command
    from django.db import connection

    from core.permissions import system
    from tenants.services import provision

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    for schema, (name, host) in TENANTS.items():
        provision(
            name=name,
            schema=schema,
            host=host,
            owner_email=f"owner@{host}",
            password=PASSWORD,
            timezone="Asia/Shanghai",
            currency="CNY",
            language="en",
            actor=system("tests"),
        )
    connection.close()


def _drop_old_templates(admin: psycopg.Connection) -> None:
    found = admin.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'tpl\_%' ORDER BY oid DESC").fetchall()
    for (name,) in found[KEPT_TEMPLATES - 1 :]:
        if _lock(admin, "pg_try_advisory_lock", name):
            admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name)))
            _drop(admin, name)
            _lock(admin, "pg_advisory_unlock", name)


def _drop_leftovers(admin: psycopg.Connection) -> None:
    """Remove databases of test processes that were killed."""
    for (name,) in admin.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'test\_%\_%'").fetchall():
        pid = name.split("_")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _drop(admin, name)


def _point_django_at(url: str) -> None:
    from django.db import connections

    for connection in connections.all():
        connection.close()
    # In place: connections that other threads open later read the same dictionary.
    connections["default"].settings_dict.update(database_from_url(url))
