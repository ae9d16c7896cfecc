"""A command starts without what only printing, sheets and Valkey need; the web server has it before a person asks."""

from __future__ import annotations

import os
import subprocess
import sys

from config.launch.places import ROOT
from config.warm import LATE

DRAWING = {"reportlab", "pikepdf", *LATE}
STARTED = "import sys, django; django.setup(); print(*sys.modules)"
SERVED = "import sys, config.wsgi; print(*sys.modules)"


def loaded(script: str) -> set[str]:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    made = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return set(made.stdout.split())


def test_a_command_starts_without_what_draws() -> None:
    assert not DRAWING & loaded(STARTED)


def test_the_web_server_has_it_before_the_first_click() -> None:
    assert not DRAWING - loaded(SERVED)
