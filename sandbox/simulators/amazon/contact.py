"""What a seller may send to a buyer: typed messages (Messaging v1) and the request for a review (Solicitations v1).

Nothing comes in here: on Amazon a buyer writes through an e-mail relay.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from ..base import clock
from ..base.store import Store, dumps, loads
from .ledger import Ledger
from .marketplaces import BY_ID
from .wire import ORDER_ID, Call, Refused, answer, invalid, one_marketplace, read_query

# action: longest text (0: it takes none), whether attachments may or must be given, other members
ACTIONS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "confirmCustomizationDetails": (800, "may", ()),
    "confirmDeliveryDetails": (2000, "no", ()),
    "legalDisclosure": (0, "must", ()),
    "confirmOrderDetails": (2000, "no", ()),
    "confirmServiceDetails": (2000, "no", ()),
    "digitalAccessKey": (400, "may", ()),
    "unexpectedProblem": (2000, "no", ()),
    "warranty": (0, "must", ("coverageStartDate", "coverageEndDate")),
    "invoice": (0, "must", ()),
}
REVIEW = "productReviewAndSellerFeedback"
_MARKUP = re.compile(r"<[a-zA-Z/!]|[\w.+-]+@[\w-]+\.\w")

SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    action TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sent_order ON sent (account_id, order_id);
"""


class Contact:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger

    def sent(self, account_id: str) -> list[dict[str, Any]]:
        rows = self._store.all("SELECT * FROM sent WHERE account_id = ? ORDER BY id", account_id)
        return [
            {"order_external_id": row["order_id"], "action": row["action"], "at": row["at"], "body": loads(row["body"])}
            for row in rows
        ]

    def actions(self, call: Call) -> Response:
        order_id, place, status = self._order(call)
        base = f"/messaging/v1/orders/{order_id}"
        names = [] if status == "CANCELLED" else list(ACTIONS)
        links = [_link(f"{base}/messages/{name}", place, name) for name in names]
        links.append(_link(f"{base}/attributes", place, "attributes"))
        return answer({"_links": {"actions": links, "self": {"href": f"{base}?marketplaceIds={place}"}}})

    def attributes(self, call: Call) -> Response:
        _, place, _ = self._order(call)
        return answer({"buyer": {"locale": BY_ID[place].language.replace("_", "-")}})

    def send(self, action: str, call: Call) -> Response:
        order_id, _, status = self._order(call)
        if status == "CANCELLED":
            raise Refused(403, "Unauthorized", "The message is not allowed for this order.")
        body = call.json()
        _check(body, *ACTIONS[action])
        self._keep(call, order_id, action, body)
        return answer({}, status=201)

    def solicitations(self, call: Call) -> Response:
        order_id, place, status = self._order(call)
        base = f"/solicitations/v1/orders/{order_id}"
        names = [REVIEW] if status == "SHIPPED" and not self._asked(call, order_id) else []
        links = [_link(f"{base}/solicitations/{name}", place, name) for name in names]
        return answer({"_links": {"actions": links, "self": {"href": f"{base}?marketplaceIds={place}"}}})

    def solicit(self, call: Call) -> Response:
        order_id, _, status = self._order(call)
        if status != "SHIPPED" or self._asked(call, order_id):
            raise Refused(403, "Unauthorized", "A review cannot be requested for this order.")
        self._keep(call, order_id, REVIEW, {})
        return answer({}, status=201)

    def _asked(self, call: Call, order_id: str) -> bool:
        row = self._store.one(
            "SELECT 1 FROM sent WHERE account_id = ? AND order_id = ? AND action = ?",
            call.account.account_id,
            order_id,
            REVIEW,
        )
        return row is not None

    def _keep(self, call: Call, order_id: str, action: str, body: Any) -> None:
        self._store.run(
            "INSERT INTO sent (account_id, order_id, action, at, body) VALUES (?, ?, ?, ?, ?)",
            call.account.account_id,
            order_id,
            action,
            clock.iso(),
            dumps(body),
        )

    def _order(self, call: Call) -> tuple[str, str, str]:
        """Order id, marketplace and status of an order that this seller may write about."""
        place = one_marketplace(read_query(call.request, lists=("marketplaceIds",)))
        order_id = call.path["order_id"]
        row = self._ledger.get(call.account.account_id, order_id) if ORDER_ID.fullmatch(order_id) else None
        if row is None or row["marketplace"] != place or row["visible"] > clock.epoch():
            raise invalid("Invalid Input")
        return order_id, place, row["status"]


def _link(path: str, place: str, name: str) -> dict[str, str]:
    return {"href": f"{path}?marketplaceIds={place}", "name": name}


def _check(body: Any, longest: int, attachments: str, others: tuple[str, ...]) -> None:
    allowed = {*others, *(("text",) if longest else ()), *(("attachments",) if attachments != "no" else ())}
    if not isinstance(body, dict) or not set(body) <= allowed:
        raise invalid("The input you have submitted is not valid.")
    text, files = body.get("text", ""), body.get("attachments", [])
    if not isinstance(text, str) or (longest and not 1 <= len(text) <= longest):
        raise invalid(f"text must have 1 to {longest} characters")
    if _MARKUP.search(text):
        raise invalid("text must not hold HTML or e-mail addresses")
    if not isinstance(files, list) or len(files) > 5 or (attachments == "must" and not files):
        raise invalid("attachments must be a list of 1 to 5 files")
    for one in files:
        if not isinstance(one, dict) or set(one) != {"uploadDestinationId", "fileName"}:
            raise invalid("An attachment has uploadDestinationId and fileName")
