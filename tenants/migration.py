"""The migrations of the tenants' apps: which there are, whether a schema has them all, and running them in one schema."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.tenancy import tenant_context

COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def tenant_labels() -> list[str]:
    """Labels of the apps whose tables stand in every tenant's schema, in the order of the settings."""
    label_of = {config.name: config.label for config in apps.get_app_configs()}
    return [label_of[name] for name in settings.TENANT_APPS]


def files() -> list[tuple[str, Path]]:
    """(app label, file) of every migration of the tenants' apps on disk, sorted."""
    found = []
    for label in tenant_labels():
        folder = Path(apps.get_app_config(label).path) / "migrations"
        found += [(label, file) for file in folder.glob("*.py") if not file.name.startswith("_")]
    return sorted(found, key=lambda pair: (pair[0], pair[1].name))


def head() -> str:
    """Digest of the names of all migrations: what ``Tenant.migration_head`` holds when a schema is up to date."""
    names = "\n".join(f"{label}.{file.stem}" for label, file in files())
    return hashlib.sha256(names.encode()).hexdigest()


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Digest of what the migrations say (comments left out): what the SQL template was built from."""
    digest = hashlib.sha256()
    for label, file in files():
        text = COMMENT.sub("", file.read_text(encoding="utf-8"))
        digest.update(f"{label}.{file.stem}\0{text}\0".encode())
    return digest.hexdigest()


@contextmanager
def only_one(schema: str) -> Iterator[None]:
    """Nobody else builds or migrates this schema meanwhile (a session lock of PostgreSQL, gone with the process)."""
    key = f"sampan:migrate:{schema}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def run(schema: str) -> list[str]:
    """Run what the schema lacks, each migration in a transaction of its own; names of what was run.

    Only the tenants' apps: what stands in ``public`` is no business of a tenant. Raises what the migration raises.
    """
    labels = set(tenant_labels())
    with tenant_context(schema):
        executor = MigrationExecutor(connection)
        executor.loader.check_consistent_history(connection)
        targets = sorted(key for key in executor.loader.graph.leaf_nodes() if key[0] in labels)
        plan = executor.migration_plan(targets)
        if plan:
            executor.migrate(targets, plan)
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]
