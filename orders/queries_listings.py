"""Reads of listings and their matches: which wait, for how many orders, and what SKU each might be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from channels import finding
from core import bulk
from core.permissions import Actor
from inventory.codes import code_key
from orders import matching, permissions
from orders.matching import Candidate, Suggestion

TABS = ("waiting", "open", "matched", "ignored", "all")
FEW_SKUS = 500
PER_GRAM = 40  # candidates that a gram may bring
_NAMES = (
    "id account_id account seller_sku external_id title platform_fulfilled seen_at sku_id units matched_by sku"
    " sku_title sku_title_zh waiting"
).split()
# Orders that wait for the listing: few lines have no SKU, and they have an index of their own.
_WAITING = (
    "SELECT l.account_id, l.seller_sku, count(DISTINCT l.order_id) AS n FROM orders_orderline l"
    " JOIN orders_order o ON o.id = l.order_id WHERE l.sku_id IS NULL AND o.state = 'unmatched' GROUP BY 1, 2"
)
_WHERE = {
    "waiting": "g.sku_id IS NULL AND w.n > 0",
    "open": "g.sku_id IS NULL AND g.matched_by <> 'ignored'",
    "matched": "g.sku_id IS NOT NULL",
    "ignored": "g.sku_id IS NULL AND g.matched_by = 'ignored'",
    "all": "true",
}


@dataclass
class Page:
    """``next``: key for ``after``, '' at the end."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""


def listings(
    actor: Actor, *, tab: str, text: str = "", accounts: Sequence[int] = (), after: str = "", limit: int = 50
) -> Page:
    """Those that most orders wait for first, then the newest."""
    actor.require(permissions.VIEW)
    where, params = _scope(actor, tab, text, accounts)
    waiting, number = _position(after)
    first, rest = ("", "") if not after else ("AND (w.n, g.id) < (%s, %s)", "")
    ahead: list[Any] = [waiting, number] if after else []
    behind: list[Any] = []
    if after and not waiting:
        first, ahead, rest, behind = "AND false", [], "AND g.id < %s", [number]
    # Those that orders wait for are few and are sorted; the others are met by number, from the newest, until it is enough.
    rows = bulk.fetch(
        f"WITH w AS ({_WAITING}), f AS (SELECT g.id, w.n FROM w JOIN channels_listing g ON g.account_id = w.account_id"
        f" AND g.seller_sku = w.seller_sku WHERE {where} {first} ORDER BY w.n DESC, g.id DESC LIMIT %s),"
        " r AS (SELECT g.id, 0::bigint AS n FROM channels_listing g LEFT JOIN w ON w.account_id = g.account_id"
        f" AND w.seller_sku = g.seller_sku WHERE w.n IS NULL AND {where} {rest} ORDER BY g.id DESC LIMIT %s)"
        " SELECT g.id, g.account_id, a.name, g.seller_sku, g.external_id, g.title, g.platform_fulfilled, g.seen_at,"
        " g.sku_id, g.units, g.matched_by, s.code, s.title, s.title_zh, x.n"
        " FROM (SELECT * FROM f UNION ALL SELECT * FROM r) x JOIN channels_listing g ON g.id = x.id"
        " JOIN channels_account a ON a.id = g.account_id LEFT JOIN inventory_sku s ON s.id = g.sku_id"
        " ORDER BY x.n DESC, g.id DESC LIMIT %s",
        [*params, *ahead, limit + 1, *params, *behind, limit + 1, limit + 1],
    )
    page = Page([dict(zip(_NAMES, row, strict=True)) for row in rows[:limit]])
    if len(rows) > limit:
        page.next = f"{page.rows[-1]['waiting']}~{page.rows[-1]['id']}"
    return page


