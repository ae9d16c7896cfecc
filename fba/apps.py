from django.apps import AppConfig


class FbaConfig(AppConfig):
    name = "fba"
    default_auto_field = "django.db.models.BigAutoField"
