"""Which orders are read again one by one: a few each time, in rounds, so that the platform's rate is not used up."""

from __future__ import annotations

from datetime import timedelta

from channels import canonical
from channels.services import reread
from core import bulk, clock
from core.permissions import Actor
from orders import states

AT_ONCE = 20
WITHHELD_FOR = timedelta(days=30)  # later nobody gives the address any more
SILENT_FOR = timedelta(hours=24)

_WITHHELD = """
    SELECT id, external_id FROM orders_order
     WHERE account_id = %s AND id > %s AND platform <> 'manual' AND state = ANY(%s)
       AND channel_status = ANY(%s) AND NOT platform_fulfilled
       AND NOT address_edited AND (ship_name = '' OR ship_lines = '[]'::jsonb) AND placed_at > %s
     ORDER BY id LIMIT %s
"""
_SILENT = """
    SELECT id, external_id FROM orders_order
     WHERE account_id = %s AND id > %s AND platform <> 'manual' AND state = ANY(%s) AND updated_at < %s
     ORDER BY id LIMIT %s
"""


def reread_some(*, account_id: int, actor: Actor) -> reread.Reread:
    """Orders without receiver that are to be sent, then open orders that did not change for a day."""
    now = clock.now()
    waiting = [states.NEW, states.ADDRESS, states.HELD, states.SHORT, states.UNMATCHED, states.READY]
    paid = [canonical.PAID, canonical.PARTLY_SHIPPED]
    first = _round(account_id, "reread.withheld", _WITHHELD, [waiting, paid, now - WITHHELD_FOR], AT_ONCE)
    done = reread.read_again(account_id=account_id, external_ids=[row[1] for row in first], actor=actor)
    _advance(account_id, "reread.withheld", first, done)
    left = AT_ONCE - len(first)
    if left and done.wait is None:
        still_open = [states.PENDING, *states.TO_SHIP]
        second = _round(account_id, "reread.silent", _SILENT, [still_open, now - SILENT_FOR], left)
        more = reread.read_again(account_id=account_id, external_ids=[row[1] for row in second], actor=actor)
        _advance(account_id, "reread.silent", second, more)
        done.fresh += more.fresh
        done.asked += more.asked
        done.missing += more.missing
        done.refused += more.refused
        done.wait, done.code, done.params = more.wait, more.code, more.params
    return done


def _round(account_id: int, name: str, sql: str, params: list[object], limit: int) -> list[tuple[int, str]]:
    """The next rows of a round; at its end it begins anew."""
    after = reread.place(account_id, name)
    rows = bulk.fetch(sql, [account_id, after, *params, limit])
    if after and len(rows) < limit:
        seen = {row[0] for row in rows}
        again = bulk.fetch(sql, [account_id, 0, *params, limit - len(rows)])
        rows += [row for row in again if row[0] not in seen]
    return [(int(row[0]), str(row[1])) for row in rows]


def _advance(account_id: int, name: str, rows: list[tuple[int, str]], done: reread.Reread) -> None:
    dealt = {*done.asked, *done.missing, *done.refused}
    last = [row_id for row_id, external_id in rows if external_id in dealt]
    if last:
        reread.move(account_id, name, last[-1])
