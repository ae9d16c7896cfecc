"""FBA Inventory API v1: what lies in Amazon's warehouses."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..base import clock
from ..base.store import Store, dumps, loads
from .accounts import Accounts
from .rendering import asin, number
from .wire import Call, Refused, answer, invalid, one_marketplace, read_query, read_time

PAGE = 50
TOKEN_SECONDS = 30
NUMBERS = (
    "fulfillable",
    "inbound_working",
    "inbound_shipped",
    "inbound_receiving",
    "reserved_customer",
    "reserved_transfer",
    "reserved_processing",
    "unfulfillable",
    "researching",
)
_INBOUND = ("inbound_working", "inbound_shipped", "inbound_receiving")

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (
    account_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    marketplace TEXT NOT NULL,
    changed INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (account_id, marketplace, sku)
);
"""


class Stock:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts = store, accounts

    def put(self, account_id: str, marketplace: str, items: list[dict[str, Any]]) -> int:
        """Set the numbers of SKUs (those not named stay). Inbound changes do not move the time of change."""
        now = int(clock.epoch())
        with self._store.transaction():
            for item in items:
                row = self._store.one(
                    "SELECT * FROM stock WHERE account_id = ? AND marketplace = ? AND sku = ?",
                    account_id,
                    marketplace,
                    item["sku"],
                )
                former = loads(row["item"]) if row else {}
                fresh = {"asin": asin(item["sku"]), "fnsku": "X00" + number(item["sku"], 7), "title": item["sku"]}
                fresh |= dict.fromkeys(NUMBERS, 0) | former | item
                fresh |= {name: int(fresh[name]) for name in NUMBERS}
                same = row is not None and all(former[name] == fresh[name] for name in NUMBERS if name not in _INBOUND)
                changed = row["changed"] if row is not None and same else now
                self._store.run(
                    "INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?, ?)",
                    account_id,
                    item["sku"],
                    marketplace,
                    changed,
                    dumps(fresh),
                )
        return len(items)

    def all(self, account_id: str) -> list[dict[str, Any]]:
        rows = self._store.all("SELECT * FROM stock WHERE account_id = ? ORDER BY marketplace, sku", account_id)
        return [loads(row["item"]) | {"marketplace": row["marketplace"]} for row in rows]

    def summaries(self, call: Call) -> Response:
        query = read_query(
            call.request,
            single=("details", "granularityType", "granularityId", "startDateTime", "sellerSku", "nextToken"),
            lists=("sellerSkus", "marketplaceIds"),
        )
        place = one_marketplace(query)
        if query.get("granularityType") != "Marketplace":
            raise invalid("granularityType must be Marketplace")
        if "granularityId" not in query:
            raise invalid("granularityId is required")
        if query["granularityId"] != place:
            raise invalid("granularityId and marketplaceIds differ")
        details = query.get("details", "false")
        if details not in ("true", "false"):
            raise invalid("details must be true or false")
        account = call.account
        if place not in [known.id for known in account.marketplaces]:
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.")
        # The token holds nothing but the place: who changes the other parameters between pages gets a wrong set.
        start = self._open(query["nextToken"], account.account_id) if "nextToken" in query else ""
        where, arguments = _filter(query)
        rows = self._store.all(
            f"SELECT * FROM stock WHERE account_id = ? AND marketplace = ? AND sku > ? {where} ORDER BY sku LIMIT ?",
            account.account_id,
            place,
            start,
            *arguments,
            PAGE + 1,
        )
        found: dict[str, Any] = {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": place},
                "inventorySummaries": [_summary(row, details == "true") for row in rows[:PAGE]],
            }
        }
        if len(rows) > PAGE:
            token = {"i": account.account_id, "s": rows[PAGE - 1]["sku"], "t": clock.epoch()}
            found["pagination"] = {"nextToken": self._accounts.seal(token)}
        return answer(found)

    def _open(self, token: str, account_id: str) -> str:
        place = self._accounts.unseal(token)
        if place is None or place.get("i") != account_id:
            raise invalid("Invalid nextToken")
        if clock.epoch() - place["t"] > TOKEN_SECONDS:
            raise invalid("The nextToken has expired")
        return str(place["s"])


def _filter(query: dict[str, Any]) -> tuple[str, list[Any]]:
    """startDateTime goes before sellerSkus, and these before sellerSku."""
    if "startDateTime" in query:
        start = read_time(query["startDateTime"], "startDateTime")
        if start < clock.epoch() - 548 * 86400:
            raise invalid("startDateTime must not be earlier than 18 months ago")
        return "AND changed >= ?", [start]
    skus = query.get("sellerSkus") or ([query["sellerSku"]] if "sellerSku" in query else [])
    if len(skus) > 50:
        raise invalid("sellerSkus takes at most 50 values")
    return (f"AND sku IN ({','.join('?' * len(skus))})", skus) if skus else ("", [])


def _summary(row: Any, details: bool) -> dict[str, Any]:
    item = loads(row["item"])
    found: dict[str, Any] = {
        "asin": item["asin"],
        "fnSku": item["fnsku"],
        "sellerSku": item["sku"],
        "condition": "NewItem",
        "lastUpdatedTime": clock.iso(row["changed"]),
        "productName": item["title"],
        "totalQuantity": sum(item[name] for name in NUMBERS),
        "stores": [],
    }
    if details:
        reserved = [item[name] for name in ("reserved_customer", "reserved_transfer", "reserved_processing")]
        found["inventoryDetails"] = {
            "fulfillableQuantity": item["fulfillable"],
            "inboundWorkingQuantity": item["inbound_working"],
            "inboundShippedQuantity": item["inbound_shipped"],
            "inboundReceivingQuantity": item["inbound_receiving"],
            "reservedQuantity": {
                "totalReservedQuantity": sum(reserved),
                "pendingCustomerOrderQuantity": reserved[0],
                "pendingTransshipmentQuantity": reserved[1],
                "fcProcessingQuantity": reserved[2],
            },
            "researchingQuantity": {
                "totalResearchingQuantity": item["researching"],
                "researchingQuantityBreakdown": [
                    {"name": "researchingQuantityInShortTerm", "quantity": item["researching"]},
                    {"name": "researchingQuantityInMidTerm", "quantity": 0},
                    {"name": "researchingQuantityInLongTerm", "quantity": 0},
                ],
            },
            "unfulfillableQuantity": {
                "totalUnfulfillableQuantity": item["unfulfillable"],
                "customerDamagedQuantity": item["unfulfillable"],
                "warehouseDamagedQuantity": 0,
                "distributorDamagedQuantity": 0,
                "carrierDamagedQuantity": 0,
                "defectiveQuantity": 0,
                "expiredQuantity": 0,
            },
        }
    return found
