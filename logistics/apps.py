from django.apps import AppConfig


class LogisticsConfig(AppConfig):
    name = "logistics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from core.central.hooks import register
        from logistics import handlers, pages, tasks  # noqa: F401
        from logistics.registry import all_trackers
        from logistics.services import erasing
        from logistics.services.trackers import TrackerHook

        erasure.register("logistics", find=erasing.find, erase=erasing.erase)
        for kind in all_trackers():
            register(kind, TrackerHook(kind))
        pages.register()
