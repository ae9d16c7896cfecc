"""The routes, and what every call passes: access token, usage plan, faults, the official error shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..base.faults import Faults
from ..base.limits import Limiter
from ..base.platform import Cut, Platform
from ..base.store import Store
from . import accounts, contact, ledger, stock
from .accounts import Account, Accounts, DeadToken, TokenRefused
from .confirming import Confirming
from .contact import Contact
from .control import Control
from .ledger import Ledger
from .reading import Reading
from .sellers import Sellers
from .stock import Stock
from .wire import DENIED, Call, Refused, answer, headers, refusal

BEFORE = ("token_dead", "throttle", "throttle_bare", "html503", "server_error", "timeout_before")
HTML503 = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head><body><center>"
    "<h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)
Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Amazon(Platform):
    name = "amazon"

    def __init__(self, data: Path, faults: Faults, limiter: Limiter) -> None:
        super().__init__(data, faults, limiter)
        schema = accounts.SCHEMA + ledger.SCHEMA + stock.SCHEMA + contact.SCHEMA
        self.store = Store(data / "amazon.sqlite3", schema)
        self.accounts = Accounts(self.store)
        self.ledger = Ledger(self.store)
        self.stock = Stock(self.store, self.accounts)
        self.contact = Contact(self.store, self.ledger)

    def control(self) -> list[BaseRoute]:
        return Control(self.accounts, self.ledger, self.stock, self.contact).routes()

    def routes(self) -> list[BaseRoute]:
        reading = Reading(self.ledger, self.accounts, self.faults)
        sellers, messages = Sellers(self.accounts), self.contact
        orders, messaging = "/orders/2026-01-01/orders", "/messaging/v1/orders/{order_id}"
        review = "/solicitations/v1/orders/{order_id}"
        # path, operation, rate per second and burst as published, handler
        reads: list[tuple[str, str, float, int, Handler]] = [
            (orders, "searchOrders", 0.0056, 20, reading.search),
            (orders + "/{order_id}", "getOrder", 0.5, 30, reading.get),
            ("/fba/inventory/v1/summaries", "getInventorySummaries", 2, 2, self.stock.summaries),
            (
                "/sellers/v1/marketplaceParticipations",
                "getMarketplaceParticipations",
                0.016,
                15,
                sellers.participations,
            ),
            ("/sellers/v1/account", "getAccount", 0.016, 15, sellers.account),
            (messaging, "getMessagingActionsForOrder", 1, 5, messages.actions),
            (messaging + "/attributes", "GetAttributes", 1, 5, messages.attributes),
            (review, "getSolicitationActionsForOrder", 1, 5, messages.solicitations),
        ]
        confirm = Confirming(self.ledger).confirm
        writes: list[tuple[str, str, float, int, Handler]] = [
            ("/orders/v0/orders/{order_id}/shipmentConfirmation", "confirmShipment", 2, 10, confirm),
            ("/tokens/2021-03-01/restrictedDataToken", "createRestrictedDataToken", 1, 10, sellers.restricted_token),
            *((f"{messaging}/messages/{name}", name, 1, 5, partial(messages.send, name)) for name in contact.ACTIONS),
            (review + "/solicitations/" + contact.REVIEW, "createReviewSolicitation", 1, 5, messages.solicit),
        ]
        routes: list[BaseRoute] = [Route("/auth/o2/token", self.token, methods=["POST"])]
        for method, table in (("GET", reads), ("POST", writes)):
            for path, operation, rate, burst, handler in table:
                routes.append(Route(path, self._operation(operation, rate, burst, handler), methods=[method]))
        everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [*routes, Route("/{path:path}", self.unknown, methods=everything)]

    async def token(self, request: Request) -> Response:
        """Login with Amazon: an access token for a refresh token."""
        body = await request.body()
        try:
            granted, account = self.accounts.grant(body)
        except TokenRefused as error:
            return self._finish(_oauth_error(error), None)
        faults = ("html503", "server_error", "timeout_before", "timeout_after")
        fault = self.faults.draw(faults, op="token", account=account.account_id)
        if fault == "html503":
            return Response(HTML503, 503, media_type="text/html")
        if fault == "server_error":
            return self._finish(_oauth_error(TokenRefused(500, "server_error", "The service is unavailable.")), None)
        if fault is not None:
            return Cut()
        return self._finish(answer(granted), None)

    async def unknown(self, request: Request) -> Response:
        response = refusal(Refused(404, "NotFound", "The requested resource was not found.", request.url.path))
        response.headers.update(headers())
        return response

    def _operation(self, operation: str, rate: float, burst: int, handler: Handler) -> Endpoint:
        reads_only = operation.startswith(("search", "get", "Get"))

        async def endpoint(request: Request) -> Response:
            try:
                account = self.accounts.authenticate(request.headers.get("x-amz-access-token", ""))
            except DeadToken as error:
                return self._finish(refusal(Refused(403, "Unauthorized", DENIED, str(error))), None)
            key = (self.name, account.client_id, account.account_id, operation)
            if self.limiter.take(key, rate, burst):
                return self._finish(refusal(QUOTA), rate)
            struck = self._strike(BEFORE + (("empty200",) if reads_only else ()), operation, account, rate)
            if struck is not None:
                return struck
            body = b"" if reads_only else await request.body()
            try:
                response = handler(Call(account, request, body, operation))
            except Refused as error:
                return self._finish(refusal(error), rate)
            after = ("timeout_after", "die_mid_page") if reads_only else ("timeout_after",)
            fault = self.faults.draw(after, op=operation, account=account.account_id)
            if fault == "timeout_after":
                return Cut()
            if fault == "die_mid_page":
                content = bytes(response.body)
                return Cut(content[: len(content) // 2], len(content))
            return self._finish(response, rate)

        return endpoint

    def _strike(self, kinds: tuple[str, ...], operation: str, account: Account, rate: float) -> Response | None:
        """A fault before anything is done."""
        fault = self.faults.draw(kinds, op=operation, account=account.account_id)
        if fault is None:
            return None
        if fault == "timeout_before":
            return Cut()
        if fault == "html503":
            return self._finish(Response(HTML503, 503, media_type="text/html"), None)
        if fault == "empty200":
            return self._finish(Response(b"", 200, media_type="application/json"), None)
        if fault == "server_error":
            error = Refused(500, "InternalFailure", "We encountered an internal error. Please try again.")
            return self._finish(refusal(error), None)
        if fault == "token_dead":
            error = Refused(403, "Unauthorized", DENIED, "The access token you provided has expired.")
            return self._finish(refusal(error), None)
        return self._finish(refusal(QUOTA), rate if fault == "throttle" else None)

    @staticmethod
    def _finish(response: Response, rate: float | None) -> Response:
        response.headers.update(headers(rate))
        return response


def _oauth_error(error: TokenRefused) -> Response:
    return answer({"error": error.error, "error_description": error.description}, status=error.status)


QUOTA = Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
