"""What every page and every list has: the palette, notifications, files of lists, saved views."""

from django.urls import path

from core.ui.views import jobs, lists, palette

urlpatterns = [
    path("ui/palette", palette.find, name="palette"),
    path("ui/bell/panel", jobs.panel, name="bell_panel"),
    path("ui/lists/<str:name>/export", lists.export, name="list_export"),
    path("ui/lists/<str:name>/views", lists.save_view, name="list_view_save"),
    path("ui/lists/<str:name>/default", lists.choose_default, name="list_view_default"),
    path("ui/views/<int:pk>/change", lists.change_view, name="list_view_change"),
    path("ui/views/<int:pk>/delete", lists.delete_view, name="list_view_delete"),
]
