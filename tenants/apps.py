from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.ui import menu
        from tenants import checks  # noqa: F401
        from tenants.permissions import SEE_MEMBERS

        menu.register(menu.Entry("members", _("Members"), "users", "members", 125, operation=SEE_MEMBERS))
