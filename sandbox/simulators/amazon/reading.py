"""searchOrders and getOrder of the Orders API 2026-01-01."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..base import clock
from ..base.faults import Faults
from ..base.store import dumps, loads
from .accounts import Account, Accounts
from .ledger import Ledger
from .rendering import INCLUDED, view
from .wire import MARKETPLACE_ID, ORDER_ID, Call, Refused, answer, invalid, read_query, read_time

LAG = 120  # seconds until an order shows itself in a search, and the least age of a *Before
TOKEN_SECONDS = 24 * 3600
WITHHELD_SECONDS = 120
STATUSES = frozenset(
    ("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE")
)
TIMES = ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
SINGLE = (*TIMES, "maxResultsPerPage", "paginationToken")
LISTS = ("fulfillmentStatuses", "marketplaceIds", "fulfilledBy", "includedData")


class Reading:
    def __init__(self, ledger: Ledger, accounts: Accounts, faults: Faults) -> None:
        self._ledger, self._accounts, self._faults = ledger, accounts, faults

    def get(self, call: Call) -> Response:
        query = read_query(call.request, lists=("includedData",))
        included = _included(query)
        order_id = call.path["order_id"]
        if not ORDER_ID.fullmatch(order_id):
            raise invalid("Invalid Input", "orderId is not in 3-7-7 format")
        row = self._ledger.get(call.account.account_id, order_id)
        if row is None or row["visible"] > clock.epoch():
            raise Refused(404, "NotFound", "The requested resource was not found.", f"Order {order_id} was not found.")
        return answer('{"order":' + self._render(row, call, included) + "}")

    def search(self, call: Call) -> Response:
        query = read_query(call.request, single=SINGLE, lists=LISTS)
        included, filters = _included(query), _filters(query)
        column, before_name, since, until = _window(query)
        limit = _limit(query)
        digest = _digest(call.request)
        after, page, last = None, 1, None
        if "paginationToken" in query:
            place = self._open(query["paginationToken"], call.account, digest)
            after, until, page, last = (place["c"], place["o"]), place["u"], place["p"] + 1, place["o"]
        rows = self._ledger.page(
            call.account.account_id,
            column=column,
            since=since,
            until=until,
            seen_until=int(clock.epoch()) - LAG,
            after=after,
            filters=filters,
            limit=limit + 1,
        )
        more, rows = rows[limit:], rows[:limit]
        shown = self._disturb(call, rows, more, last)
        found: dict[str, Any] = {}
        if more:
            end = rows[-1]
            token = {"a": call.account.account_id, "d": digest, "c": end[column], "o": end["order_id"], "u": until}
            token |= {"p": page, "t": int(clock.epoch())}
            found["pagination"] = {"nextToken": self._accounts.seal(token)}
        found[before_name] = clock.iso(until)
        texts = ",".join(self._render(row, call, included) for row in shown)
        return answer('{"orders":[' + texts + "]," + dumps(found)[1:])

    def _disturb(
        self, call: Call, rows: list[sqlite3.Row], more: list[sqlite3.Row], last: str | None
    ) -> list[sqlite3.Row]:
        """Faults of paging: an update moves an order on, the last order of the former page comes again, no order."""
        account, op = call.account.account_id, call.operation
        if more and not more[0]["raw"] and self._faults.draw(("page_shift",), op=op, account=account):
            self._ledger.touch(account, more[0]["order_id"])
        shown = list(rows)
        if last is not None and self._faults.draw(("repeat",), op=op, account=account):
            former = self._ledger.get(account, last)
            shown = [former, *shown] if former is not None else shown
        if len(shown) > 1 and self._faults.draw(("reorder",), op=op, account=account):
            self._faults.shuffle(shown)
        return shown

    def _open(self, token: str, account: Account, digest: str) -> dict[str, Any]:
        place = self._accounts.unseal(token)
        if place is None or "p" not in place or place["a"] != account.account_id:
            raise invalid("Invalid Input", "The paginationToken is not valid")
        if clock.epoch() - place["t"] > TOKEN_SECONDS:
            raise invalid("Invalid Input", "The paginationToken has expired")
        if place["d"] != digest:
            raise invalid("Invalid Input", "The parameters differ from those that made the paginationToken")
        return place

    def _render(self, row: sqlite3.Row, call: Call, included: frozenset[str]) -> str:
        if row["raw"]:
            text: str = row["body"]
            return text
        account, now = call.account, clock.epoch()
        withheld = account.withhold_until > now
        if included & {"BUYER", "RECIPIENT"}:
            start = row["personal_from"]
            if start is None and self._faults.draw(("withhold",), op=call.operation, account=account.account_id):
                start = int(now) + WITHHELD_SECONDS
                self._ledger.withhold(account.account_id, row["order_id"], start)
            withheld = withheld or (start or 0) > now
        return dumps(
            view(
                loads(row["body"]),
                included,
                personal="direct_to_consumer" in account.roles and not withheld,
                buyer="tax" in account.roles and not withheld,
            )
        )


def _included(query: dict[str, Any]) -> frozenset[str]:
    return frozenset(_known(query, "includedData", INCLUDED))


def _known(query: dict[str, Any], name: str, allowed: frozenset[str]) -> list[str]:
    values: list[str] = query.get(name) or []
    for value in values:
        if value not in allowed:
            raise invalid(f"Invalid {name}: {value}")
    return values


def _filters(query: dict[str, Any]) -> dict[str, list[str]]:
    places = query.get("marketplaceIds") or []
    if len(places) > 50:
        raise invalid("marketplaceIds takes at most 50 values")
    for place in places:
        if not MARKETPLACE_ID.fullmatch(place):
            raise invalid(f"Invalid marketplaceIds: {place}")
    found = {
        "marketplace": places,
        "status": _known(query, "fulfillmentStatuses", STATUSES),
        "fulfilled_by": _known(query, "fulfilledBy", frozenset(("MERCHANT", "AMAZON"))),
    }
    return {name: values for name, values in found.items() if values}


def _limit(query: dict[str, Any]) -> int:
    text = query.get("maxResultsPerPage", "100")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid("maxResultsPerPage must be between 1 and 100")
    return int(text)


def _window(query: dict[str, Any]) -> tuple[str, str, int, int]:
    """Column, name of the upper bound, lower and upper bound. Amazon says little about what is wrong here."""
    times = {name: read_time(query[name], name) for name in TIMES if name in query}
    by_creation = "createdAfter" in times
    if by_creation == ("lastUpdatedAfter" in times):
        raise invalid("Exactly one of createdAfter and lastUpdatedAfter must be provided")
    kind, other = ("created", "lastUpdated") if by_creation else ("lastUpdated", "created")
    if f"{other}Before" in times:
        raise invalid(f"{other}Before cannot be used with {kind}After")
    newest = int(clock.epoch()) - LAG
    since, until = times[f"{kind}After"], times.get(f"{kind}Before", newest)
    if until > newest or (f"{kind}Before" in times and until < since):
        raise invalid("Invalid Input")
    return ("created" if by_creation else "updated"), f"{kind}Before", since, until


def _digest(request: Request) -> str:
    """Of all parameters that must be repeated unchanged with a pagination token."""
    pairs = sorted(
        pair for pair in request.query_params.multi_items() if pair[0] not in ("paginationToken", "maxResultsPerPage")
    )
    return hashlib.blake2b(repr(pairs).encode(), digest_size=8).hexdigest()
