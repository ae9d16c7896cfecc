from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The programming interface and webhooks out."""

    name = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from api import handlers, pages  # noqa: F401

        pages.register()
