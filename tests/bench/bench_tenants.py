"""A new tenant, and ``migrate_tenants`` over 300 tenants with nothing to do.

Yardsticks of the same run: replaying the schema template by hand in one statement; starting Django (``manage.py check``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from config.launch.places import ROOT
from tests.bench.figure import figure, median
from tests.bench.server import bench_database, environment

MANY = 300
TIMED = 12


def run() -> Iterator[dict[str, Any]]:
    with bench_database() as url:
        env = environment(url)
        script = [sys.executable, "-m", "tests.bench.bench_tenants", str(MANY)]
        output = subprocess.run(script, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
        measured = json.loads(output.strip().splitlines()[-1])
        yield figure("tenants.new", measured["provision"], "seconds", measured["replay"])
        command = [sys.executable, "manage.py", "migrate_tenants"]
        noop = median([_seconds(command, env) for _ in range(5)])
        start = median([_seconds([sys.executable, "manage.py", "check"], env) for _ in range(5)])
        yield figure("tenants.migrate_noop", noop, "seconds", start, tenants=measured["tenants"])


def _seconds(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def _inside(many: int) -> dict[str, Any]:
    """In a process of its own, on the bench database: open tenants, time some, time the bare replay beside them."""
    import django

    django.setup()
    from django.db import connection, transaction

    from core.permissions import system
    from tenants import template
    from tenants.models import Tenant
    from tenants.services.provisioning import provision

    provisions, replays = [], []
    for number in range(many):
        started = time.perf_counter()
        provision(
            name=f"Bench {number}",
            schema=f"t_bench{number}",
            host=f"bench{number}.localhost",
            owner_email=f"owner{number}@example.com",
            password=None,
            timezone="Asia/Shanghai",
            currency="CNY",
            language="en",
            actor=system("bench"),
        )
        provisions.append(time.perf_counter() - started)
        if number % (many // TIMED) == 0:
            started = time.perf_counter()
            with transaction.atomic():
                template.replay(f"t_bare{number}")
            replays.append(time.perf_counter() - started)
            with connection.cursor() as cursor:
                cursor.execute(f'DROP SCHEMA "t_bare{number}" CASCADE')
    return {"provision": median(provisions), "replay": median(replays), "tenants": Tenant.objects.count()}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    print(json.dumps(_inside(int(sys.argv[1]))))
