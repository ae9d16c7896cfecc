"""Every URL: a member of one tenant finds nothing of another, on its host or on the own; a stranger is asked who he is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from core.records.models import StoredFile
from core.tenancy import tenant_context
from tenants.models import Membership, User
from tests.isolation import routes, rows
from tests.support.network import barred

pytestmark = pytest.mark.django_db
TENANT, PUBLIC = "config.urls_tenant", "config.urls_public"
MARKS = {"t_acme": "of acme", "t_beta": "of beta"}


def names(urlconf: str) -> dict[str, str]:
    """Name → route of every pattern of a URL configuration. A pattern without a name is known by its route."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, str]]:
        for each in patterns:
            route = before + str(each.pattern)
            if isinstance(each, URLPattern):
                yield each.name or route, route
            else:
                space = f"{each.namespace}:" if each.namespace else ""
                yield from ((space + name, full) for name, full in walk(each.url_patterns, route))

    return dict(walk(get_resolver(urlconf).url_patterns, ""))


@pytest.mark.parametrize(
    ("urlconf", "known"),
    [
        (TENANT, routes.OPEN | routes.MEMBERS),
        (PUBLIC, routes.PUBLIC_OPEN | routes.PUBLIC_USERS | {"accounts/signup/": {}}),
    ],
)
def test_every_route_is_known(urlconf, known):
    there = names(urlconf)
    new = {name: route for name, route in there.items() if name not in known}
    lines = "\n".join(f'    "{name}": {{}},  # {route}' for name, route in sorted(new.items()))
    assert not new, f"routes of {urlconf} to be added to tests/isolation/routes.py, with their arguments:\n{lines}"
    assert not known.keys() - there.keys(), "these routes are gone; take them out of tests/isolation/routes.py"


def addresses(urlconf: str, known: dict[str, dict[str, Any]]) -> list[str]:
    there = names(urlconf)
    return [reverse(name, urlconf=urlconf, kwargs=kwargs) for name, kwargs in known.items() if name in there]


def each_method(client: Client, path: str) -> Iterator[Any]:
    for method in (client.get, client.post):
        yield method(path)


@pytest.fixture
def filled(acme, beta, settings, tmp_path) -> Iterator[None]:
    """A row of everything in both tenants, under the same keys, and a file; nothing can be called outside."""
    settings.MEDIA_ROOT = tmp_path
    for schema, mark in MARKS.items():
        rows.fill(schema, mark)
        content = f"content {mark}".encode()
        (tmp_path / mark).write_bytes(content)
        with tenant_context(schema):
            StoredFile.objects.update(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    with barred():
        yield


def owner_of(schema: str) -> User:
    return Membership.objects.get(tenant__schema_name=schema, role="owner").user


def browser(host: str, user: User | None = None) -> Client:
    client = Client(HTTP_HOST=host, raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def test_a_member_of_another_tenant_finds_nothing_there(acme, beta, filled):
    before = rows.digest(beta)
    known = routes.OPEN | routes.MEMBERS
    for path in addresses(TENANT, {name: kwargs for name, kwargs in known.items() if name != "account_logout"}):
        client = browser("beta.localhost", owner_of(acme))
        for response in each_method(client, path):
            assert response.status_code == 404, path
            assert MARKS[beta] not in response.content.decode(errors="replace"), path
    assert rows.digest(beta) == before
    # The one thing that is left to do.
    client = browser("beta.localhost", owner_of(acme))
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_addresses_that_are_not_there_are_404_too(acme, beta):
    client = browser("beta.localhost", owner_of(acme))
    for path in ("/nothing/", "/api/orders", "/static-not/", "/files/x/"):
        assert client.get(path).status_code == 404


def test_a_stranger_is_asked_who_he_is(acme, filled):
    before = rows.digest(acme)
    asking = {name: kwargs for name, kwargs in routes.MEMBERS.items() if name not in routes.HIDDEN}
    for path in addresses(TENANT, {name: routes.MEMBERS[name] for name in routes.HIDDEN}):
        for response in each_method(browser("acme.localhost"), path):
            assert response.status_code in (404, 405), path
            assert MARKS[acme] not in response.content.decode(errors="replace"), path
    for path in addresses(TENANT, asking):
        for response in each_method(browser("acme.localhost"), path):
            asked = response.status_code == 302 and response["Location"].startswith("/accounts/")
            assert asked or response.status_code == 401, f"{path}: {response.status_code}"
    assert rows.digest(acme) == before


def test_open_pages_show_nothing_of_a_tenant_but_its_name(acme, filled):
    for path in addresses(TENANT, routes.OPEN):
        for response in each_method(browser("acme.localhost"), path):
            assert response.status_code < 500, path
            assert MARKS[acme] not in response.content.decode(errors="replace"), path


def test_a_member_sees_the_own_tenant_only(acme, beta, filled):
    """Same primary keys on both sides: whatever is shown or done under a key is of the tenant of the host."""
    before = rows.digest(beta)
    for path in addresses(TENANT, routes.MEMBERS):
        client = browser("acme.localhost", owner_of(acme))
        for response in each_method(client, path):
            assert response.status_code < 500, path
            body = b"".join(response.streaming_content) if response.streaming else response.content
            assert MARKS[beta].encode() not in body, path
    assert rows.digest(beta) == before


def test_the_public_host_shows_no_tenants_rows(acme, beta, filled):
    for user in (None, owner_of(acme)):
        for path in addresses(PUBLIC, routes.PUBLIC_OPEN | routes.PUBLIC_USERS):
            for response in each_method(browser("www.localhost", user), path):
                body = response.content.decode(errors="replace")
                assert not any(mark in body for mark in MARKS.values()), path
                assert "Beta" not in body, path


def test_the_public_host_asks_who_one_is(acme):
    for path in addresses(PUBLIC, routes.PUBLIC_USERS):
        response = browser("www.localhost").get(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/accounts/"), path


def test_a_tenants_pages_are_not_on_the_public_host(acme):
    client = browser("www.localhost", owner_of(acme))
    shared = set(names(PUBLIC).values())
    for name, route in names(TENANT).items():
        if route not in shared:
            kwargs = (routes.OPEN | routes.MEMBERS).get(name)
            if kwargs is not None:
                assert client.get(reverse(name, urlconf=TENANT, kwargs=kwargs)).status_code == 404, route
