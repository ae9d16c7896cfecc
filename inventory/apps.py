from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from inventory import pages, queries
        from tenants import ports

        pages.register()
        ports.scope_choices("warehouses", queries.scope_choices)
