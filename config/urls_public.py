"""The public host: sign-up, hooks, connect returns, health."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.generic import RedirectView


def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


urlpatterns = [
    path("health", health, name="health"),
    path("hooks/", include("core.central.urls")),
    path("", include("core.ui.urls_public")),
    path("accounts/signup/", RedirectView.as_view(pattern_name="sign_up")),
    path("accounts/", include("allauth.urls")),
    path("", include("tenants.urls_public")),
]
