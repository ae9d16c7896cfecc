"""Pictures of messages: read from eBay Picture Services (EPS), and put up there for our answers.

Pictures go up by the Media API (createImageFromFile): the Trading call UploadSiteHostedPictures was taken out of
service on 30 September 2026. What it gives is the same EPS address, which MessageMedia of a Trading call names.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels.adapters.ebay import client
from channels.protocol import Session
from core.errors import AuthExpired, NotFound, PermissionMissing, Rejected, Throttled, Transient
from core.wire import HttpAnswer

HOME = "https://apim.ebay.com"
SCOPE = "https://api.ebay.com/oauth/api_scope/sell.inventory"
BYTES = 12 * 1024 * 1024  # of one picture, by EPS's own rule
# Where EPS keeps pictures; nothing else in a message is called, whatever its writer put there.
HOSTS = re.compile(r"(?:[a-z0-9-]+\.)*ebay(?:img|static)\.com")
IMAGE_ID = re.compile(r"/image/([\w-]{1,200})$")
RATE = (10.0, 50.0)  # 50 within 5 seconds, by user
FETCH, UPLOAD, IMAGE = "picture", "createImageFromFile", "getImage"
UPLOAD_SECONDS = 30.0


class Pictures:
    """What makes an adapter a ``MediaSource``."""

    most_media: ClassVar[int] = 5
    media_types: ClassVar[frozenset[str]] = frozenset({"image/png", "image/jpeg"})
    media_bytes: ClassVar[int] = BYTES

    def fetch_media(self, session: Session, url: str) -> bytes:
        if not ours(url, session.settings.get("base_url") or ""):
            raise Rejected("media.address")
        # Without a token: EPS shows a picture to whoever knows its address, and no secret goes where a buyer points.
        answer = session.http.send("GET", url, operation=FETCH)
        if answer.status in (404, 410):
            raise NotFound(operation=FETCH)
        if 300 <= answer.status < 400:  # a redirect could lead anywhere
            raise Rejected("media.redirected")
        if answer.status != 200:
            raise _busy(answer, FETCH)
        if len(answer.content) > BYTES:
            raise Rejected("media.too_large", megabytes=BYTES // 1024 // 1024)
        return answer.content

    def upload_media(self, session: Session, name: str, media_type: str, content: bytes) -> str:
        base = f"{(session.settings.get('base_url') or HOME).rstrip('/')}/commerce/media/v1_beta/image"
        token = {"authorization": f"Bearer {session.access_token}", "accept": "application/json"}
        body, boundary = form(name, media_type, content)
        answer = session.http.send(
            "POST",
            f"{base}/create_image_from_file",
            operation=UPLOAD,
            headers={**token, "content-type": f"multipart/form-data; boundary={boundary}"},
            content=body,
            timeout=UPLOAD_SECONDS,
            rate=RATE,
        )
        if answer.status not in (200, 201):
            raise _refused(answer, UPLOAD)
        url = _url(answer)
        if not url:  # only the picture's own address is told: one call more
            found = IMAGE_ID.search(urlsplit(answer.headers.get("location", "")).path)
            if found is None:
                raise Transient("ebay.no_picture", operation=UPLOAD)
            shown = session.http.send("GET", f"{base}/{found[1]}", operation=IMAGE, headers=token, rate=RATE)
            if shown.status != 200:
                raise _refused(shown, IMAGE)
            url = _url(shown)
        if not url:
            raise Transient("ebay.no_picture", operation=UPLOAD)
        return url


def ours(url: str, base_url: str) -> bool:
    """Whether an address is a picture's at eBay: EPS over https, or below the account's own ``base_url`` (a sandbox)."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        given, place = (parts.scheme, parts.hostname, parts.port), (base.scheme, base.hostname, base.port)
    except ValueError:
        return False
    # Two readers of one odd address may see two hosts in it.
    if parts.username is not None or parts.password is not None or not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        return False
    if base_url and given == place:
        return parts.path.startswith(f"{base.path.rstrip('/')}/") and ".." not in parts.path
    return parts.scheme == "https" and parts.port in (None, 443) and bool(HOSTS.fullmatch(parts.hostname or ""))


def form(name: str, media_type: str, content: bytes) -> tuple[bytes, str]:
    """(body, boundary) of multipart/form-data with the one part ``image``."""
    boundary = f"sampan{secrets.token_hex(16)}"
    said = re.sub(r'[^\w. -]|["\\]', "_", name, flags=re.ASCII)[-100:] or "picture"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{said}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    return head.encode("ascii") + content + f"\r\n--{boundary}--\r\n".encode("ascii"), boundary


def _url(answer: HttpAnswer) -> str:
    found = _json(answer).get("imageUrl")
    return found if isinstance(found, str) else ""


def _json(answer: HttpAnswer) -> dict[str, Any]:
    try:
        found = json.loads(answer.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _busy(answer: HttpAnswer, operation: str) -> Throttled | Transient:
    if answer.status == 429:
        return Throttled(client.seconds(answer.headers), operation=operation)
    return Transient("ebay.server_error", operation=operation, status=answer.status)


def _refused(answer: HttpAnswer, operation: str) -> Exception:
    if answer.status == 401:
        return AuthExpired(operation=operation)
    if answer.status == 403:
        return PermissionMissing(SCOPE, operation=operation)
    if answer.status == 429 or answer.status >= 500 or answer.status < 400:
        return _busy(answer, operation)
    errors = _json(answer).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    reason = str(first.get("longMessage") or first.get("message") or "")[:300]
    number = first.get("errorId")
    return Rejected("ebay.refused", field="image", number=number if isinstance(number, int) else 0, reason=reason)
