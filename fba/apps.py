from django.apps import AppConfig


class FbaConfig(AppConfig):
    name = "fba"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from fba import handlers, panels  # noqa: F401

        panels.register()
