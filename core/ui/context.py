"""What every page's shell needs. Everything is lazy: a piece of a page for htmx pays for no menu."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from core.ui import menu

THEMES = ("light", "dark")


def theme_of(request: HttpRequest) -> str:
    """The cookie of this browser, else the user's choice, else light."""
    chosen = request.COOKIES.get("theme", "")
    if chosen not in THEMES and getattr(request, "actor", None) is not None:
        chosen = getattr(request.user, "theme", "")
    return chosen if chosen in THEMES else "light"


def shell(request: HttpRequest) -> dict[str, Any]:
    actor = getattr(request, "actor", None)
    return {
        "actor": actor,
        "tenant": getattr(request, "tenant", None),
        "menu": SimpleLazyObject(lambda: menu.shown(actor, request.path) if actor is not None else []),
        "theme": theme_of(request),
        "languages": (("en", "English"), ("zh-hans", "简体中文")),
        "language": getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE),
    }
