"""The tables that are only added to: PostgreSQL itself refuses a change."""

from django.db import migrations

TABLES = "records_auditentry".split()

# In the tenant's own schema: what a tenant needs goes with its schema wherever that is moved.
FUNCTION = """
CREATE FUNCTION sampan_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: rows of this table are only added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def triggers(table: str) -> str:
    return f"""
    CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION sampan_append_only();
    CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION sampan_append_only();
    """


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION sampan_append_only()"),
        *(
            migrations.RunSQL(
                triggers(table),
                f"DROP TRIGGER append_only_row ON {table}; DROP TRIGGER append_only_all ON {table}",
            )
            for table in TABLES
        ),
    ]
