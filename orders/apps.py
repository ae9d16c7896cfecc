from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import erasure
        from core.ui import lists
        from orders import bulk, handlers, jobs, palette, parcel_handlers, platform_handlers, today, upkeep  # noqa: F401
        from orders.listing_acts import register as matching
        from orders.pages import OrdersList
        from orders.permissions import VIEW
        from orders.services import erasing, rule_reroute, rule_trials  # noqa: F401

        matching()
        today.register()
        palette.register()
        lists.register("orders", lambda actor: OrdersList(), url="orders:index", operation=VIEW)
        erasure.register("orders", find=erasing.find, erase=erasing.erase, due=erasing.due, expire=erasing.expire)
