"""``manage.py rotate_keys``: wrap the tenants' data keys by the newest of SECRET_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.secrets.box import Unreadable
from core.secrets.rotation import reseal_second_factors, rotate


class Command(BaseCommand):
    help = (
        "Wrap every tenant's data key by the first of SECRET_KEYS. Put the new key first, keep the old one, run this, "
        "then take the old one away. Can be interrupted and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        changed = kept = 0
        try:
            for schema, fresh in rotate():
                changed, kept = changed + fresh, kept + (not fresh)
                if fresh:
                    self.stdout.write(f"{schema}: wrapped by the newest key")
        except Unreadable as error:
            names = ", ".join(error.params.get("tenants", []))
            raise CommandError(f"No key in SECRET_KEYS opens the data key of: {names}. The others are done.") from None
        try:
            factors = reseal_second_factors()
        except Unreadable as error:
            raise CommandError(
                f"No key in SECRET_KEYS opens {error.params['users']} second factors. The others are done."
            ) from None
        self.stdout.write(f"{factors} second factors sealed by the newest key")
        self.stdout.write(f"{changed} changed, {kept} were on the newest key already")
