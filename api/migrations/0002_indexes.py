"""Indexes for the interface's reading of changed orders and for the search of the audit trail by person.

BRIN for the first: orders are the hottest table, every entry of a B-tree would be paid at each change of each order; what
changed lately lies together, so a summary of each range of pages finds it. The second leaves the machine's own entries
out, which are nearly all.
"""

from django.db import migrations

SQL = """
CREATE INDEX order_updated ON orders_order USING brin (updated_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX audit_people ON records_auditentry (actor_id, id) WHERE actor_kind <> 'system';
"""
UNDO = "DROP INDEX order_updated; DROP INDEX audit_people;"


class Migration(migrations.Migration):
    dependencies = [("api", "0001_keys_and_webhooks"), ("orders", "0002_counts"), ("records", "0002_append_only")]
    operations = [migrations.RunSQL(SQL, UNDO)]