def ids(actor: Actor, *, tab: str, text: str = "", accounts: Sequence[int] = (), limit: int = 100_000) -> list[int]:
    """All of a view."""
    actor.require(permissions.VIEW)
    where, params = _scope(actor, tab, text, accounts)
    rows = bulk.fetch(
        f"WITH w AS ({_WAITING}) SELECT g.id FROM channels_listing g"
        " LEFT JOIN inventory_sku s ON s.id = g.sku_id"
        " LEFT JOIN w ON w.account_id = g.account_id AND w.seller_sku = g.seller_sku"
        f" WHERE {where} ORDER BY g.id LIMIT %s",
        [*params, limit],
    )
    return [row[0] for row in rows]


def counts(actor: Actor) -> dict[str, int]:
    """{tab: listings}."""
    actor.require(permissions.VIEW)
    scope = None if actor.accounts is None else sorted(actor.accounts)
    sums = ", ".join(f"count(*) FILTER (WHERE {_WHERE[tab]})" for tab in TABS)
    row = bulk.fetch(
        f"WITH w AS ({_WAITING}) SELECT {sums} FROM channels_listing g"
        " LEFT JOIN w ON w.account_id = g.account_id AND w.seller_sku = g.seller_sku"
        " WHERE %s::bigint[] IS NULL OR g.account_id = ANY(%s::bigint[])",
        [scope, scope],
    )[0]
    return dict(zip(TABS, row, strict=True))


def waiting(actor: Actor) -> int:
    """Listings that orders wait for, for tiles and steps."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(f"SELECT account_id, count(*) FROM ({_WAITING}) w GROUP BY account_id")
    return sum(row[1] for row in rows if actor.sees_account(row[0]))


def names(listing_ids: Sequence[int]) -> dict[int, str]:
    return dict(bulk.fetch("SELECT id, seller_sku FROM channels_listing WHERE id = ANY(%s)", [list(listing_ids)]))


def matched(listing_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """{listing: (SKU, pieces)} of those that have one."""
    sql = "SELECT id, sku_id, units FROM channels_listing WHERE id = ANY(%s) AND sku_id IS NOT NULL"
    return {row[0]: (row[1], row[2]) for row in bulk.fetch(sql, [list(listing_ids)])}


def discontinued(sku_ids: Sequence[int]) -> dict[int, str]:
    """{SKU that is not sold any more: code of its successor, or ''}."""
    return dict(
        bulk.fetch(
            "SELECT s.id, coalesce(n.code, '') FROM inventory_sku s LEFT JOIN inventory_sku n ON n.id = s.successor_id"
            " WHERE s.id = ANY(%s) AND s.state <> 'active'",
            [list(sku_ids)],
        )
    )


def _scope(actor: Actor, tab: str, text: str, accounts: Sequence[int]) -> tuple[str, list[Any]]:
    where: list[str] = [_WHERE.get(tab, _WHERE["open"])]
    params: list[Any] = []
    if actor.accounts is not None or accounts:
        seen = set(accounts or actor.accounts or ())
        where.append("g.account_id = ANY(%s)")
        params.append(sorted(seen if actor.accounts is None else seen & actor.accounts))
    if text.strip():
        found, given = _named(text)
        where.append(found)
        params += given
    return " AND ".join(where), params


def _named(text: str) -> tuple[str, list[Any]]:
    """Listings by any part of their own words (index of grams; what is too short for it from the start of the seller SKU),
    and those of SKUs whose code starts so. Few hits come from the indexes, of many the newest are met at once."""
    start = _start(text.strip())
    by_start = "g.seller_sku LIKE %s OR g.seller_sku LIKE %s", [start.upper(), start.lower()]
    own, given = finding.holding(text, "g") or by_start
    code = _start(code_key(text))
    skus = bulk.fetch("SELECT id FROM inventory_sku WHERE code_key LIKE %s LIMIT %s", [code, FEW_SKUS + 1])
    if len(skus) <= FEW_SKUS:
        # Told one by one the index of listings by SKU is used too.
        return f"(({own}) OR g.sku_id = ANY(%s::bigint[]))", [*given, [row[0] for row in skus]]
    return f"(({own}) OR g.sku_id IN (SELECT id FROM inventory_sku WHERE code_key LIKE %s))", [*given, code]


def _start(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _position(after: str) -> tuple[int, int]:
    first, _, second = after.partition("~")
    fine = first.isdecimal() and second.isdecimal() and len(after) < 30
    return (int(first), int(second)) if fine else (0, 0)


# -- suggestions --------------------------------------------------------------------------------------------------------


def suggestions(rows: Sequence[dict[str, Any]]) -> dict[int, list[Suggestion]]:
    """{listing: SKUs it might be, the likeliest first} of rows of ``listings``: two statements for a page."""
    open_ = [row for row in rows if row["sku_id"] is None and (row["seller_sku"] or row["title"])]
    if not open_:
        return {}
    common = _common()
    pairs = [
        (row["id"], gram) for row in open_ for gram in matching.looked_for(row["seller_sku"], row["title"], common)
    ]
    found: dict[int, list[Candidate]] = {}
    if pairs:
        for listing, *sku in bulk.fetch(
            "WITH w AS (SELECT DISTINCT gram FROM unnest(%s::int[]) AS gram), hit AS (SELECT w.gram, k.id FROM w"
            " CROSS JOIN LATERAL (SELECT id FROM inventory_sku WHERE grams @> ARRAY[w.gram] AND state = 'active'"
            " LIMIT %s) k), near AS (SELECT p.listing, h.id, row_number() OVER (PARTITION BY p.listing"
            " ORDER BY count(*) DESC, h.id) AS place FROM unnest(%s::bigint[], %s::int[]) AS p(listing, gram)"
            " JOIN hit h ON h.gram = p.gram GROUP BY p.listing, h.id)"
            " SELECT n.listing, k.id, k.code, k.title, k.title_zh FROM near n JOIN inventory_sku k ON k.id = n.id"
            " WHERE n.place <= 25",
            [[gram for _, gram in pairs], PER_GRAM, *bulk.columns(pairs)],
        ):
            found.setdefault(listing, []).append(Candidate(*sku))
    return {row["id"]: matching.best(row["seller_sku"], row["title"], found.get(row["id"], ())) for row in open_}


def _common() -> dict[int, float]:
    """{gram: share of SKUs} of those that many SKUs have, as the server's statistics know them."""
    rows = bulk.fetch(
        "SELECT most_common_elems::text::int[], most_common_elem_freqs FROM pg_stats"
        " WHERE schemaname = current_schema() AND tablename = 'inventory_sku' AND attname = 'grams'"
    )
    if not rows or not rows[0][0]:
        return {}
    return dict(zip(rows[0][0], rows[0][1], strict=False))


