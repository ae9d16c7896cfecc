from django.apps import AppConfig


class FbaConfig(AppConfig):
    name = "fba"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.ui import lists
        from fba import handlers, panels, queries  # noqa: F401
        from fba.pages import RestockList
        from fba.permissions import VIEW

        panels.register()
        lists.register("restock", lambda actor: RestockList(queries.latest(actor)), url="fba:index", operation=VIEW)
