from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root as an app: makes our Celery app the current one before any task is declared."""

    name = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401
