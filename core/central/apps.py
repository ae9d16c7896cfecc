from django.apps import AppConfig


class CentralConfig(AppConfig):
    name = "core.central"
    label = "central"
    default_auto_field = "django.db.models.BigAutoField"
