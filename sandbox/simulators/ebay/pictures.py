"""eBay Picture Services: pictures of buyers, the Media API's upload of sellers', and where both are shown.

createImageFromFile and getImage answer as ``/commerce/media/v1_beta`` does. Numbers of its errors that could not be
confirmed in public documents are left out, as everywhere in this simulator.
"""

from __future__ import annotations

import base64
import email.policy
import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..base import clock
from ..base.platform import Cut
from ..base.store import Store
from .accounts import PREFIX, Accounts
from .edge import Edge
from .errors import TradingError
from .planned import BadPlan
from .wire import sub

MOST_BYTES = 12 * 1024 * 1024
MOST_OF_A_MESSAGE = 5
SCOPE = "https://api.ebay.com/oauth/api_scope/sell.inventory"
KEPT_DAYS = 30
KINDS = {
    b"\xff\xd8\xff": ("JPG", "image/jpeg"),
    b"\x89PNG\r\n\x1a\n": ("PNG", "image/png"),
    b"GIF8": ("GIF", "image/gif"),
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    key TEXT PRIMARY KEY, account_id TEXT NOT NULL, image_id TEXT NOT NULL UNIQUE, url TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL, content BLOB NOT NULL, uploaded INTEGER NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
"""


@dataclass
class RestError(Exception):
    """An error of a REST call: ``number`` None where eBay's own is not known."""

    status: int
    domain: str
    message: str
    number: int | None = None

    def answer(self) -> JSONResponse:
        error: dict[str, Any] = {"errorId": self.number} if self.number is not None else {}
        error |= {"domain": self.domain, "category": "REQUEST", "message": self.message, "longMessage": self.message}
        return JSONResponse({"errors": [error]}, status_code=self.status)


def place(request: Request) -> str:
    """Where this simulator stands, as the caller reached it."""
    return f"{request.url.scheme}://{request.url.netloc}/ebay"


@dataclass
class Pictures:
    store: Store
    accounts: Accounts
    edge: Edge

    # -- buyers' pictures ------------------------------------------------------------------------------------------

    def planned(self, account_id: str, where: str, media: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
        """Pictures of a planned message, kept: [{"name", "url"}]. Raises BadPlan.

        A plan gives {"name", "content": base64, "media_type"?: what the server will say it is}, or {"name", "url"} for
        an address that is not ours.
        """
        found = []
        for one in media:
            name = str(one.get("name") or "")
            if one.get("url"):
                found.append({"name": name, "url": str(one["url"])})
                continue
            try:
                content = base64.b64decode(str(one["content"]), validate=True)
            except (KeyError, ValueError):
                raise BadPlan(f"media {name!r}: content in base64 or a url is needed") from None
            kind = str(one.get("media_type") or kind_of(content)[1])
            found.append({"name": name, "url": self.keep(account_id, where, content, kind, uploaded=False)["url"]})
        return found

    def keep(self, account_id: str, where: str, content: bytes, media_type: str, *, uploaded: bool) -> sqlite3.Row:
        key, image_id = secrets.token_urlsafe(18), secrets.token_hex(16)
        url = f"{where}/i.ebayimg.com/z/{key}/$_57.{kind_of(content)[0]}"
        self.store.run(
            "INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            key,
            account_id,
            image_id,
            url,
            media_type,
            content,
            int(uploaded),
            clock.epoch(),
        )
        row = self.store.one("SELECT * FROM pictures WHERE key = ?", key)
        assert row is not None
        return row

    def known(self, url: str) -> bool:
        return self.store.one("SELECT 1 FROM pictures WHERE url = ?", url) is not None

    def count(self, account_id: str) -> int:
        """How many pictures the seller has put up."""
        row = self.store.one("SELECT COUNT(*) AS n FROM pictures WHERE account_id = ? AND uploaded", account_id)
        return int(row["n"]) if row is not None else 0

    async def show(self, request: Request) -> Response:
        """The picture to whoever knows its address, as a picture server does."""
        row = self.store.one("SELECT * FROM pictures WHERE key = ?", request.path_params["key"])
        if row is None:
            return PlainTextResponse("not found", status_code=404)
        struck = self.edge.before("picture", row["account_id"], rest=True)
        if struck is not None:
            return struck
        if self.edge.cut_after("picture", row["account_id"]):
            return Cut()
        headers = {"Cache-Control": "public, max-age=31536000"}
        return Response(row["content"], media_type=row["media_type"], headers=headers)

    # -- the Media API ---------------------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        body = await request.body()
        try:
            account = self._seller(request)
            struck = self.edge.before("createImageFromFile", account["account_id"], rest=True)
            if struck is not None:
                return struck
            content = _image(request.headers.get("content-type", ""), body)
            media_type = kind_of(content)[1]
            if not media_type.startswith("image/"):
                raise RestError(400, "API_MEDIA", "The image format is not supported.")
            where = place(request)
            row = self.keep(account["account_id"], where, content, media_type, uploaded=True)
        except RestError as why:
            return why.answer()
        if self.edge.cut_after("createImageFromFile", account["account_id"]):
            return Cut()
        location = f"{where}/commerce/media/v1_beta/image/{row['image_id']}"
        return JSONResponse(_told(row), status_code=201, headers={"Location": location})

    async def details(self, request: Request) -> Response:
        try:
            account = self._seller(request)
        except RestError as why:
            return why.answer()
        sql = "SELECT * FROM pictures WHERE image_id = ? AND account_id = ? AND uploaded"
        row = self.store.one(sql, request.path_params["image_id"], account["account_id"])
        if row is None:
            return RestError(404, "API_MEDIA", "The image was not found.").answer()
        return JSONResponse(_told(row))

    def _seller(self, request: Request) -> sqlite3.Row:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if kind != "Bearer" or not token.startswith(PREFIX):
                raise TradingError(21916984)
            account = self.accounts.of_token(token)
        except TradingError:
            raise RestError(401, "OAuth", "Invalid access token", 1001) from None
        if SCOPE not in json.loads(account["scopes"]):
            raise RestError(403, "ACCESS", "Insufficient permissions to fulfill the request.", 1100)
        return account


def kind_of(content: bytes) -> tuple[str, str]:
    """(ending of the address, media type) by the first bytes."""
    return next(
        (kind for begin, kind in KINDS.items() if content.startswith(begin)), ("JPG", "application/octet-stream")
    )


def _told(row: sqlite3.Row) -> dict[str, str]:
    return {"imageUrl": row["url"], "expirationDate": clock.iso(row["created"] + KEPT_DAYS * 86400, millis=True)}


def _image(content_type: str, body: bytes) -> bytes:
    """The bytes of the form's part ``image``. Raises RestError."""
    if not content_type.startswith("multipart/form-data"):
        raise RestError(415, "API_MEDIA", "Content-Type must be multipart/form-data.")
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    parts = BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in parts.iter_parts() if parts.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "image":
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes) or not content:
                break
            if len(content) > MOST_BYTES:
                raise RestError(400, "API_MEDIA", "The image file is larger than 12 MB.")
            return content
    raise RestError(400, "API_MEDIA", "The 'image' part is missing.")


def render(node: etree._Element, media: Iterable[dict[str, str]]) -> None:
    """``MessageMedia`` elements of a message."""
    for one in media:
        made = sub(node, "MessageMedia")
        sub(made, "MediaName", one["name"])
        sub(made, "MediaURL", one["url"])
