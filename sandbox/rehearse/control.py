"""The simulators' control interface, as a person who looks behind the curtain would use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from core import clock

PAGE = 500


class ControlRefused(Exception):
    """The simulator does not do what it was asked; the text is its reason. ``status``: of HTTP."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Control:
    """One client for all simulators. Calls are repeated when the connection fails: all of them may be made twice."""

    def __init__(self, url: str, tries: int = 8) -> None:
        self._tries = tries
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=60.0, trust_env=False)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, json=body)

    def get(self, path: str, **params: Any) -> Any:
        return self._ask("GET", path, params={name: value for name, value in params.items() if value is not None})

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        for attempt in range(self._tries):
            try:
                answer = self._http.request(method, f"/_control{path}", **more)
                break
            except httpx.TransportError:
                if attempt == self._tries - 1:
                    raise
                clock.sleep(0.3)
        if answer.status_code != 200:
            raise ControlRefused(answer.text[:300], answer.status_code)
        return answer.json()

    # -- accounts ---------------------------------------------------------------------------------------------------

    def plan_orders(self, platform: str, account: str, orders: Sequence[dict[str, Any]]) -> dict[str, str]:
        """{ref: the platform's id} of planned orders, which are posted in pages."""
        ids: dict[str, str] = {}
        for start in range(0, len(orders), PAGE):
            page = list(orders[start : start + PAGE])
            ids |= self.post(f"/{platform}/accounts/{account}/orders", {"orders": page})["ids"]
        return ids

    def plan_messages(self, platform: str, account: str, messages: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(messages), PAGE):
            self.post(f"/{platform}/accounts/{account}/messages", {"messages": list(messages[start : start + PAGE])})

    def act(self, platform: str, account: str, order_id: str, act: str, **more: Any) -> Any:
        return self.post(f"/{platform}/accounts/{account}/orders/{order_id}/act", {"act": act, **more})

    # -- what they know ---------------------------------------------------------------------------------------------

    def orders(self, platform: str, account: str) -> Iterator[dict[str, Any]]:
        return self._pages(f"/{platform}/accounts/{account}/orders", "orders")

    def messages(self, platform: str, account: str) -> list[dict[str, Any]]:
        return list(self.get(f"/{platform}/accounts/{account}/messages")["messages"])

    def shipments(self, account: str) -> Iterator[dict[str, Any]]:
        return self._pages(f"/yunexpress/accounts/{account}/shipments", "shipments")

    def _pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            page = self.get(path, after=after, limit=PAGE)
            yield from page[name]
            after = page["next"]
            if not after:
                return
