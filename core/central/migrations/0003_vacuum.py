"""Rows of these tables live for moments: vacuum by number, not by share, so that the claim's index stays small."""

from django.db import migrations

SQL = """
ALTER TABLE public.central_outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE public.central_due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""
UNDO = """
ALTER TABLE public.central_outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE public.central_due RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""


class Migration(migrations.Migration):
    dependencies = [("central", "0002_functions")]
    operations = [migrations.RunSQL(SQL, UNDO)]
