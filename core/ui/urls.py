"""The shell's own addresses, on every tenant's host; language and theme on the public host too."""

from django.urls import path

from core.ui.views import shell, today

urlpatterns = [
    path("", today.show, name="today"),
    path("ui/language", shell.choose_language, name="language"),
    path("ui/theme", shell.choose_theme, name="theme"),
    path("ui/columns/<str:name>", shell.choose_columns, name="columns"),
    path("ui/counts", shell.counts, name="counts"),
]
