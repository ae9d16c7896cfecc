from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from crm import bulk, handlers, pages, panels  # noqa: F401
        from crm.services import erasing

        panels.register()
        pages.register()
        erasure.register("crm", find=erasing.find, erase=erasing.erase, expire=erasing.expire)
