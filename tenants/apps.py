from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.records import trail
        from core.ui import lists, menu, panels
        from tenants import audit_pages, checks, me_pages, switch  # noqa: F401
        from tenants.permissions import PROFILE, SEE_MEMBERS

        panels.register("shell.company", "tenants", switch.corner)
        panels.register("shell.user", "tenants", me_pages.corner)
        menu.register(menu.Entry("members", _("Members"), "users", "members", 125, operation=SEE_MEMBERS))
        menu.register(menu.Entry("company", _("Company profile"), "building", "company", 121, operation=PROFILE))
        menu.register(menu.Entry("audit", _("Audit trail"), "history", "audit", 128, operation=trail.SEE))
        lists.register("trail", lambda actor: audit_pages.TrailList(), url="audit", operation=trail.SEE)
