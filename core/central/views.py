"""The door for platforms' calls on the public host."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from core.central.hooks import MOST_BYTES, HookCall, receive


@csrf_exempt
def hook(request: HttpRequest, platform: str, route: str = "") -> HttpResponse:
    """``/hooks/<platform>[/<route>]``: signed by the platform, so it needs no session and no CSRF token."""
    try:
        length = int(request.headers.get("content-length") or 0)
    except ValueError:
        return HttpResponse(status=400)
    if length > MOST_BYTES:
        return HttpResponse(status=413)
    call = HookCall(
        platform=platform,
        route=route,
        body=request.body,
        headers={name.lower(): value for name, value in request.headers.items()},
        method=request.method or "",
        url=request.build_absolute_uri(request.path),
        query={name: value for name, value in request.GET.items() if isinstance(value, str)},
    )
    reply = receive(call)
    return HttpResponse(reply.content, status=reply.status, content_type=reply.media_type)
