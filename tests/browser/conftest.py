"""A browser against the real web server on a committed database, signed in at acme."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher, make_password
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.tenancy import tenant_context
from tenants.models import User
from tests.support.browser import ARGUMENTS, chromium, settled
from tests.support.database import ACME, PASSWORD, WorkerDatabase, back_to_public
from tests.support.web import Site, renew, served
from tests.ui.conftest import House, make_house

OWNER = "owner@acme.localhost"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Visit:
    """A browser's tab. ``complaints``: errors on its console and in its scripts, and answers over 499."""

    page: Page
    url: str
    house: House
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        settled(self.page)

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def width(self) -> int:
        """Of the document: more than the window means scrolling sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def sign_in(self) -> None:
        self.page.goto(self.url + "/accounts/login/", timeout=60_000)  # the server's first page; machines may be busy
        self.page.fill("[name=login]", OWNER)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form button[type=submit].btn-primary")
        self.page.wait_for_url(self.url + "/")


def press(page: Page, selector: str) -> None:
    """Click what acts, and wait until the page that the act leads to is there: going on at once could cut the act off."""
    with page.expect_navigation():
        page.click(selector)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, and Django refuses its ORM where a loop runs.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=20_000)  # machines may be busy: other workers, other processes of the same test
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield found
        found.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture(scope="session")
def kept_site(worker_database: WorkerDatabase) -> Iterator[Site]:
    """One web server for all tests of this process that need no more than that; ``renew`` it before each."""
    with served(worker_database.url) as site:
        yield site


@contextmanager
def visiting(database: WorkerDatabase, browser: Browser, *processes: str, sandbox_url: str = "") -> Iterator[Visit]:
    """The owner of acme in a tab, before a house of orders; ``processes``: "worker" where jobs are to run."""
    house = furnished()
    with served(database.url, *processes, sandbox_url=sandbox_url) as site, tab_at(site, browser, house) as tab:
        yield tab


def furnished() -> House:
    with tenant_context(ACME):
        house = make_house()
    back_to_public()
    # The tests' hasher is a quick one that the server, a process of its own, does not take.
    strong = make_password(PASSWORD, hasher=ScryptPasswordHasher())
    User.objects.filter(email=OWNER).update(password=strong)
    return house


@contextmanager
def tab_at(site: Site, browser: Browser, house: House) -> Iterator[Visit]:
    context = browser.new_context(viewport=DESK, locale="en-GB")
    tab = Visit(context.new_page(), f"http://acme.localhost:{site.port}", house)
    tab.page.set_default_timeout(20_000)
    tab.page.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("response", lambda got: tab.complaints.append(f"{got.status} {got.url}") if got.status > 499 else None)
    tab.sign_in()
    try:
        yield tab
    finally:
        context.close()


@pytest.fixture
def visit(committed_db: WorkerDatabase, browser: Browser, kept_site: Site) -> Iterator[Visit]:
    renew(kept_site)
    with tab_at(kept_site, browser, furnished()) as tab:
        yield tab


@pytest.fixture
def staffed(committed_db: WorkerDatabase, browser: Browser) -> Iterator[Visit]:
    """As ``visit``, with a worker that does what goes on in the background."""
    with visiting(committed_db, browser, "worker") as tab:
        yield tab
