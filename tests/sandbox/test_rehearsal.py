"""The whole trip as a process of its own: storm, kills, and both sides equal in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.launch.places import ROOT
from tests.support.database import WorkerDatabase


def rehearse(data: Path, database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``manage.py rehearse`` on the tests' database server, with everything else of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SAMPAN_CLOCK", "BROKER_URL")}
    environment |= {"SAMPAN_DATA": str(data), "DATABASE_URL": database_url}
    command = [sys.executable, "manage.py", "rehearse", "--json", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.kill
def test_sixty_orders_in_a_storm_with_kills_end_equal(committed_db: WorkerDatabase, tmp_path: Path) -> None:
    done = rehearse(
        tmp_path,
        committed_db.url,
        "--orders",
        "60",
        "--accounts",
        "4",
        "--faults",
        "storm",
        "--kill",
        "2",
        "--seed",
        "3",
    )
    assert done.stdout.strip(), done.stderr[-3000:]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["listed"] == [], done.stderr[-3000:]
    assert (done.returncode, result["differences"], result["gave_up"]) == (0, 0, "")
    assert len(result["kills"]) == 2
    assert sum(result["faults"].values()) > 20
    assert result["compared"]["orders to send"] >= 45
    assert result["compared"]["confirmations"] >= result["compared"]["orders to send"]
    assert not list(tmp_path.iterdir()), "a good run removes its data"


def test_what_cannot_be_rehearsed_is_said_before_anything_starts(tmp_path: Path) -> None:
    done = rehearse(tmp_path, "", "--orders", "no-such-file.csv")
    assert done.returncode != 0
    assert "There is no file no-such-file.csv." in done.stderr
    assert not list(tmp_path.iterdir())
