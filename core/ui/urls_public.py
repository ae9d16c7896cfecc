"""What the shell has on the public host."""

from django.urls import path

from core.ui.views import shell

urlpatterns = [
    path("ui/language", shell.choose_language, name="language"),
    path("ui/theme", shell.choose_theme, name="theme"),
]
