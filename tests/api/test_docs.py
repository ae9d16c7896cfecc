"""The guide's examples work: every curl is run against the running product, the signature check against a real call."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from api.services.delivering import signature
from config.launch.places import ROOT
from core import clock
from core.tenancy import tenant_context
from inventory.models import Sku
from orders.models import Order
from tests.api.conftest import make, program
from tests.support.database import ACME, WorkerDatabase
from tests.support.web import served

GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# What the reader sets, and a curl that fails on a refusal and knows the host that the address does not name.
SETUP = """
set -euo pipefail
curl() { command curl -sS --fail-with-body -H "Host: acme.localhost" "$@"; }
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.S)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_examples_run(committed_db: WorkerDatabase, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        floor = make(ACME)
    mine = program()
    said = []
    with served(committed_db.url) as site:
        env = {
            "SAMPAN": f"{site.url}/api/v1",
            "KEY": mine.secret,
            "ORDER": str(floor.orders[0]),
            "PATH": "/usr/bin:/bin",
        }
        for example in blocks("bash"):
            done = subprocess.run(
                ["bash", "-c", SETUP + example], env=env, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, (example, done.stdout, done.stderr)
            said.append(json.loads(done.stdout))
    assert len(said) == 6 and said[0]["name"] == "Shop sync"
    assert len(said[1]["items"]) == 2 and len(said[3]["items"]) == 5 and said[4]["created"] == 1
    with tenant_context(ACME):
        assert {one["id"] for one in said[1]["items"]} <= set(Order.objects.values_list("pk", flat=True))
        assert Sku.objects.get(code="MUG-RED").weight_g == 320
        assert Order.objects.get(pk=floor.orders[0]).state == "held"


def test_the_signature_check_of_the_guide_works() -> None:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/api.md", "exec"), names)
    body, now = b'{"id":"evt_1"}', int(clock.wall().timestamp())
    good = signature([b"whsec_new", b"whsec_old"], now, body)
    assert names["is_sampan"]("whsec_new", good, body) and names["is_sampan"]("whsec_old", good, body)
    assert not names["is_sampan"]("whsec_other", good, body)
    assert not names["is_sampan"]("whsec_new", good, body + b" ")
    assert not names["is_sampan"]("whsec_new", signature([b"whsec_new"], now - 900, body), body)
