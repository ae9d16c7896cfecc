"""Which order and which customer a conversation is about: by the platform's order number, else by buyer and item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core import bulk, clock

KEEP_LOOKING = timedelta(days=30)  # a question before buying finds its order when it comes
AT_ONCE = 2000

# Buyers are found by their identity's unique key and orders by customer: every step has an index. Of several orders of
# the item the newest counts. What was combined points at what it became.
_SQL = """
    WITH found AS (
        SELECT c.id, i.customer_id, COALESCE(named.id, bought.id) AS order_id
          FROM crm_conversation c
          LEFT JOIN orders_customeridentity i ON i.account_id = c.account_id AND i.external_id = c.buyer_id
                                             AND c.buyer_id <> ''
          LEFT JOIN LATERAL (
              SELECT COALESCE(o.combined_into_id, o.id) AS id FROM orders_order o
               WHERE c.order_external_id <> '' AND o.account_id = c.account_id AND o.external_id = c.order_external_id
          ) named ON true
          LEFT JOIN LATERAL (
              SELECT o.id FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
               WHERE c.item_ref <> '' AND o.customer_id = i.customer_id AND o.account_id = c.account_id
                 AND o.buyer_id = c.buyer_id AND l.external_item_id = c.item_ref
               ORDER BY o.placed_at DESC, o.id DESC LIMIT 1
          ) bought ON true
         WHERE c.id = ANY(%s)
    )
    UPDATE crm_conversation c
       SET customer_id = COALESCE(f.customer_id, c.customer_id), order_id = COALESCE(f.order_id, c.order_id)
      FROM found f
     WHERE c.id = f.id AND (COALESCE(f.customer_id, c.customer_id) IS DISTINCT FROM c.customer_id
                            OR COALESCE(f.order_id, c.order_id) IS DISTINCT FROM c.order_id)
"""


def link(conversation_ids: Sequence[int]) -> int:
    """Link conversations that the caller has locked. Returns how many changed."""
    return bulk.execute(_SQL, [sorted(set(conversation_ids))]) if conversation_ids else 0


def link_open() -> int:
    """In the caller's transaction: look again for the orders of recent conversations that have none."""
    rows = bulk.fetch(
        "SELECT id FROM crm_conversation WHERE order_id IS NULL AND last_at > %s ORDER BY last_at DESC LIMIT %s",
        [clock.now() - KEEP_LOOKING, AT_ONCE],
    )
    free = bulk.fetch(
        "SELECT id FROM crm_conversation WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", [[r[0] for r in rows]]
    )
    return link([row[0] for row in free])
