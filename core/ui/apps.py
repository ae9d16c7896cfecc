from django.apps import AppConfig


class UiConfig(AppConfig):
    """The shell: menu, panels, templates, translations. Needs no tables."""

    name = "core.ui"
    label = "ui"
