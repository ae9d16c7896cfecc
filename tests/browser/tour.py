"""Every page that links lead to, looked at in a browser: in both languages, light and dark, on a desk and on a phone.

On a running product, with a picture of every page and what was found:

    .venv/bin/python -m tests.browser.tour http://127.0.0.1:8000 folder [part of an address ...]

signed in as the demo's owner (TOUR_LOGIN, TOUR_PASSWORD: somebody else). The suite walks the same way through a house of
its own (test_every_page).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.urls import Resolver404, resolve
from playwright.sync_api import Page, sync_playwright

from tests.browser import axe
from tests.support.browser import ARGUMENTS, chromium, settled

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# By the page itself, as only a browser resolves names under "localhost".
FETCH = """async (path) => {
    const answer = await fetch(path, {redirect: "manual"});
    const html = (answer.headers.get("content-type") || "").includes("text/html");
    return [answer.status, html ? await answer.text() : ""];
}"""
# Elements that do something when they are clicked but cannot be reached by Tab, nor hold anything that can.
MOUSE_ONLY = """() => {
    const keys = "a[href], button, input, select, textarea, summary, [tabindex]:not([tabindex='-1'])";
    const byItself = /load|every|revealed|intersect|from:|submit|change|input|toggle/;
    return [...document.querySelectorAll("[hx-get], [hx-post], [data-dialog], [data-href], [onclick]")].filter((one) =>
        !one.matches(keys) && !one.matches("form") && !one.querySelector(keys) && one.checkVisibility()
        && !byItself.test(one.getAttribute("hx-trigger") || "")
    ).map((one) => one.outerHTML.slice(0, 120));
}"""
LINK = re.compile(r'href="(/[^"#]*)"')
URLS = "config.urls_tenant"


@dataclass(frozen=True, slots=True)
class Way:
    """How a page is looked at."""

    language: str
    theme: str
    size: dict[str, int] = field(hash=False)

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.size['width']}"


WAYS = (
    Way("en", "light", DESK),
    Way("zh-hans", "dark", DESK),
    Way("zh-hans", "light", PHONE),
    Way("en", "dark", PHONE),
    Way("zh-hans", "light", DESK),
    Way("en", "light", PHONE),
)


def routes(
    page: Page, start: Iterable[str] = ("/",), each: int = 1, read: Callable[[str, str], None] = lambda path, body: None
) -> dict[str, list[str]]:
    """{route: addresses of whole pages}, by following links from ``start``; ``each``: so many of a route.

    A list's tabs count as routes of their own. ``read`` is given every address and what it answered.
    """
    found: dict[str, list[str]] = {}
    tried: Counter[str] = Counter()
    todo = list(start)
    seen = set(todo)
    while todo:
        path = todo.pop(0)
        name = _route(path)
        if name is None or len(found.get(name, ())) >= each or tried[name] >= each + 3:
            continue
        tried[name] += 1
        status, body = page.evaluate(FETCH, path)
        read(path, body)
        if status == 200 and "</html>" in body:
            found.setdefault(name, []).append(path)
        for link in LINK.findall(body):
            link = link.replace("&amp;", "&")
            if link not in seen and not link.startswith(("/static/", "/files/")) and "logout" not in link:
                seen.add(link)
                todo.append(link)
    return found


def _route(path: str) -> str | None:
    try:
        name = resolve(path.partition("?")[0], URLS).view_name
    except Resolver404:
        return None
    tab = None if re.search(r"/\d", path) else re.search(r"[?&](tab=\w+)", path)
    return f"{name} {tab[1]}" if tab else name


def look(
    page: Page, base: str, paths: Iterable[str], ways: Iterable[Way], pictures: Path | None = None
) -> Iterator[str]:
    """What is wrong with the pages, a line each: answers over 399, complaints of the browser, scrolling sideways, what
    needs a mouse, axe.
    """
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    paths = list(paths)
    for way in ways:
        page.set_viewport_size(way.size)
        cookies = {"lang": way.language, "theme": way.theme}
        page.context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
        for path in paths:
            complaints.clear()
            answer = page.goto(base + path)
            settled(page)
            if pictures is not None:
                page.wait_for_timeout(300)  # charts draw themselves
                page.screenshot(path=str(pictures / f"{_file(path)}-{way}.png"))
            if answer is None or answer.status >= 400:
                yield f"{way} {path}: answered {answer.status if answer else 'nothing'}"
            wide = int(page.evaluate("document.documentElement.scrollWidth"))
            if wide > way.size["width"]:
                yield f"{way} {path}: {wide} px wide"
            yield from (f"{way} {path}: by mouse only: {html}" for html in page.evaluate(MOUSE_ONLY))
            yield from axe.faults(page, f"{way} {path}")
            yield from (f"{way} {path}: {said}" for said in complaints)


def _file(path: str) -> str:
    return re.sub(r"[^\w]+", "_", path.strip("/")) or "today"


def main(base: str, folder: Path, parts: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport=DESK, locale="en-GB")
        page.goto(base + "/accounts/login/")
        page.fill("[name=login]", os.environ.get("TOUR_LOGIN", "demo@sampan.example"))
        page.fill("[name=password]", os.environ.get("TOUR_PASSWORD", "sampan-demo-2026"))
        page.click("form button[type=submit].btn-primary")
        page.wait_for_url(base + "/")
        found = routes(page)
        paths = [path for some in found.values() for path in some]
        if parts:
            paths = [path for path in paths if any(part in path for part in parts)]
        print(f"{len(paths)} pages of {len(found)} routes")
        (folder / "pages.json").write_text(json.dumps(found, indent=1))
        wrong = 0
        for line in look(page, base, paths, WAYS, folder):
            print(line, flush=True)
            wrong += 1
        browser.close()
    print(f"{wrong} things to mend")
    return 1 if wrong else 0


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1].rstrip("/"), Path(sys.argv[2]), sys.argv[3:]))
