"""The only way to a stored file."""

from __future__ import annotations

import io
import uuid

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from core import files
from core.personal import log_read

NAMING = frozenset({"label", "labels", "export"})  # kinds of files that name people


@require_safe
def stored_file(request: HttpRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The file as a download; a PDF also in the page with ``?inline=1``. 404 for whoever may not see it.

    Membership is checked by the middleware, which sets ``request.actor`` for members only.
    """
    actor = getattr(request, "actor", None)
    file = files.visible(actor, uid) if actor is not None else None
    if actor is None or file is None:
        raise Http404("no such file")
    if file.kind in NAMING:
        log_read(actor, "file", file.pk, file.kind)
    inline = file.media_type == files.PDF and request.GET.get("inline") == "1"
    kind = f"{file.media_type}; charset=utf-8" if file.media_type in files.TEXTS else file.media_type
    response = FileResponse(
        io.BytesIO(files.read(file)), as_attachment=not inline, filename=file.name, content_type=kind
    )
    response.headers["Content-Length"] = str(file.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox" if not inline else "default-src 'self'"
    response.headers["Cache-Control"] = "private, no-store"
    return response
