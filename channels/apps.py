from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from channels import jobs, pages  # noqa: F401
        from channels.services import erasing, hooks
        from core import erasure
        from core.central.hooks import register_finder

        register_finder(hooks.find)
        pages.register()
        erasure.register("channels", find=erasing.find, erase=erasing.erase)
