"""The public host: sign-up, hooks, connect returns, health."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path


def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


urlpatterns = [
    path("health", health, name="health"),
    path("accounts/", include("allauth.urls")),
]
