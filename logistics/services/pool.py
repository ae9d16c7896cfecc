"""Our own pool of tracking numbers: given in advance by carriers without an API, each used once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from core import bulk, clock


def take_numbers(wanted: Iterable[tuple[int, str]]) -> dict[str, str]:
    """``(carrier account, reference)`` pairs → {reference: number}; in the caller's transaction.

    A reference always gets the number that it has already. References for which none is left are not in the answer.
    """
    by_account: dict[int, list[str]] = defaultdict(list)
    for account_id, reference in wanted:
        by_account[account_id].append(reference)
    out: dict[str, str] = {}
    for account_id, references in by_account.items():
        known = bulk.fetch("SELECT reference, number FROM logistics_poolnumber WHERE reference = ANY(%s)", [references])
        out.update(known)
        missing = sorted(set(references) - set(out))
        if missing:
            out.update(_take(account_id, missing))
    return out


def _take(account_id: int, references: list[str]) -> list[tuple[str, str]]:
    """The oldest free numbers; two workers at once take different ones."""
    return [
        (row[0], row[1])
        for row in bulk.fetch(
            "WITH free AS (SELECT id FROM logistics_poolnumber WHERE carrier_account_id = %s AND taken_at IS NULL"
            "  ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED),"
            " ranked AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM free),"
            " asked AS (SELECT reference, n FROM unnest(%s::varchar[]) WITH ORDINALITY AS u(reference, n))"
            " UPDATE logistics_poolnumber p SET reference = asked.reference, taken_at = %s"
            " FROM ranked JOIN asked USING (n) WHERE p.id = ranked.id RETURNING p.reference, p.number",
            [account_id, len(references), references, clock.now()],
        )
    ]


def left(account_id: int) -> int:
    """Free numbers of a carrier account."""
    return int(
        bulk.fetch(
            "SELECT count(*) FROM logistics_poolnumber WHERE carrier_account_id = %s AND taken_at IS NULL", [account_id]
        )[0][0]
    )
