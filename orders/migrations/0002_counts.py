"""Kept counts per account and state: a statement trigger adds the difference, so whoever writes keeps them right.

Rows are only added (no two pages wait for one counter row); ``orders.services.counts.compact`` sums them up.
"""

from django.db import migrations

SQL = """
CREATE FUNCTION order_counts_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordercount (account_id, state, n)
        SELECT account_id, state, count(*) FROM new_rows GROUP BY account_id, state;
    RETURN NULL;
END $$;
CREATE FUNCTION order_counts_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordercount (account_id, state, n)
        SELECT account_id, state, sum(n) FROM (
            SELECT account_id, state, 1 AS n FROM new_rows
            UNION ALL SELECT account_id, state, -1 FROM old_rows) AS d
        GROUP BY account_id, state HAVING sum(n) <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION order_counts_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordercount (account_id, state, n)
        SELECT account_id, state, -count(*) FROM old_rows GROUP BY account_id, state;
    RETURN NULL;
END $$;
CREATE TRIGGER order_counts_insert AFTER INSERT ON orders_order
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION order_counts_insert();
CREATE TRIGGER order_counts_update AFTER UPDATE ON orders_order
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION order_counts_update();
CREATE TRIGGER order_counts_delete AFTER DELETE ON orders_order
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION order_counts_delete();
"""
UNDO = """
DROP TRIGGER order_counts_insert ON orders_order;
DROP TRIGGER order_counts_update ON orders_order;
DROP TRIGGER order_counts_delete ON orders_order;
DROP FUNCTION order_counts_insert();
DROP FUNCTION order_counts_update();
DROP FUNCTION order_counts_delete();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
