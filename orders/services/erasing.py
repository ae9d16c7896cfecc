"""What orders hold about people: receivers, buyers, former addresses, the search row, customers and their identities.

An order whose person was erased keeps its goods, money, country and region; ``purged_at`` says so, and later answers of
the platform bring nothing personal back (``orders.services.pages``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta

from channels.registry import all_adapters
from channels.services.inbox import ORDER as ORDER_PAYLOAD
from core import bulk, clock
from core.audit import record_many
from core.erasure import BUYER, CUSTOMER, EMAIL, ERASED, ORDER, PAYLOAD, SHIPMENT, Trail
from core.permissions import system
from orders import states
from orders.services.acts import HOLDABLE
from orders.services.customers import pseudonym
from orders.services.pages import reindex

PAGE = 500
# A parcel that was handed over and of which nobody heard again: it is there or lost by then.
LOST_AFTER = timedelta(days=60)
WITHOUT_PLATFORM = 30  # days, for orders of platforms that are not installed any more
ACTOR = system("privacy")

# -- finding ------------------------------------------------------------------------------------------------------------

_CUSTOMERS = """
SELECT i.customer_id FROM orders_customeridentity i JOIN channels_account a ON a.id = i.account_id
 WHERE a.platform = coalesce(nullif(%s, ''), a.platform)
"""
_ORDERS = """
SELECT o.id, o.customer_id FROM orders_order o WHERE o.platform = coalesce(nullif(%s, ''), o.platform)
"""


def find(trail: Trail) -> None:
    if trail.whole:
        _find_person(trail)
    ids = trail.get(ORDER)
    if not ids:
        return
    if trail.whole:  # what was sent again goes with its order; the other way round its own time counts
        copies = bulk.fetch("SELECT order_id FROM orders_manualorder WHERE copied_from_id = ANY(%s)", [ids])
        trail.add(ORDER, [row[0] for row in copies if row[0] is not None])
    rows = bulk.fetch(
        "SELECT account_id, external_id, buyer_id, customer_id, ship_name, buyer_name, ship_phone, ship_email, buyer_email"
        " FROM orders_order WHERE id = ANY(%s)",
        [ids],
    )
    trail.add(PAYLOAD, [(row[0], ORDER_PAYLOAD, row[1]) for row in rows if row[0] is not None])
    trail.add(CUSTOMER, [row[3] for row in rows if row[3] is not None])
    if trail.whole:
        trail.add(BUYER, [row[2] for row in rows if row[2]])
        trail.name(text for row in rows for text in (row[2], *row[4:]))
    trail.add(
        SHIPMENT,
        [
            row[0]
            for row in bulk.fetch(
                "SELECT shipment_id FROM orders_consignment WHERE order_id = ANY(%s) AND shipment_id IS NOT NULL", [ids]
            )
        ],
    )


def _find_person(trail: Trail) -> None:
    """Identities by the platform's id (by index), orders by customer; e-mail addresses only where one was given."""
    buyers, emails, platform = trail.get(BUYER), trail.get(EMAIL), trail.platform
    if buyers:
        rows = bulk.fetch(
            f"{_CUSTOMERS} AND i.external_id = ANY(%s)",
            [platform, buyers],
        )
        trail.add(CUSTOMER, [row[0] for row in rows])
        trail.name(buyers)
    if emails:
        rows = bulk.fetch(f"{_CUSTOMERS} AND lower(i.email) = ANY(%s)", [platform, emails])
        trail.add(CUSTOMER, [row[0] for row in rows])
        rows = bulk.fetch(f"{_ORDERS} AND ARRAY[lower(buyer_email), lower(ship_email)] && %s", [platform, emails])
        trail.add(ORDER, [row[0] for row in rows])
        trail.name(emails)
    if trail.get(CUSTOMER):
        rows = bulk.fetch(f"{_ORDERS} AND o.customer_id = ANY(%s)", [platform, trail.get(CUSTOMER)])
        trail.add(ORDER, [row[0] for row in rows])
    named = [key for key in trail.get(PAYLOAD) if key[1] == ORDER_PAYLOAD]
    if named:
        rows = bulk.fetch(
            "SELECT o.id FROM orders_order o JOIN unnest(%s::bigint[], %s::text[]) AS p(account, external)"
            " ON o.account_id = p.account AND o.external_id = p.external",
            [[key[0] for key in named], [key[2] for key in named]],
        )
        trail.add(ORDER, [row[0] for row in rows])


# -- erasing ------------------------------------------------------------------------------------------------------------

_EMPTY = """
UPDATE orders_order SET buyer_id = '', buyer_name = '', buyer_email = '', buyer_note = '', ship_name = '',
       ship_company = '', ship_lines = '[]', ship_city = '', ship_district = '', ship_postcode = '', ship_phone = '',
       ship_email = '', merge_key = CASE WHEN platform = ANY(%s) THEN merge_key ELSE '' END,
       reason_params = CASE WHEN jsonb_typeof(reason_params) = 'object'
                            THEN reason_params - 'note' - 'reason' - 'item' ELSE reason_params END,
       purged_at = %s, updated_at = %s, version = version + 1
 WHERE id = ANY(%s) AND purged_at IS NULL RETURNING id
"""


