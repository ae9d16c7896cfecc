from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from inventory import bring_in_kinds, bulk, pages, queries  # noqa: F401  (bulk registers its acts)
        from inventory.services import bring_in  # noqa: F401
        from tenants import ports

        bring_in_kinds.register()
        pages.register()
        ports.scope_choices("warehouses", queries.scope_choices)
