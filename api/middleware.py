"""Below /api/ every refusal is a problem in JSON: also those that Django itself gives, before or beside our operations."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api import problems

ROOT = "/api/"
MOST_BODY = 2 * 1024 * 1024
_CODES = {400: "api.bad_request", 404: "api.no_such_address", 405: "api.no_such_method", 403: "permission.missing"}


class ProblemMiddleware:
    """On a tenant's host only: on the public one there is no interface, and its 404 is a page like any other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "tenant", None) is None or not request.path.startswith(ROOT):
            return self.get_response(request)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MOST_BODY:
            return problems.respond(413, "api.body_too_large", {"megabytes": MOST_BODY // 1024 // 1024})
        if any("\0" in value for _, values in request.GET.lists() for value in values) or "\0" in request.path:
            return problems.respond(400, "api.bad_request")
        response = self.get_response(request)
        if response.status_code in (404, 405) and _is_stranger(request):
            return problems.respond(401, "api.key_missing", headers={"WWW-Authenticate": 'Bearer realm="sampan"'})
        kind = response.headers.get("Content-Type", "")
        if response.status_code < 400 or kind.startswith((problems.MEDIA_TYPE, "application/json")):
            return response
        kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
        code = _CODES.get(response.status_code, "error")
        return problems.respond(response.status_code, code, headers=kept)


def _is_stranger(request: HttpRequest) -> bool:
    """Neither key nor sign-in: asked who he is before he is told what there is."""
    user = getattr(request, "user", None)
    return "Authorization" not in request.headers and not (user is not None and user.is_authenticated)
