"""What production refuses, and what its settings are."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

OWN = {
    "SECURE": "1",
    "SECRET_KEY": "own-key-own-key-own-key-own-key",
    "SECRET_KEYS": "own-master-key",
    "EMAIL_URL": "smtp+tls://u:p%40w@mail.example",
    "DATABASE_URL": "postgresql://x@y/z",
    "BROKER_URL": "redis://x",
}
OUR_OWN = {*OWN, "DEMO", "DEBUG", "SANDBOX_URL", "SAMPAN_CLOCK", "HOSTS", "BASE_DOMAIN", "SAMPAN_ROLE"}
DEMO_KEY = "demo-only-key-that-every-reader-of-the-source-knows"


def run(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in OUR_OWN} | OWN | changes
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"SECRET_KEY": ""},
        {"SECRET_KEY": DEMO_KEY},
        {"SECRET_KEYS": DEMO_KEY},
        {"SECRET_KEYS": f"own,{DEMO_KEY}"},
        {"DEMO": "1"},
        {"DEBUG": "1"},
        {"EMAIL_URL": ""},
        {"EMAIL_URL": "console://"},
        {"SAMPAN_CLOCK": "x60"},
    ],
)
def test_production_refuses(changes: dict[str, str]) -> None:
    out = run("import config.settings", **changes)
    assert out.returncode != 0
    assert "ImproperlyConfigured" in out.stderr or "ValueError" in out.stderr


def test_production_is_tight() -> None:
    names = (
        "DEBUG DEMO SANDBOX_URL SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_SSL_REDIRECT SECURE_CONTENT_TYPE_NOSNIFF"
        " ALLOWED_HOSTS ACCOUNT_EMAIL_VERIFICATION EMAIL_BACKEND EMAIL_HOST_PASSWORD EMAIL_USE_TLS EMAIL_PORT"
    ).split()
    out = run(f"import json; from config import settings as s; print(json.dumps([getattr(s, n) for n in {names!r}]))")
    got = dict(zip(names, json.loads(out.stdout), strict=True))
    assert got == {
        "DEBUG": False,
        "DEMO": False,
        "SANDBOX_URL": "",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "ALLOWED_HOSTS": ["localhost", ".localhost", "127.0.0.1", "[::1]"],
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST_PASSWORD": "p@w",
        "EMAIL_USE_TLS": True,
        "EMAIL_PORT": 587,
    }


def test_django_has_nothing_to_object_to() -> None:
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; import django; django.setup();"
        "from django.core.checks import run_checks, Tags;"
        "print([m.id for m in run_checks(tags=[Tags.security], include_deployment_checks=True)])"
    )
    long_key = "k3y-of-this-test-which-is-long-enough-and-has-many-different-letters-0123456789"
    out = run(code, SECRET_KEY=long_key)
    # W005, W021: hosts of other tenants are the installation's own choice to put under HSTS.
    assert json.loads(out.stdout.strip().replace("'", '"')) == ["security.W005", "security.W021"]
