"""The tables that are only added to: PostgreSQL itself refuses a change."""

from django.db import migrations

TABLES = "inventory_move inventory_valuation inventory_cost".split()


def triggers(table: str) -> str:
    return f"""
    CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION sampan_append_only();
    CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION sampan_append_only();
    """


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("records", "0002_append_only")]
    operations = [
        migrations.RunSQL(
            triggers(table),
            f"DROP TRIGGER append_only_row ON {table}; DROP TRIGGER append_only_all ON {table}",
        )
        for table in TABLES
    ]
