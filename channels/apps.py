from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from channels import bulk, jobs, pages, queries  # noqa: F401
        from channels.services import erasing, hooks
        from core import erasure
        from core.central.hooks import register_finder
        from tenants import ports

        register_finder(hooks.find)
        pages.register()
        ports.scope_choices("accounts", queries.scope_choices)
        erasure.register("channels", find=erasing.find, erase=erasing.erase)
