"""What browsers asked for while people worked: every click, and what the page asked by itself after it.

``MONDAY_RECORD=tests/bench/clicks.json make test ARGS=tests/browser/monday`` notes them for the bench of twenty people at
once (tests/bench/clicks.py replays them). Addresses are kept as the route and its arguments.
"""

from __future__ import annotations

import json
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.urls import resolve
from playwright.sync_api import Page, Request

NOT_PAGES = ("stylesheet", "script", "font", "image", "manifest", "other")
HEADERS = ("hx-request", "hx-target", "x-requested-with")


class Recording:
    """``station``: which part of the day the people are in; the test says it."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.station = ""

    def watch(self, who: str, page: Page) -> None:
        page.on("request", lambda asked: self._note(who, asked))

    def _note(self, who: str, asked: Request) -> None:
        parts = urlsplit(asked.url)
        if asked.resource_type in NOT_PAGES or parts.path.startswith(("/static/", "/accounts/")):
            return
        found = resolve(parts.path, "config.urls_tenant")
        by_page = asked.resource_type != "document" and asked.method == "GET"
        step = {
            "station": self.station,
            "who": who,
            "by": "page" if by_page else "person",
            "method": asked.method,
            "route": found.view_name,
            "given": {name: str(value) for name, value in found.kwargs.items()},
            "query": parse_qsl(parts.query, keep_blank_values=True),
            "form": [pair for pair in _form(asked) if pair[0] != "csrfmiddlewaretoken"],
            "headers": {name: asked.headers[name] for name in HEADERS if name in asked.headers},
        }
        self.steps.append({name: value for name, value in step.items() if value})

    def save(self, place: Path) -> None:
        """One step a line."""
        lines = ",\n".join(json.dumps(step, ensure_ascii=False) for step in self.steps)
        place.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _form(asked: Request) -> list[tuple[str, str]]:
    body = asked.post_data_buffer
    if asked.method == "GET" or not body:
        return []
    kind = asked.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return parse_qsl(body.decode(), keep_blank_values=True)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    assert isinstance(message, EmailMessage)
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_content())
        for part in message.iter_parts()
        if part.get_filename() is None
    ]
