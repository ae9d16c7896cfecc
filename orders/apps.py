from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from orders import handlers, jobs, parcel_handlers, platform_handlers, today, upkeep  # noqa: F401
        from orders.services import erasing

        today.register()
        erasure.register("orders", find=erasing.find, erase=erasing.erase, due=erasing.due, expire=erasing.expire)
