"""The shell's own addresses, on every tenant's host; language and theme on the public host too."""

from django.urls import include, path

from core.ui.views import first_run, jobs, shell, today

urlpatterns = [
    path("", today.show, name="today"),
    path("first/dismiss", first_run.dismiss, name="first_run_dismiss"),
    path("first/recall", first_run.recall, name="first_run_recall"),
    path("ui/language", shell.choose_language, name="language"),
    path("ui/theme", shell.choose_theme, name="theme"),
    path("ui/columns/<str:name>", shell.choose_columns, name="columns"),
    path("ui/counts", shell.counts, name="counts"),
    path("ui/bell", jobs.bell, name="bell"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<int:pk>/cancel", jobs.cancel, name="job_cancel"),
    path("jobs/<int:pk>/resume", jobs.resume, name="job_resume"),
    path("", include("core.ui.urls_shell")),
]
