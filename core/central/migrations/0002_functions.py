"""Functions that the tenants' triggers call."""

from django.db import migrations

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION public.sampan_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: rows of this table are only added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("central", "0001_initial")]
    operations = [migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION IF EXISTS public.sampan_append_only()")]
