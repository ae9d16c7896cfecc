"""``manage.py seed_demo``: the demo tenant with its people, sixty days of history and a half-done today."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sandbox.demo import house
from sandbox.demo.seed import DAYS, PAST, TODAY, seed
from sandbox.rehearse.control import Control


class Command(BaseCommand):
    help = (
        "Make the demo tenant's data at the running simulators; quick when it is there. The last line is the sign-in."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--web-url", default="http://127.0.0.1:8000", help="where the simulators' webhooks go")
        parser.add_argument("--past", type=int, default=PAST, help="orders of the past")
        parser.add_argument("--today", type=int, default=TODAY, help="orders of today")
        parser.add_argument("--days", type=int, default=DAYS, help="days of the past that are played")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo's data belongs into a demo: run `make demo` (or set DEMO=1).")
        try:
            Control(settings.SANDBOX_URL).get("/health")
        except Exception as error:
            raise CommandError(f"The simulators do not answer at {settings.SANDBOX_URL}: {error}") from None
        made = seed(
            lambda text: self.stdout.write(text),
            web_url=options["web_url"],
            past=options["past"],
            today=options["today"],
            days=options["days"],
        )
        self.stdout.write("The demo's data was made." if made else "The demo's data is there.")
        self.stdout.write(f"Sign in as {house.OWNER} with the password {house.PASSWORD}")
