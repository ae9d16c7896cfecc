"""manage.py prove_erasure --text TEXT [--text TEXT …] [--tenant SCHEMA | --all] [--json]"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import get_tenant_model

from core import files
from core.proof import Needle, Place, hooks, tables
from core.proof import files as folders
from core.tenancy import PUBLIC, public_context, tenant_context


class Command(BaseCommand):
    help = (
        "Look for texts (a name, a phone number, an e-mail address …) in every column of every table, every stored file "
        "and every log; exit code 1 when one is found. The texts themselves are never printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--text", action="append", required=True, help="what to look for; may be given again")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_true", help="all tenants (the default)")
        which.add_argument("--tenant", help="one tenant's schema (with or without t_), and what all share")
        parser.add_argument("--json", action="store_true", help="one JSON object a line, the last one is the sum")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            needles = [Needle(text) for text in options["text"]]
        except ValueError as error:
            raise CommandError(f"{error}.") from None
        schemas = self._schemas(options["tenant"])
        found = 0
        for place in self._places(schemas, needles):
            found += 1
            self._show(place, options["json"])
        if options["json"]:
            self.stdout.write(json.dumps({"texts": len(needles), "tenants": len(schemas), "found": found}))
        else:
            self.stdout.write(f"{len(schemas)} tenants, {len(needles)} texts, found {found}")
        if found:
            raise SystemExit(1)

    def _places(self, schemas: list[str], needles: list[Needle]) -> Iterator[Place]:
        with public_context():
            yield from tables.search(PUBLIC, needles)
            yield from hooks.kept(needles)
        for schema in schemas:
            with tenant_context(schema):
                yield from tables.search(schema, needles)
                yield from folders.stored(files.folder(), needles)
        yield from folders.below(Path(settings.DATA_DIR), needles, skip=[Path(settings.MEDIA_ROOT)])

    def _schemas(self, wanted: str | None) -> list[str]:
        """Tenants in whatever state: data of a closed one is data too."""
        with public_context():
            tenants = get_tenant_model().objects.exclude(schema_name=PUBLIC)
            if wanted:
                tenants = tenants.filter(schema_name__in=[wanted, f"t_{wanted}"])
            schemas = list(tenants.order_by("pk").values_list("schema_name", flat=True))
        if wanted and not schemas:
            raise CommandError(f"There is no tenant {wanted}.")
        return schemas

    def _show(self, place: Place, as_json: bool) -> None:
        if as_json:
            shown = {"kind": place.kind, "where": place.where, "rows": place.rows, "keys": list(place.keys)}
            self.stdout.write(json.dumps({**shown, "text": place.needle}))
            return
        keys = f" ({', '.join(place.keys)}{', …' if place.rows > len(place.keys) else ''})" if place.keys else ""
        self.stdout.write(f"text {place.needle}: {place.kind} {place.where}: {place.rows}{keys}")