def erase(trail: Trail) -> dict[str, int]:
    now = clock.now()
    keep = [] if trail.whole else keepers()
    ids = [row[0] for row in bulk.fetch(_EMPTY, [keep, now, now, trail.get(ORDER)])]
    notes = bulk.execute("DELETE FROM orders_ordernote WHERE order_id = ANY(%s)", [trail.get(ORDER)])
    former = bulk.execute("DELETE FROM orders_formeraddress WHERE order_id = ANY(%s)", [trail.get(ORDER)])
    reindex(ids)
    record_many(ACTOR, [("order", pk, "order.personal_erased", {}) for pk in ids])
    if trail.whole:
        stopped = states.move(ids, states.HELD, expected=HOLDABLE, reason_code="order.person_erased")
        record_many(ACTOR, [("order", pk, "order.held", {"why": "order.person_erased"}) for pk in stopped])
    identities = _pseudonyms(trail)
    _rename(trail.get(CUSTOMER))
    return {"orders": len(ids), "former addresses": former, "notes": notes, "identities": identities}


def keepers() -> list[str]:
    """Platforms that allow a keyed hash of a buyer to be kept, by which one who comes again is known."""
    return sorted(name for name, adapter in all_adapters().items() if adapter.keeps_buyer_hash)


_IDENTITIES = """
SELECT i.id, i.external_id, a.platform FROM orders_customeridentity i JOIN channels_account a ON a.id = i.account_id
 WHERE i.customer_id = ANY(%s) AND i.external_id NOT LIKE %s
   AND a.platform = coalesce(nullif(%s, ''), a.platform)
   AND (%s OR NOT EXISTS (SELECT 1 FROM orders_order o WHERE o.customer_id = i.customer_id
                             AND o.account_id = i.account_id AND o.purged_at IS NULL))
 ORDER BY i.id FOR UPDATE OF i
"""


def _pseudonyms(trail: Trail) -> int:
    """Whoever asked to be forgotten is not known again; who was only purged may be, where the platform allows it."""
    rows = bulk.fetch(_IDENTITIES, [trail.get(CUSTOMER), f"{ERASED}%", trail.platform, trail.whole])
    allowed = frozenset() if trail.whole else frozenset(keepers())
    bulk.update(
        "orders_customeridentity",
        "id",
        [("external_id", "text")],
        [(pk, pseudonym(external_id) if platform in allowed else _nobody()) for pk, external_id, platform in rows],
        extra="member_name = '', email = ''",
    )
    return len(rows)


def _nobody() -> str:
    return ERASED + uuid.uuid4().hex


def _rename(customer_ids: Sequence[int]) -> None:
    """A customer is called as in the newest order that is left; nobody's name stays without one."""
    bulk.execute(
        "UPDATE orders_customer c SET name = coalesce((SELECT coalesce(nullif(o.buyer_name, ''), o.ship_name)"
        " FROM orders_order o WHERE o.customer_id = c.id AND o.purged_at IS NULL"
        " ORDER BY o.placed_at DESC, o.id DESC LIMIT 1), '') WHERE c.id = ANY(%s)",
        [customer_ids],
    )


# -- what is due --------------------------------------------------------------------------------------------------------

# When an order came to its end. Delivered by the parcels' own dates; what others sent by the platform's promise.
_DUE = """
SELECT o.id FROM orders_order o {source}
  JOIN unnest(%s::text[], %s::int[]) AS p(platform, days) ON p.platform = {platform}
 WHERE o.id > %s AND o.purged_at IS NULL AND o.state = ANY(%s) AND o.placed_at < %s::timestamptz - p.days * interval '1 day'
   AND %s::timestamptz - p.days * interval '1 day' >= CASE
       WHEN o.state IN ('delivered', 'returned') THEN coalesce(
           (SELECT max(s.delivered_at) FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id
             WHERE k.order_id = o.id AND k.state = 'open'), o.state_at)
       WHEN o.state IN ('cancelled', 'combined') THEN o.state_at
       WHEN o.state IN ('platform', 'elsewhere') THEN greatest(o.state_at, o.channel_updated_at, o.deliver_by)
       ELSE greatest(o.state_at, o.channel_updated_at, o.deliver_by) + %s END
 ORDER BY o.id LIMIT %s
"""
# What a person sent again belongs to the person of the first order: that platform's days count.
_SENT_AGAIN = "JOIN orders_manualorder m ON m.order_id = o.id JOIN orders_order f ON f.id = m.copied_from_id"
_WAYS = (
    _DUE.format(source="", platform="o.platform"),
    _DUE.format(source=_SENT_AGAIN, platform="f.platform"),
)
ENDED = (
    states.DELIVERED,
    states.RETURNED,
    states.CANCELLED,
    states.COMBINED,
    states.PLATFORM,
    states.ELSEWHERE,
    states.HANDED,
    states.PENDING,
)


def due() -> Iterator[Trail]:
    """Orders whose platform's days after delivery or cancellation are over, by pages."""
    days = {name: adapter.purge_after_days for name, adapter in all_adapters().items()}
    rows = bulk.fetch("SELECT DISTINCT platform FROM channels_account")
    for platform in {"", *(row[0] for row in rows)} - set(days):
        days[platform] = WITHOUT_PLATFORM
    now = clock.now()
    for way in _WAYS:
        last = 0
        while rows := bulk.fetch(way, [list(days), list(days.values()), last, list(ENDED), now, now, LOST_AFTER, PAGE]):
            trail = Trail(whole=False)
            trail.add(ORDER, [row[0] for row in rows])
            yield trail
            last = rows[-1][0]


def expire() -> int:
    """Former addresses have a date of their own."""
    return bulk.execute(
        "DELETE FROM orders_formeraddress WHERE id IN"
        " (SELECT id FROM orders_formeraddress WHERE purge_at <= %s ORDER BY id LIMIT %s)",
        [clock.now(), PAGE],
    )
