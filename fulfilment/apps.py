from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "fulfilment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from fulfilment import bulk, erasing, pages, printing  # noqa: F401  (bulk and printing register their jobs)

        erasure.register("fulfilment", find=erasing.find, erase=erasing.erase)
        pages.register()
