"""``manage.py setup``: bring the database up to date. Quick when nothing is to do; may be run at every start."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.permissions import system
from core.tenancy import public_context
from tenants import services


class Command(BaseCommand):
    help = "Migrate what all tenants share, then every tenant, and complete tenants whose opening was interrupted."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        actor = system("setup")
        if shared_is_behind():
            call_command("migrate_schemas", shared=True, interactive=False, verbosity=options["verbosity"])
        finished = services.finish_all(actor=actor)
        outcomes = services.migrate_tenants(actor=actor)
        services.schedule_everywhere()
        failed = [outcome for outcome in outcomes if outcome.error]
        self.stdout.write(f"setup: {len(outcomes) - len(failed)} migrated, {len(finished)} completed")
        if failed:
            lines = "\n".join(f"{outcome.schema}: {outcome.error}" for outcome in failed)
            raise CommandError(f"Migrations failed; these tenants are paused:\n{lines}")


def shared_is_behind() -> bool:
    with public_context():
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
