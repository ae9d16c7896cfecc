from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "fulfilment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from fulfilment import erasing, pages, printing  # noqa: F401  (printing registers its job)

        erasure.register("fulfilment", find=erasing.find, erase=erasing.erase)
        pages.register()
