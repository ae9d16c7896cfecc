"""The identity endpoint: access tokens for the seller's consent (refresh_token) and for the application itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..base.platform import Cut
from .accounts import ACCESS_SECONDS, SCOPES, Accounts, OAuthError
from .edge import Edge

ALLOWED = {
    "refresh_token": {"grant_type", "refresh_token", "scope"},
    "client_credentials": {"grant_type", "scope"},
}


@dataclass
class Identity:
    accounts: Accounts
    edge: Edge

    async def __call__(self, request: Request) -> Response:
        pairs = parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True)
        form = dict(pairs)
        try:
            return self.token(request.headers.get("authorization", ""), form)
        except OAuthError as why:
            return JSONResponse({"error": why.error, "error_description": why.description}, status_code=why.status)

    def token(self, authorization: str, form: dict[str, str]) -> Response:
        app_id = self.accounts.client(authorization)
        grant = form.get("grant_type", "")
        if grant not in ALLOWED:
            text = "grant type in request is not supported by the authorization server"
            raise OAuthError(400, "unsupported_grant_type", text)
        unknown = sorted(set(form) - ALLOWED[grant])
        if unknown or (grant == "refresh_token" and not form.get("refresh_token")):
            wrong = f"unknown parameter {unknown[0]}" if unknown else "refresh_token is missing"
            raise OAuthError(400, "invalid_request", f"request is missing a required parameter or malformed: {wrong}")
        if grant == "client_credentials":
            self.check_scope(form.get("scope", SCOPES[0]), list(SCOPES))
            return self.answer(self.accounts.mint(app_id, None), "Application Access Token")
        holder = self.accounts.holder(app_id, form["refresh_token"])
        name = holder["account_id"]
        struck = self.edge.before("token", name, rest=True)
        if struck is not None:
            return struck
        self.check_scope(form.get("scope", ""), json.loads(holder["scopes"]))
        token = self.accounts.mint(app_id, name)
        if self.edge.cut_after("token", name):
            return Cut()
        return self.answer(token, "User Access Token")

    def check_scope(self, asked: str, granted: list[str]) -> None:
        if not set(asked.split()) <= set(granted):
            text = "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client"
            raise OAuthError(400, "invalid_scope", text)

    def answer(self, token: str, kind: str) -> JSONResponse:
        return JSONResponse({"access_token": token, "expires_in": ACCESS_SECONDS, "token_type": kind})
