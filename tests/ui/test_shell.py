"""The shell: who gets in, language and theme, the menu, refusals in plain words."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from core.ui import menu
from core.ui.views import PAGES
from tests.ui.conftest import HOST, SignIn

pytestmark = pytest.mark.django_db

# Pages for people who are not signed in, or that have a check of their own.
OPEN = {
    "core.ui.views.shell.choose_language",
    "core.ui.views.shell.choose_theme",
    "tenants.door.enter",
    "core.records.views.stored_file",
    "api.views.openapi",  # asks for a member or a key itself; tests/api
}


def views(patterns: list[URLPattern | URLResolver] | None = None) -> dict[str, object]:
    """{module.function: view} of every address on a tenant's host, but for the sign-in library's."""
    found: dict[str, object] = {}
    for one in get_resolver(settings.ROOT_URLCONF).url_patterns if patterns is None else patterns:
        if isinstance(one, URLResolver):
            if one.namespace != "api-v1":  # operations with a door of their own: tests/api walks them all
                found |= views(one.url_patterns)
        elif not one.callback.__module__.startswith("allauth."):
            found[f"{one.callback.__module__}.{one.callback.__name__}"] = one.callback
    return found


def test_every_address_of_a_tenant_is_a_page_or_known_to_be_open() -> None:
    unguarded = {name for name, view in views().items() if not hasattr(view, "page")} - OPEN
    assert not unguarded, f"without @page(operation): {unguarded}"
    assert {name for name, view in views().items() if hasattr(view, "page")} <= set(PAGES)


def test_a_stranger_is_sent_to_sign_in_and_back() -> None:
    answer = Client(HTTP_HOST=HOST).get("/")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=%2F"
    answer = Client(HTTP_HOST=HOST).get(
        "/ui/counts", headers={"HX-Request": "true", "HX-Current-URL": f"http://{HOST}/x?a=1"}
    )
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fx%3Fa%3D1"


def test_the_start_page_has_menu_tenant_name_and_no_inline_script(owner: Client) -> None:
    answer = owner.get("/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Acme" in page and 'aria-current="page"' in page and "Sign out" in page
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    for piece in page.split("<script")[1:]:
        head = piece.split(">", 1)[0]
        assert "src=" in head or "application/json" in head, head


def test_language_is_kept_for_the_browser_and_for_the_person(owner: Client) -> None:
    answer = owner.post("/ui/language", {"language": "zh-hans", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    page = owner.get("/").content.decode()
    assert '<html lang="zh-hans"' in page and "今日" in page
    owner.cookies.pop("lang")  # another browser of the same person
    assert "今日" in owner.get("/").content.decode()


def test_language_never_leads_to_another_host(owner: Client) -> None:
    assert owner.post("/ui/language", {"language": "en", "next": "https://evil.example/"})["Location"] == "/"
    assert owner.get("/ui/language").status_code == 405


def test_theme_is_kept(owner: Client) -> None:
    assert 'data-bs-theme="light"' in owner.get("/").content.decode()
    owner.post("/ui/theme", {"theme": "dark"})
    assert 'data-bs-theme="dark"' in owner.get("/").content.decode()


def test_a_page_that_is_not_there_says_so_in_words(owner: Client) -> None:
    answer = owner.get("/nothing/here")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


def test_menu_shows_only_what_the_role_may_open(sign_in: SignIn) -> None:
    for role in ("owner", "warehouse", "viewer"):
        page = sign_in(role).get("/").content.decode()
        for entry in menu.entries():
            if f'id="count-{entry.key}"' in page:
                assert entry.operation is None or role in ("owner", *_roles(entry.operation))


def _roles(operation: str) -> frozenset[str]:
    from core.permissions import operations

    return operations()[operation]
