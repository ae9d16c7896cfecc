"""GetOrders: filters with their limits, pages, and the faults that strike pages."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ..base import clock
from ..base.faults import Faults
from ..base.store import loads
from .book import Book
from .errors import invalid
from .render import for_level
from .times import DAY
from .wire import boolean, fragment, integer, moment, sub

GRAMMAR: dict[str, Any] = {
    "CreateTimeFrom": None,
    "CreateTimeTo": None,
    "IncludeFinalValueFee": None,
    "ListingType": None,
    "ModTimeFrom": None,
    "ModTimeTo": None,
    "NumberOfDays": None,
    "OrderIDArray": {"OrderID*": None},
    "OrderRole": None,
    "OrderStatus": None,
    "Pagination": {"EntriesPerPage": None, "PageNumber": None},
    "SortingOrder": None,
}
STATUSES = ("All", "Active", "CancelPending", "Cancelled", "Completed", "Inactive", "Shipped")
#: a request made from "now minus 90 days" is on its way for a while
SLACK = 3600.0
CREATE_DAYS, MODIFIED_DAYS, OLDEST_DAYS = 90, 30, 90
#: an order hidden by the fault ``withhold`` is given in full after so many seconds
WITHHELD_SECONDS = 90.0


@dataclass
class Query:
    where: str
    args: list[Any]
    order: str
    per_page: int
    page: int


@dataclass
class GetOrders:
    book: Book
    faults: Faults

    def __call__(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        self.book.reveal_due(account)
        query = self.query(account, request)
        count = self.book.store.one(f"SELECT COUNT(*) AS n FROM orders WHERE {query.where}", *query.args)
        assert count is not None
        total: int = count["n"]
        rows = self.page(query, (query.page - 1) * query.per_page, query.per_page)
        pages = -(-total // query.per_page)
        more = query.page < pages
        texts = self.texts(account, rows, query, more)
        return self.content([for_level(text, compatibility) for text in texts], total, pages, query, more)

    def page(self, query: Query, offset: int, limit: int) -> list[sqlite3.Row]:
        # Only the ids are taken in order; the long rows are read for the page alone.
        return self.book.store.all(
            f"SELECT o.* FROM (SELECT seq FROM orders WHERE {query.where} ORDER BY {query.order} LIMIT ? OFFSET ?) AS p"
            f" JOIN orders AS o ON o.seq = p.seq ORDER BY {query.order.replace('seq', 'o.seq')}",
            *query.args,
            limit,
            offset,
        )

    def query(self, account: sqlite3.Row, request: dict[str, Any]) -> Query:
        now = clock.epoch()
        per_page, page = pagination(request.get("Pagination") or {}, default=25, most=100)
        if "IncludeFinalValueFee" in request:
            boolean(request["IncludeFinalValueFee"], "IncludeFinalValueFee")
        role = request.get("OrderRole", "Seller")
        if role not in ("Seller", "Buyer"):
            raise invalid("OrderRole")
        sorting = request.get("SortingOrder", "Ascending")
        if sorting not in ("Ascending", "Descending"):
            raise invalid("SortingOrder")
        down = " DESC" if sorting == "Descending" else ""
        where, args = ["account_id = ?", "listed = 1", "visible <= ?"], [account["account_id"], now]
        if role == "Buyer":
            where.append("0")
        ids = [value for value in (request.get("OrderIDArray") or {}).get("OrderID", []) if value]
        if ids:
            found = sorted({self.book.order_of_line(account["account_id"], value) or value for value in ids})
            where.append(f"order_id IN ({','.join('?' * len(found))})")
            return Query(" AND ".join(where), [*args, *found], f"created{down}, seq{down}", per_page, page)
        column, more, values = self.window(request, now)
        where.append(more)
        args.extend(values)
        status = request.get("OrderStatus", "All")
        if status not in STATUSES:
            raise invalid("OrderStatus")
        if status == "Shipped":
            where.append("status = 'Completed' AND instr(xml, '<ShippedTime>') > 0")
        elif status != "All":
            where.append("status = ?")
            args.append(status)
        where.append("created >= ?")
        args.append(now - OLDEST_DAYS * DAY - SLACK)
        return Query(" AND ".join(where), args, f"{column}{down}, seq{down}", per_page, page)

    def window(self, request: dict[str, Any], now: float) -> tuple[str, str, list[float]]:
        """The one time filter of the request: (column to sort by, condition, values). Raises error 37."""
        if "NumberOfDays" in request:
            days = integer(request["NumberOfDays"], "NumberOfDays")
            if not 1 <= days <= 30:
                raise invalid("NumberOfDays", "It must be between 1 and 30.")
            since = now - days * DAY
            return "modified", "(modified >= ? OR created >= ?)", [since, since]
        kinds = [kind for kind in ("CreateTime", "ModTime") if f"{kind}From" in request or f"{kind}To" in request]
        if len(kinds) != 1:
            why = "Use one of CreateTimeFrom/CreateTimeTo, ModTimeFrom/ModTimeTo, NumberOfDays or OrderIDArray."
            raise invalid(f"{kinds[1]}From" if kinds else "CreateTimeFrom", why)
        kind = kinds[0]
        for end in ("From", "To"):
            if not request.get(f"{kind}{end}"):
                raise invalid(f"{kind}{end}", "Both ends of the range are needed.")
        since = moment(request[f"{kind}From"], f"{kind}From")
        until = moment(request[f"{kind}To"], f"{kind}To")
        limit = CREATE_DAYS if kind == "CreateTime" else MODIFIED_DAYS
        if since > until:
            raise invalid(f"{kind}From", "The range starts after its end.")
        if until - since > limit * DAY + 1:
            raise invalid(f"{kind}From", f"The range may not be longer than {limit} days.")
        if kind == "CreateTime" and since < now - OLDEST_DAYS * DAY - SLACK:
            raise invalid("CreateTimeFrom", f"Orders older than {OLDEST_DAYS} days cannot be retrieved.")
        column = "created" if kind == "CreateTime" else "modified"
        return column, f"{column} >= ? AND {column} <= ?", [since, until]

    def texts(self, account: sqlite3.Row, rows: list[sqlite3.Row], query: Query, more: bool) -> list[str]:
        """The page's orders as text, after the faults of page building."""
        name = account["account_id"]

        def struck(kind: str) -> bool:
            return self.faults.draw((kind,), op="GetOrders", account=name) is not None

        if account["withhold_until"] > clock.epoch():
            texts = [self.book.withheld(account, row, account["withhold_until"]) for row in rows]
        else:
            texts = [row["xml"] for row in rows]
            if rows and struck("withhold"):
                places = list(range(len(rows)))
                self.faults.shuffle(places)
                hidden = places[0]
                texts[hidden] = self.book.withheld(account, rows[hidden], clock.epoch() + WITHHELD_SECONDS)
        if query.page > 1 and struck("repeat"):
            former = self.page(query, (query.page - 1) * query.per_page - 1, 1)
            texts = [row["xml"] for row in former] + texts
        elif texts and query.page == 1 and struck("repeat"):
            texts = [*texts, texts[0]]
        if len(texts) > 1 and struck("reorder"):
            self.faults.shuffle(texts)
        if more and struck("page_shift"):
            self.shift(account, rows)
        return texts

    def shift(self, account: sqlite3.Row, rows: list[sqlite3.Row]) -> None:
        """An order of this page is touched: it goes to the end, and every later order moves one place forward."""
        for row in rows:
            if row["doc"] != "null":
                self.book.save(account, row, loads(row["doc"]), touch=True)
                return

    def content(self, texts: list[str], total: int, pages: int, query: Query, more: bool) -> str:
        result = etree.Element("PaginationResult")
        sub(result, "TotalNumberOfPages", pages)
        sub(result, "TotalNumberOfEntries", total)
        return (
            f"{fragment(result)}<HasMoreOrders>{'true' if more else 'false'}</HasMoreOrders>"
            f"<OrderArray>{''.join(texts)}</OrderArray><OrdersPerPage>{query.per_page}</OrdersPerPage>"
            f"<PageNumber>{query.page}</PageNumber><ReturnedOrderCountActual>{len(texts)}</ReturnedOrderCountActual>"
        )


def pagination(given: dict[str, Any], *, default: int, most: int, sizes: tuple[int, ...] = ()) -> tuple[int, int]:
    """(entries per page, page number). Raises error 37 outside of what the call allows."""
    entries = integer(given.get("EntriesPerPage", str(default)), "EntriesPerPage")
    page = integer(given.get("PageNumber", "1"), "PageNumber")
    if not 1 <= entries <= most or (sizes and entries not in sizes):
        allowed = ", ".join(map(str, sizes)) if sizes else f"1 to {most}"
        raise invalid("Pagination.EntriesPerPage", f"Allowed: {allowed}.")
    if page < 1:
        raise invalid("Pagination.PageNumber")
    return entries, page
