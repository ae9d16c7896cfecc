"""What an upper app shows on a lower app's page, without the lower one knowing it (architecture §2).

A page names slots (``order.main``, ``order.side``, ``today.main``, ``today.side``); an app registers a function per slot
in ``apps.py: ready()``. It gets the request and what the page passes by name, and returns a template name with its
context, or None when there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

Panel = Callable[..., "tuple[str, dict[str, Any]] | None"]


@dataclass(frozen=True, slots=True)
class Registered:
    name: str
    panel: Panel
    position: int
    operation: str | None


_slots: dict[str, dict[str, Registered]] = {}


def register(slot: str, name: str, panel: Panel, *, position: int = 100, operation: str | None = None) -> None:
    """``panel(request, **what the page passes)``; shown only to those who have ``operation``."""
    _slots.setdefault(slot, {})[name] = Registered(name, panel, position, operation)


def registered() -> dict[str, list[str]]:
    return {slot: sorted(panels) for slot, panels in _slots.items()}


def render(slot: str, request: HttpRequest, **given: Any) -> list[SafeString]:
    """The slot's panels as HTML, in order."""
    out = []
    actor = request.actor  # type: ignore[attr-defined]
    for one in sorted(_slots.get(slot, {}).values(), key=lambda one: (one.position, one.name)):
        if one.operation is not None and not actor.can(one.operation):
            continue
        answer = one.panel(request, **given)
        if answer is not None:
            template, context = answer
            out.append(render_to_string(template, {**given, **context}, request=request))
    return out
