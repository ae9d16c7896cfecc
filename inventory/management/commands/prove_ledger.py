"""manage.py prove_ledger [--all | --tenant SCHEMA] [--json]"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from core.tenancy import public_context, tenant_context
from inventory.prove import Proof, prove
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Play the ledger again from its moves and name every row that says otherwise; exit code 1 when there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="all tenants")
        which.add_argument("--tenant", help="schema name of one tenant (with or without t_)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line, the last one is the sum")

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        schemas = self._schemas(options["tenant"])
        for schema in schemas:
            started = clock.monotonic()
            with tenant_context(schema):
                proof = prove()
            total += len(proof.differences)
            self._show(proof, clock.monotonic() - started, as_json=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps({"tenants": len(schemas), "differences": total}))
        else:
            self.stdout.write(f"{len(schemas)} tenants, differences {total}")
        if total:
            raise SystemExit(1)

    def _schemas(self, wanted: str | None) -> list[str]:
        with public_context():
            tenants = Tenant.objects.exclude(schema_name="public").exclude(state=Tenant.PROVISIONING)
            if wanted:
                tenants = tenants.filter(schema_name__in=[wanted, f"t_{wanted}"])
            schemas = list(tenants.order_by("pk").values_list("schema_name", flat=True))
        if wanted and not schemas:
            raise CommandError(f"There is no tenant {wanted}.")
        return schemas

    def _show(self, proof: Proof, seconds: float, *, as_json: bool) -> None:
        if as_json:
            for difference in proof.differences:
                self.stdout.write(json.dumps({"tenant": proof.schema, **difference.as_json()}, default=str))
            summary = {"moves": proof.moves, "skus": proof.skus, "unvalued": proof.unvalued}
            counted = {**summary, "seconds": round(seconds, 3), "differences": len(proof.differences)}
            self.stdout.write(json.dumps({"tenant": proof.schema, **counted}))
            return
        for d in proof.differences:
            row = d.row if d.row is not None else "missing"
            detail = ", ".join(f"{name} {value}" for name, value in d.detail.items())
            self.stdout.write(f"{d.table} {row}: {d.what}: expected {d.expected!r}, found {d.found!r} ({detail})")
        self.stdout.write(
            f"{proof.schema}: {proof.moves} moves of {proof.skus} SKUs, {proof.unvalued} units of unknown cost,"
            f" {len(proof.differences)} differences, {seconds:.1f} s"
        )
