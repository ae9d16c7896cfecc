from django.apps import AppConfig


class LogisticsConfig(AppConfig):
    name = "logistics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.central.hooks import register
        from logistics import handlers, tasks  # noqa: F401
        from logistics.registry import all_trackers
        from logistics.services.trackers import TrackerHook

        for kind in all_trackers():
            register(kind, TrackerHook(kind))
