"""``manage.py build_template``: generate tenants/schema_template.sql from the migrations, on a throw-away server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.launch.embedded import Postgres, postgres_bin
from config.launch.places import ROOT
from tenants import template


class Command(BaseCommand):
    help = "Generate the SQL template of a tenant's schema from the migrations (after every makemigrations)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the committed one is up to date")
        parser.add_argument("--here", action="store_true", help="build on the configured database")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            if not template.is_current():
                raise CommandError("tenants/schema_template.sql is stale: run `manage.py build_template`.")
            self.stdout.write("The template is up to date.")
        elif options["here"]:
            self.write()
        else:
            self.on_a_server_of_its_own()

    def write(self) -> None:
        text = template.build(pg_dump=str(postgres_bin("pg_dump")))
        fresh = template.PATH.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(template.PATH)
        self.stdout.write(f"{template.PATH.relative_to(ROOT)}: {text.count('CREATE TABLE')} tables, {len(text)} bytes")

    def on_a_server_of_its_own(self) -> None:
        """Nothing that anybody's database holds can get into the template, and none has to run."""
        with tempfile.TemporaryDirectory(prefix="sampan-template-") as folder:
            server = Postgres.at(Path(folder), durable=False)
            server.prepare()
            server.start_detached(Path(folder) / "log")
            try:
                server.ensure_database("template")
                env = {**os.environ, "DATABASE_URL": server.url("template"), "SAMPAN_ROLE": "manage"}
                command = [sys.executable, str(ROOT / "manage.py"), "build_template", "--here"]
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            finally:
                server.stop_detached()
        if done.returncode != 0:
            raise CommandError(f"The template could not be built:\n{done.stderr.strip()[-3000:]}")
        self.stdout.write(done.stdout.strip())
