"""``manage.py check_isolation [--json]``: prove on the live database that tenants are apart."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import isolation
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Look for keys, sequences, triggers, functions, rows and files that cross from one tenant into another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the findings as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = isolation.findings()
        if options["json"]:
            tenants = Tenant.objects.exclude(state=Tenant.CLOSED).count()
            rows = [asdict(finding) for finding in found]
            self.stdout.write(json.dumps({"tenants": tenants, "findings": rows, "differences": len(rows)}))
        else:
            for finding in found:
                self.stdout.write(f"{finding.schema}  {finding.check}  {finding.where}: {finding.what}")
            self.stdout.write(f"differences {len(found)}")
        if found:
            raise CommandError(f"{len(found)} findings.")
