"""Official SDKs build requests and read answers; the wire stays ours (architecture §4).

python-amazon-sp-api gets an ``httpx.Client`` over ``SdkTransport``, ebaysdk a ``requests.Session`` over ``SdkAdapter``;
both hand every request to an ``Http``, so budget, breaker, time-outs and the meaning of a lost answer are the same.
Our errors pass through the SDKs as they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import responses
from typing import Any

import httpx
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from core.wire import Http, HttpAnswer

# Made anew for our own connection; SDKs set Host to what they think the endpoint is.
DROPPED = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Call:
    """What the adapter knows about a request and the SDK does not."""

    operation: str
    writes: bool = False
    rate: tuple[float, float] | None = None
    timeout: float = 30.0


# (method, url, headers with lower-case names) -> Call
Describe = Callable[[str, str, Mapping[str, str]], Call]


def _send(http: Http, describe: Describe, method: str, url: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
    call = describe(method, url, headers)
    return http.send(
        method,
        url,
        operation=call.operation,
        headers={name: value for name, value in headers.items() if name not in DROPPED},
        content=body or None,
        writes=call.writes,
        rate=call.rate,
        timeout=call.timeout,
    )


class SdkTransport(httpx.BaseTransport):
    """A transport for an SDK's ``httpx.Client``."""

    def __init__(self, http: Http, describe: Describe) -> None:
        self._http, self._describe = http, describe

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = _send(self._http, self._describe, request.method, str(request.url), headers, request.read())
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.content, request=request)


def httpx_client(http: Http, describe: Describe) -> httpx.Client:
    """A client that opens no connection of its own; ``client._transport._client`` of an sp_api ``Client``."""
    return httpx.Client(transport=SdkTransport(http, describe), trust_env=False)


class SdkAdapter(BaseAdapter):
    """A transport adapter for an SDK's ``requests.Session``."""

    def __init__(self, http: Http, describe: Describe) -> None:
        super().__init__()
        self._http, self._describe = http, describe

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        answer = _send(self._http, self._describe, request.method or "GET", request.url or "", headers, sent)
        made = requests.Response()
        made.status_code = answer.status
        made.headers = CaseInsensitiveDict(answer.headers)
        made._content = answer.content
        made.raw = io.BytesIO(answer.content)
        made.reason = responses.get(answer.status, "")
        made.url = answer.url or (request.url or "")
        made.request = request
        made.encoding = requests.utils.get_encoding_from_headers(made.headers)
        return made

    def close(self) -> None:
        """Nothing is open here."""


def requests_session(http: Http, describe: Describe) -> requests.Session:
    """A session that opens no connection of its own, for ``Connection.session`` of ebaysdk."""
    session = requests.Session()
    session.trust_env = False
    adapter = SdkAdapter(http, describe)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
