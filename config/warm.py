"""What the first pages after a start would wait for: routes, templates, both languages. Done once, before workers fork."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.template.loader import get_template
from django.template.utils import get_app_template_dirs
from django.urls import get_resolver
from django.utils import translation

from core.words import formats

OURS = Path(__file__).resolve().parents[1]
# Loaded only by those who use them, so that commands start quickly; a person's first click shall not wait for them.
LATE = ("fulfilment.papers", "logistics.carriers.pool.label", "logistics.services.manifest", "redis", "xlsxwriter")


def warm() -> None:
    """Touches no database and no network: connections must not be shared by the workers."""
    for module in LATE:
        import_module(module)
    for conf in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
        for language, _ in settings.LANGUAGES:
            with translation.override(language):
                list(get_resolver(conf).reverse_dict)
                translation.gettext("Orders")
                formats.number(1234)
                formats.amount("1.5", "EUR")
                formats.moment(datetime(2026, 1, 2, tzinfo=UTC))
                formats.day(datetime(2026, 1, 2, tzinfo=UTC).date())
                formats.country("DE")
    for folder in map(Path, get_app_template_dirs("templates")):
        if folder.is_relative_to(OURS) and ".venv" not in folder.parts:
            for file in folder.rglob("*.html"):
                get_template(str(file.relative_to(folder)))
