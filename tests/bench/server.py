"""A database server for measuring: embedded PostgreSQL with full durability, or the one that DATABASE_URL names."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config.launch.embedded import Postgres, Valkey
from config.launch.places import ROOT


@contextlib.contextmanager
def bench_database() -> Iterator[str]:
    """URL of a fresh database with the shared schema, dropped at the end. Settings of the server: as ``make demo``."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with _server() as url:
        mine = _named(url, name)
        with psycopg.connect(_named(url, "postgres"), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        try:
            subprocess.run([sys.executable, "manage.py", "setup"], cwd=ROOT, env=environment(mine), check=True)
            yield mine
        finally:
            with psycopg.connect(_named(url, "postgres"), autocommit=True) as admin:
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextlib.contextmanager
def bench_cache() -> Iterator[str]:
    """BROKER_URL of a Valkey of its own: what pages keep for some seconds lies there."""
    place = Path(tempfile.mkdtemp(prefix="bench-cache-"))
    server = Valkey.at(place)
    server.prepare()
    process = subprocess.Popen(server.argv(), stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if server.ready():
                break
            time.sleep(0.05)
        yield server.url()
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place, ignore_errors=True)


def environment(database_url: str) -> dict[str, str]:
    """The environment of a process that works on the bench database."""
    return os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"}


def _named(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@contextlib.contextmanager
def _server() -> Iterator[str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="bench-", dir=_disk()))
    server = Postgres.at(place)
    server.prepare()
    server.start_detached(place / "postgres.log")
    try:
        yield server.url("postgres")
    finally:
        server.stop_detached()
        shutil.rmtree(place, ignore_errors=True)


def _disk() -> Path:
    """A folder on the same disk as the demo's data: durability is part of what is measured."""
    disk = ROOT / "var"
    disk.mkdir(exist_ok=True)
    return disk
