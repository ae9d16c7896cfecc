"""HTTP out (architecture §7): the one door, with time-outs, a shared rate budget, a breaker and no private addresses.

``SAMPAN_HTTP_LIMITS=off`` switches the rate budget off (benches). Everything else is always on.
"""

from __future__ import annotations

import requests

from core.http.door import Door, InTransaction, counting
from core.wire import Http, HttpAnswer
from core.wire.sdk import Describe
from core.wire.sdk import requests_session as _session

__all__ = ["Http", "HttpAnswer", "InTransaction", "client", "counting", "requests_session"]


def client(application: str, account_key: str) -> Http:
    """The way out for one account. ``application``: whose credentials (e.g. ``amazon``); ``account_key``: one per
    account and installation, e.g. ``<schema>:<account id>``; both name the rate budget, neither is sent.
    """
    return Door(application, account_key)


def requests_session(application: str, account_key: str, describe: Describe) -> requests.Session:
    """A ``requests.Session`` that goes through ``client(application, account_key)``; see ``core.wire.sdk``."""
    return _session(client(application, account_key), describe)
