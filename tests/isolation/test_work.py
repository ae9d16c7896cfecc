"""Everything that works without a request: tasks, handlers of events, due jobs, runners of long jobs, commands, keys."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import get_commands
from django.db import transaction

from config.celery import app
from config.launch.places import ROOT
from core import events, files
from core.cache import tenant_key
from core.central import due
from core.errors import NoTenant, WrongTenant
from core.permissions import system
from core.records.models import StoredFile
from core.tenancy import current_schema, public_context, tenant_context
from tests.isolation import rows
from tests.support.network import barred

OURS = (
    "core",
    "tenants",
    "inventory",
    "channels",
    "logistics",
    "orders",
    "fulfilment",
    "crm",
    "fba",
    "api",
    "sandbox",
    "config",
)

# name of the task → how it is declared
TASKS = {
    "core.central.tick": "central",
    "core.central.drain": "central",
    "core.central.run_due": "central",
}

# our management commands → what they work on
COMMANDS = {
    "build_template": "a scratch schema",
    "check_isolation": "all tenants, reading",
    "create_tenant": "one named tenant",
    "drop_tenant": "one named tenant",
    "prove_erasure": "public, and one tenant or each in its context, reading",
    "prove_ledger": "one tenant, or each in its context, reading",
    "rehearse": "a fresh tenant of its own",
    "seed_demo": "the demo's tenant",
    "rotate_keys": "each tenant in its context",
    "migrate_tenants": "each tenant in its context",
    "setup": "each tenant in its context",
}


def our_tasks() -> dict[str, Any]:
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if name.startswith(tuple(f"{each}." for each in OURS))}


def test_every_task_is_known_and_declared():
    declared = {name: "central" if task.central else "tenant" for name, task in our_tasks().items()}
    assert declared == TASKS, "add or take out tasks in tests/isolation/test_work.py"


@pytest.mark.django_db
def test_tasks_of_tenants_refuse_to_run_without_one():
    for name, task in our_tasks().items():
        if not task.central:
            with pytest.raises(NoTenant):
                task.apply_async(headers={"_schema_name": "public"})
            assert task.name == name


def test_every_command_is_known():
    found = {name for name, where in get_commands().items() if str(where).startswith(OURS)}
    assert found == COMMANDS.keys(), "add or take out commands in tests/isolation/test_work.py"


# -- handlers and due jobs: run in one tenant, with the keys that the other has too, they leave the other untouched


def handlers() -> list[Any]:
    return [pytest.param(handler, id=name) for name, handler in sorted(events._by_name.items())]


def jobs() -> list[Any]:
    return [pytest.param(due._jobs[name], id=name) for name in due.registered()]


@pytest.fixture
def filled(acme, beta) -> tuple[str, str]:
    rows.fill(acme, "of acme")
    rows.fill(beta, "of beta")
    return acme, beta


def leaves_the_other_alone(both: tuple[str, str], act: Callable[[], object]) -> None:
    acme, beta = both
    before = rows.digest(beta)
    raised: Exception | None = None
    with tenant_context(acme), rows.unchecked(), barred():
        try:
            with transaction.atomic():
                act()
        except Exception as error:
            raised = error  # rows made of marks alone make little sense to most of them
    assert not isinstance(raised, NoTenant | WrongTenant), raised
    assert current_schema() == "public"
    assert rows.digest(beta) == before


@pytest.mark.django_db
@pytest.mark.parametrize("handler", handlers())
def test_a_handler_works_on_its_tenant_only(handler, filled):
    leaves_the_other_alone(filled, lambda: handler.call({"ids": [rows.KEY]}))


@pytest.mark.django_db
@pytest.mark.parametrize("job", jobs())
def test_a_due_job_works_on_its_tenant_only(job, filled):
    leaves_the_other_alone(filled, lambda: job(str(rows.KEY)))


# -- cache


def test_a_cache_key_belongs_to_its_tenant(acme, beta):
    with tenant_context(acme):
        cache.set("x", "of acme")
    with tenant_context(beta):
        assert cache.get("x") is None
        cache.set("x", "of beta")
    assert cache.get("x") is None
    with tenant_context(acme):
        assert cache.get("x") == "of acme"
        assert cache.get_many(["x"]) == {"x": "of acme"}


def test_counts_of_sign_ins_are_of_the_installation(acme):
    with tenant_context(acme):
        inside = tenant_key("allauth:rl:login", "", 1)
    with public_context():
        assert tenant_key("allauth:rl:login", "", 1) == inside


def test_nobody_goes_past_the_cache():
    """Whoever speaks to Valkey directly makes keys of its own: each of these modules is known to name the tenant."""
    known = {
        "core/cache.py",  # errors only; it goes through Django's cache, whose keys name the tenant
        "core/events.py",  # errors of the broker only
        "core/http/budget.py",  # application, account, operation
    }
    found = set()
    for package in OURS:
        for file in (ROOT / package).rglob("*.py"):
            name = str(file.relative_to(ROOT))
            if name.startswith(("sandbox/", "config/launch/")):
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if any(each.split(".")[0] in ("redis", "valkey", "kombu") for each in imported):
                    found.add(name)
    assert found <= known, "does its key name the tenant or the account? then add it here"


def test_a_lock_belongs_to_its_tenant():
    """An advisory lock is the database's: one without the tenant in its name makes a company wait for another's work."""
    of_the_installation = {"tenants/migration.py"}  # one migration of a schema at a time, named by the schema
    found = 0
    for package in OURS:
        for file in (ROOT / package).rglob("*.py"):
            lines = file.read_text().splitlines()
            for at, line in enumerate(lines):
                if "pg_advisory" in line or "pg_try_advisory" in line:
                    near = " ".join(lines[max(0, at - 4) : at + 3])
                    named = "current_schema()" in near or "require_tenant()" in near
                    assert named or str(file.relative_to(ROOT)) in of_the_installation, f"{file}:{at + 1}"
                    found += 1
    assert found > 8


# -- files


@pytest.mark.django_db
def test_a_file_lies_in_the_folder_of_its_tenant(acme, beta, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    kept = {}
    for schema in (acme, beta):
        with tenant_context(schema):
            kept[schema] = files.store("attachment", "a.txt", schema.encode(), "text/plain", "orders.see")
            assert kept[schema].path.startswith(f"{files.folder()}/")
    assert kept[acme].path.split("/")[1] != kept[beta].path.split("/")[1]
    with tenant_context(beta):
        assert files.visible(system("test"), kept[acme].uid) is None
        assert not StoredFile.objects.filter(path=kept[acme].path).exists()
    with tenant_context(acme):
        assert files.read(kept[acme]) == acme.encode()
