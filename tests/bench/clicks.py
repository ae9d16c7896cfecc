"""A recorded Monday (clicks.json, see tests/browser/monday/recording.py) walked by somebody else, on other orders.

What stood in the recording is replaced when it is met: an order by one of this person's own in the same state, a parcel by
one of his own, a page that an answer led to by the page it leads to now, a form's hidden fields by those of the page
that is open. The browser's own requests after a click follow at once, the person's come after a pause.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
from django.urls import NoReverseMatch

RECORDED = Path(__file__).with_name("clicks.json")
THINK = (0.8, 2.2)  # seconds before a click
PARTS_OF_MANAGER = ("what_is_short_comes_in", "a_rule_is_changed_with_a_dry_run")
HIDDEN = ("key", "was", "stamp", "seen", "next")
INPUT = re.compile(r"<input\b[^>]*>")
ORDERS_OF = {"what_is_on_hold_is_settled": "held", "the_two_are_mended": "failed"}  # elsewhere: ready ones
TAKEN = (200, 204, 302, 303, 409, 422)  # 409, 422: refused with a sentence, as when two press at once


def stations(who: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """[(part of the day, its steps)] of one of the two people recorded."""
    found: dict[str, list[dict[str, Any]]] = {}
    for step in json.loads(RECORDED.read_text(encoding="utf-8")):
        if step["who"] == who and step.get("station"):
            found.setdefault(step["station"], []).append(step)
    return list(found.items())


@dataclass
class Walker:
    """``pools``: what is this person's own, by kind: orders by state, parcels (id, number, grams), talks, SKU codes.

    ``note(route, seconds)`` is called for every answer. ``reverse(route, arguments)`` gives a path.
    """

    http: httpx.Client
    cookies: dict[str, str]
    pools: dict[str, list[Any]]
    fixed: dict[str, str]
    reverse: Callable[[str, dict[str, str]], str]
    note: Callable[[str, float], None]
    draw: Random
    refused: int = 0
    _met: dict[tuple[str, str], Any] = field(default_factory=dict)
    _page: str = ""
    _leads: str = ""
    _scanned: tuple[int, str, int] = (0, "", 0)

    def walk(self, parts: list[tuple[str, list[dict[str, Any]]]], first: int, end: float) -> None:
        """From part ``first`` on, again and again until ``end`` (monotonic)."""
        for _, steps in self._rotated(parts, first, end):
            self._met.clear()
            for step in steps:
                if time.monotonic() >= end:
                    return
                self._step(step)

    @staticmethod
    def _rotated(parts: list[Any], first: int, end: float) -> Iterator[Any]:
        place = first
        while time.monotonic() < end:
            yield parts[place % len(parts)]
            place += 1

    def _step(self, step: dict[str, Any]) -> None:
        path = self._address(step)
        if path is None:
            return
        if step["by"] == "person":
            time.sleep(self.draw.uniform(*THINK))
        query = [(name, self._value(step, name, value)) for name, value in step.get("query", ())]
        headers = {name.title(): value for name, value in step.get("headers", {}).items()}
        started = time.perf_counter()
        if step["method"] == "GET":
            answer = self.http.get(path, params=query or None, headers=headers, cookies=self.cookies)
        else:
            form = self._form(step)
            form["csrfmiddlewaretoken"] = [self.cookies["csrftoken"]]
            answer = self.http.post(path, params=query or None, data=form, headers=headers, cookies=self.cookies)
        self.note(f"{step['method']} {step['route']}", time.perf_counter() - started)
        if answer.status_code not in TAKEN:
            raise RuntimeError(f"{step['method']} {path} {query}: {answer.status_code} {answer.text[:300]}")
        self.refused += answer.status_code in (409, 422)
        self._leads = answer.headers.get("location") or answer.headers.get("hx-redirect") or ""
        if "/accounts/" in self._leads:  # quick, but nobody's work
            raise RuntimeError(f"{step['method']} {path}: sent to sign in")
        if answer.text:
            self._page = answer.text

    def _address(self, step: dict[str, Any]) -> str | None:
        """None: a page that only the recorded day had (a file, a job), which nothing led to today."""
        given: dict[str, str] = step.get("given", {})
        if not given:
            return self.reverse(step["route"], {})
        kind = _kind(step["route"])
        (name, recorded), *_ = given.items()
        if kind == "made":
            key = (step["route"].split(":")[0], recorded)
            if key not in self._met:
                if (led := self._led(step["route"], name)) is None:
                    return None
                self._met[key] = led
            return self.reverse(step["route"], {name: str(self._met[key])})
        return self.reverse(step["route"], {name: self._mine(step, kind, recorded)})

    def _led(self, route: str, name: str) -> str | None:
        """The argument under which the last answer leads to this route; None when it leads elsewhere."""
        path = self._leads.partition("?")[0]
        found = re.search(r"/([0-9a-f-]+)/$", path)
        try:
            return found[1] if found and self.reverse(route, {name: found[1]}) == path else None
        except NoReverseMatch:
            return None

    def _mine(self, step: dict[str, Any], kind: str, recorded: str) -> str:
        """One of this person's own of the kind, the same one wherever the recording has the same."""
        if kind in self.fixed:
            return self.fixed[kind]
        if kind == "same":
            return recorded
        pool = ORDERS_OF.get(step["station"], "ready") if kind == "order" else kind
        key = (pool, recorded)
        if key not in self._met:
            some = self.pools[pool] or self.pools["ready"]
            some.append(some.pop(0))  # the next one of his; after the last the first again
            self._met[key] = some[-1]
        found = self._met[key]
        return str(found[0] if isinstance(found, tuple) else found)

    def _value(self, step: dict[str, Any], name: str, value: str) -> str:
        match step["route"], name:
            case "orders:choose_fields", "pk":
                return self._mine(step, "order", value)
            case (("orders:bulk_book" | "orders:bulk_route"), "id"):
                return self._mine(step, "order", value)
            case "fulfilment:bulk_print", "id":
                return self._mine(step, "parcel", value)
            case "orders:choose", "service":
                return self.fixed["service"]
            case "inventory:receive", "lines":
                return " ".join([self.fixed["code"], *value.split()[1:]])
            case "orders:rules_why", "trial":
                return str(self._met.get(("orders", value), value))
        return value

    def _form(self, step: dict[str, Any]) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for name, value in step.get("form", ()):
            out.setdefault(name, []).append(self._value(step, name, value))
        for name in HIDDEN:
            if name in out and (there := _hidden(self._page, name)) is not None:
                out[name] = [there]
        if step["route"] == "fulfilment:go":
            self._at_the_desk(out)
        return out

    def _at_the_desk(self, form: dict[str, list[str]]) -> None:
        if form["step"] == ["scan"]:
            parcels = self.pools["parcel"]
            self._scanned = parcels.pop(0)
            parcels.append(self._scanned)
            form["entry"] = [self._scanned[1]]
        else:
            form["shipment"] = [str(self._scanned[0])]
            if form["step"] == ["weigh"]:
                form["entry"] = [str(self._scanned[2])]


def _kind(route: str) -> str:
    match route:
        case (
            "orders:rules_trial"
            | "orders:rules_reroute"
            | "orders:rules_version"
            | "fulfilment:print_run"
            | "stored_file"
        ):
            return "made"
        case "inventory:sku":
            return "sku"
        case "orders:rule":
            return "same"
    return "talk" if route.startswith("crm:") else "order"


def _hidden(page: str, name: str) -> str | None:
    for found in INPUT.findall(page):
        if f'name="{name}"' in found and 'type="hidden"' in found:
            value = re.search(r'value="([^"]*)"', found)
            return value[1] if value else ""
    return None
