"""A buyer planted in every corner: an eBay store on the simulator, a carrier that prints labels, real rows and files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.management import call_command

from channels.models import Account
from channels.services import deletion
from tests.crm.conftest import account, ask, inside, sandbox, seller
from tests.logistics.conftest import carrier
from tests.support.simulators import simulators

__all__ = ["account", "ask", "carrier", "inside", "sandbox", "seller", "simulators"]

VERIFICATION = "verification-token_of-at-least-32-characters"


@dataclass(frozen=True)
class Person:
    """Somebody whose every text is found nowhere else."""

    id: str = "zaphod_planted77"
    eias: str = ""
    name: str = "Quendolyn Zaphodsson-Öre"
    phone: str = "+1 503 777 4242"
    email: str = "quendolyn.zaphodsson@planted.example"
    street: str = "42 Heart-of-Gold Lane"
    words: str = "My Babelfish-4711 arrived wet"

    @property
    def texts(self) -> tuple[str, ...]:
        found = (
            self.id,
            self.name,
            self.phone,
            "503-777-4242",
            self.email,
            self.email.upper(),
            self.street,
            self.words,
        )
        return (*found, self.eias) if self.eias else found


@dataclass
class Proof:
    """What prove_erasure said: its exit code, and the places."""

    code: int
    found: int
    places: list[dict[str, Any]] = field(default_factory=list)

    @property
    def where(self) -> set[str]:
        """Columns, files and logs, without the schema."""
        return {
            place["where"].partition(".")[2] if place["kind"] == "table" else place["kind"] for place in self.places
        }


def prove(*texts: str, tenant: str = "") -> Proof:
    out = StringIO()
    options = [part for text in texts for part in ("--text", text)] + (["--tenant", tenant] if tenant else ["--all"])
    code = 0
    try:
        call_command("prove_erasure", *options, "--json", stdout=out)
    except SystemExit as stop:
        code = int(stop.code or 0)
    *places, last = [json.loads(line) for line in out.getvalue().splitlines()]
    assert last["texts"] == len(texts) and last["found"] == len(places)
    return Proof(code, last["found"], places)


@pytest.fixture
def data(tmp_path: Path, settings: Any) -> Path:
    """The data folder of this test, with a log in it."""
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "worker.log").write_text("2026-11-21 INFO nothing personal\n")
    return tmp_path


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def serving() -> Iterator[str]:
    """The product's web application on a free port of this process; gives its address."""
    from config.wsgi import application

    server: WSGIServer = make_server("127.0.0.1", 0, application, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint(account: Account, sandbox: str, seller: Any, settings: Any) -> Iterator[str]:
    """Our address for eBay's calls, configured as in the developer portal."""
    deletion.forget_keys()
    with serving() as url:
        address = f"{url}/hooks/ebay"
        settings.INSTALLATION = {
            "ebay": {
                "verification_token": VERIFICATION,
                "endpoint": address,
                "app_id": seller.credentials["app_id"],
                "cert_id": seller.credentials["cert_id"],
                "base_url": f"{sandbox}/ebay",
            }
        }
        yield address
    deletion.forget_keys()


@pytest.fixture
def close_account(endpoint: str, seller: Any) -> Callable[..., dict[str, Any]]:
    """eBay tells that a member closed the account; what its sender saw of us."""

    def tell(person: Person, **changes: Any) -> dict[str, Any]:
        body = {
            "url": endpoint,
            "username": "renamed_since",
            "userId": person.id,
            "eiasToken": person.eias or "none-known",
            "verification_token": VERIFICATION,
        }
        answer = seller.http.post("/_control/ebay/account-deletion", json=body | changes)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return tell
