from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UiConfig(AppConfig):
    """The shell: menu, panels, templates, translations. Needs no tables."""

    name = "core.ui"
    label = "ui"

    def ready(self) -> None:
        from core.ui import lists, menu  # noqa: F401  (the worker needs the acts on lists)

        menu.register(menu.Entry("today", _("Today"), "layout-dashboard", "today", 0))
