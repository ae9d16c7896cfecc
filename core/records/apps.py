from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "core.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from core.records import erasing, handlers  # noqa: F401

        erasure.register("records", find=erasing.find, erase=erasing.erase)
