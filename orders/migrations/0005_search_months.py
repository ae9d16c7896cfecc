from django.db import migrations

# The month's mark in every search row (orders.finding); rows that have one already are left alone.
MARK = """
UPDATE orders_ordersearch s
   SET grams = array_prepend(-(extract(year FROM o.placed_at AT TIME ZONE 'UTC') * 12
                               + extract(month FROM o.placed_at AT TIME ZONE 'UTC'))::int, s.grams)
  FROM orders_order o
 WHERE o.id = s.order_id AND NOT coalesce(s.grams[1] < 0, false)
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_rule_trials")]

    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
