"""``manage.py drop_tenant``: remove a tenant with everything it has."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.permissions import system
from tenants import services


class Command(BaseCommand):
    help = "Remove a tenant, its schema and all its data. This cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("schema", help="t_<slug>")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        schema = options["schema"]
        if not options["yes"] and input(f"Type {schema} to remove it for ever: ").strip() != schema:
            raise CommandError("Nothing was removed.")
        if not services.drop_tenant(schema=schema, actor=system("drop_tenant")):
            raise CommandError(f"There is no tenant {schema}.")
        self.stdout.write(f"{schema} is gone.")
