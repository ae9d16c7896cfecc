from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "core.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.records import handlers  # noqa: F401
