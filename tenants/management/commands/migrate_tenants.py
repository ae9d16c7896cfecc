"""``manage.py migrate_tenants [--json]``: bring every tenant's schema up to date; canary first, then the others."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.permissions import system
from tenants import services
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Run the tenants' migrations where they are lacking. A tenant that fails is paused; the others go on."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schema", action="append", help="only this tenant (may be given several times)")
        parser.add_argument("--json", action="store_true", help="the result as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        def say(outcome: services.Outcome) -> None:
            if not options["json"]:
                self.stdout.write(f"{outcome.schema}: {outcome.error or ', '.join(outcome.applied) or 'up to date'}")

        outcomes = services.migrate_tenants(actor=system("migrate"), schemas=options["schema"], report=say)
        failed = [outcome for outcome in outcomes if outcome.error]
        if options["json"]:
            result = {"tenants": Tenant.objects.count(), "outcomes": [asdict(outcome) for outcome in outcomes]}
            self.stdout.write(json.dumps(result | {"failed": len(failed)}))
        elif not outcomes:
            self.stdout.write("Every tenant is up to date.")
        if failed:
            raise CommandError(f"{len(failed)} failed and paused: {', '.join(outcome.schema for outcome in failed)}")
