"""Which addresses may be called: public ones only, so that a shop's settings cannot reach into our own network.

The check happens where the connection is made, on the address that is then connected to: a name that resolves
differently a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings

from core.errors import Rejected

REFUSED = "http.address_refused"
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def sandbox() -> tuple[str, int]:
    """Host and port of the simulators, the one private address that is allowed."""
    parts = urlsplit(settings.SANDBOX_URL)
    return (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def allowed(address: str) -> bool:
    """Whether an IP address is public (global unicast). Mapped and tunnelled IPv4 is judged by what it leads to."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return allowed(str(inner))
        # Old ways to write IPv4 and site-local ones count as global in the tables; hosts only live in here.
        if ip not in GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


def resolve(host: str, port: int) -> str:
    """The address to connect to. Raises Rejected when it is a private one, httpcore.ConnectError when there is none."""
    if (host, port) == sandbox():
        return host
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"no address of {host}") from error
    addresses = [str(entry[4][0]) for entry in found]
    # One private address among several is enough: nobody who means well has that.
    if not addresses or not all(allowed(address) for address in addresses):
        raise Rejected(REFUSED, host=host)
    return addresses[0]


class GuardedBackend(httpcore.SyncBackend):
    """Connects only to what ``resolve`` allows."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return super().connect_tcp(resolve(host, port), port, timeout, local_address, socket_options)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport over a pool that connects through the guard."""

    def __init__(self, *, max_connections: int, max_keepalive: int, keepalive_seconds: float) -> None:
        super().__init__()
        self._pool.close()
        context: ssl.SSLContext = httpx.create_ssl_context()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            max_keepalive_connections=max_keepalive,
            keepalive_expiry=keepalive_seconds,
            network_backend=GuardedBackend(),
        )
