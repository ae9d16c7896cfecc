"""Fixtures of every test. The real PostgreSQL always; rows of a normal test are rolled back, nothing is mocked.

`django_db` (mark)   a transaction on this process's database that is rolled back; schema is public at the start
`committed_db`       real commits (threads, processes, `on_commit`); the database is laid anew afterwards
`acme`, `beta`       schema names of two tenants; `twins` lets rows made in both get the same primary keys
`no_network`         any attempt to look up or reach an address fails the test

Never `django_db(transaction=True)`, `transactional_db`, `live_server`: their flush empties public, tenants included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from config.launch.places import ROOT
from tests.support import cluster, database
from tests.support.browser import chromium
from tests.support.network import barred

SHARED = ROOT.parent / "shared"
LONG = ("tests/sandbox/", "tests/browser/", "tests/api/test_schemathesis", "tests/core/test_kill")
AGAIN = "second try"  # property of a report: why the first one failed
FORBIDDEN = {"transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}


# A loaded machine is slow, which is no finding.
hypothesis.settings.register_profile(
    "sampan",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("sampan")


def pytest_configure() -> None:
    # Before any connection is made. Each process counts and caches alone, so tests do not meet in a shared cache.
    settings.CACHES["default"] = settings.CACHES["default"] | {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": f"test-{os.getpid()}",
    }
    settings.MENU_COUNTS_SECONDS = 0  # tests/ui/test_menu_counts.py turns it on
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    no_shared = None if SHARED.is_dir() else pytest.mark.skip(reason="no reference material beside the checkout")
    no_browser = None if chromium() else pytest.mark.skip(reason="no Chromium on this machine")
    for item in items:
        for name, skip in (("shared", no_shared), ("browser", no_browser)):
            if skip and item.get_closest_marker(name):
                item.add_marker(skip)
        marker = item.get_closest_marker("django_db")
        used = FORBIDDEN.intersection(getattr(item, "fixturenames", ()))
        if used or (marker and (marker.kwargs.get("transaction") or any(marker.args))):
            raise pytest.UsageError(f"{item.nodeid}: no transactional tests here, use the fixture committed_db.")
        if marker and "committed_db" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid}: committed_db goes without the mark django_db.")
    # What waits for browsers and processes comes first, so that no worker is left with it alone at the end.
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    # xdist needs the same names in every process; whole payloads with the time of day in them are not, nor readable.
    return argname if isinstance(val, (str, bytes)) and len(val) > 40 else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A browser test that fails is tried once more, as a loaded machine's browser can keep anything waiting too long.

    Nothing is hushed up: the run's last lines name it with what went wrong, which wants to be looked at.
    """
    if not (isinstance(item, pytest.Function) and item.get_closest_marker("browser")):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failed = [report for report in reports if report.failed]
    if failed:
        item._initrequest()  # as plugins that repeat tests do: fixtures are made anew
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in reports:
            report.user_properties.append((AGAIN, failed[0].longreprtext[-1500:]))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == AGAIN and report.when == "call":
                terminalreporter.write_line(f"passed at the second try only: {report.nodeid}\n{text}")
    skipped = terminalreporter.stats.get("skipped", [])
    for name in ("shared", "browser"):
        left_out = sum(1 for report in skipped if name in report.keywords)
        terminalreporter.write_line(f"{name} tests left out: {left_out}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material beside the checkout; the test carries the mark `shared`."""
    return SHARED


@pytest.fixture(scope="session")
def test_server() -> Iterator[str]:
    """Address of the tests' PostgreSQL (its database `postgres`)."""
    with cluster.server() as url:
        yield url


@pytest.fixture(scope="session")
def worker_database(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, test_server: str
) -> Iterator[database.WorkerDatabase]:
    """This process's database."""
    with django_db_blocker.unblock(), database.worker_database(test_server) as mine:
        yield mine


@pytest.fixture(scope="session")
def django_db_setup(worker_database: database.WorkerDatabase) -> None:
    """Takes the place of pytest-django's own."""


@pytest.fixture(scope="session", autouse=True)
def eager_celery() -> None:
    """Tasks run where they are called, with their errors."""
    from config.celery import app

    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True


@pytest.fixture(autouse=True)
def _public_before_and_after() -> Iterator[None]:
    from django.core.cache import cache

    database.back_to_public()
    yield
    database.back_to_public()
    cache.clear()


@pytest.fixture
def committed_db(
    worker_database: database.WorkerDatabase, django_db_blocker: DjangoDbBlocker
) -> Iterator[database.WorkerDatabase]:
    """Database access with real commits. `committed_db.url` is the DATABASE_URL for processes that the test starts."""
    from django.db import connections

    with django_db_blocker.unblock():
        try:
            yield worker_database
        finally:
            connections.close_all()
            worker_database.lay()


@pytest.fixture
def acme() -> str:
    """Schema of the tenant behind acme.localhost."""
    return database.ACME


@pytest.fixture
def beta() -> str:
    """Schema of the tenant behind beta.localhost."""
    return database.BETA


@pytest.fixture
def twins() -> Callable[[], tuple[str, str]]:
    """Call it to make both tenants' next primary keys equal; gives both schemas. Needs database access."""

    def align() -> tuple[str, str]:
        database.align_keys()
        return database.ACME, database.BETA

    return align


@pytest.fixture
def no_network() -> Iterator[list[str]]:
    """Bars every look-up and connection of this process; what was attempted fails the test even if it was swallowed."""
    with barred() as attempts:
        yield attempts
    assert not attempts, f"connections were attempted: {attempts}"
