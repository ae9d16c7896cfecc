"""``manage.py create_tenant``: open a tenant from the command line."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.errors import BusinessError
from core.permissions import system
from tenants import services


class Command(BaseCommand):
    help = (
        "Open a tenant. The owner's password is read from the variable PASSWORD, so that no list of processes shows it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name: schema t_<slug>, host <slug>.<BASE_DOMAIN>")
        parser.add_argument("--name", help="the company's name (default: the short name)")
        parser.add_argument("--owner", required=True, help="the owner's e-mail address")
        parser.add_argument("--host", help="host name instead of <slug>.<BASE_DOMAIN>")
        parser.add_argument("--timezone", default="Asia/Shanghai")
        parser.add_argument("--currency", default="CNY")
        parser.add_argument("--language", default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        try:
            tenant = services.provision(
                name=options["name"] or slug,
                schema=f"t_{slug.replace('-', '_')}",
                host=options["host"] or f"{slug}.{settings.BASE_DOMAIN}",
                owner_email=options["owner"],
                password=os.environ.get("PASSWORD") or None,
                timezone=options["timezone"],
                currency=options["currency"],
                language=options["language"],
                actor=system("create_tenant"),
            )
        except BusinessError as error:
            raise CommandError(f"{error.code} {error.params}") from error
        self.stdout.write(f"{tenant.schema_name} is {tenant.state}: {options['host'] or slug}")
