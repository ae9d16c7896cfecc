"""What people and programs did, newest first: nearly all entries of the audit trail are the machine's own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("api", "0002_indexes")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX audit_not_machine ON records_auditentry (id) WHERE actor_kind <> 'system'",
            "DROP INDEX audit_not_machine",
        )
    ]