def by_code(texts: Sequence[str]) -> dict[str, int]:
    """{text as typed: SKU} of codes and barcodes that are known."""
    keys = {text: code_key(text) for text in texts}
    found = dict(bulk.fetch("SELECT code_key, id FROM inventory_sku WHERE code_key = ANY(%s)", [list(keys.values())]))
    codes = {text: found[key] for text, key in keys.items() if key in found}
    left = [text for text in texts if text not in codes and text]
    bars: dict[str, int] = {}
    if left:
        bars = dict(bulk.fetch("SELECT barcode, min(id) FROM inventory_sku WHERE barcode = ANY(%s) GROUP BY 1", [left]))
    return codes | {text: bars[text] for text in left if text in bars}


def certain(actor: Actor, listing_ids: Sequence[int]) -> dict[int, int]:
    """{listing: SKU} where one SKU is nearly the same and no other comes near."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(
        "SELECT id, account_id, seller_sku, title, sku_id FROM channels_listing WHERE id = ANY(%s)", [list(listing_ids)]
    )
    shown = [
        {"id": pk, "seller_sku": name, "title": title, "sku_id": sku}
        for pk, account, name, title, sku in rows
        if actor.sees_account(account)
    ]
    chosen = {pk: matching.certain(found) for pk, found in suggestions(shown).items()}
    return {pk: one.sku_id for pk, one in chosen.items() if one is not None}
