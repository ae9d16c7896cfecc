"""Secrets at rest: per tenant, bound to it, and a rotation that may be interrupted."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.errors import NoTenant
from core.secrets import decrypt, decrypt_json, encrypt, keyed_hash, open_public, seal_public
from core.secrets.box import Unreadable, forget_keys
from core.tenancy import tenant_context
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_key_in_memory() -> Any:
    forget_keys()
    yield
    forget_keys()


def rotated() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    forget_keys()
    return out.getvalue()


def test_round_trip_and_nothing_to_see(acme: str) -> None:
    with tenant_context(acme):
        blob = encrypt({"refresh_token": "Atzr|abc"})
        assert decrypt_json(blob) == {"refresh_token": "Atzr|abc"}
        assert b"Atzr" not in blob and encrypt(b"x") != encrypt(b"x")
        assert decrypt(memoryview(encrypt(b"raw"))) == b"raw"


def test_a_blob_of_another_tenant_does_not_open(acme: str, beta: str) -> None:
    with tenant_context(acme):
        blob = encrypt(b"secret")
    with tenant_context(beta), pytest.raises(Unreadable):
        decrypt(blob)
    with pytest.raises(NoTenant):
        decrypt(blob)


@pytest.mark.parametrize("place", [0, 5, 12, 30, -1])
def test_a_changed_blob_does_not_open(acme: str, place: int) -> None:
    with tenant_context(acme):
        blob = bytearray(encrypt(b"secret, some thirty bytes long"))
        blob[place] ^= 1
        if place == 5:  # the key's id is only a label; what counts is that nothing else opens it
            assert decrypt(bytes(blob)) == b"secret, some thirty bytes long"
            return
        with pytest.raises(Unreadable):
            decrypt(bytes(blob))


def test_a_wrapped_key_that_was_swapped_does_not_open(acme: str, beta: str) -> None:
    theirs = Tenant.objects.get(schema_name=beta).wrapped_key
    Tenant.objects.filter(schema_name=acme).update(wrapped_key=theirs)
    with tenant_context(acme), pytest.raises(Unreadable):
        encrypt(b"x")


def test_hashes_are_equal_within_a_tenant_only(acme: str, beta: str) -> None:
    with tenant_context(acme):
        mine = keyed_hash("王芳")
        assert mine == keyed_hash("王芳") != keyed_hash("王方")
        assert len(mine) == 40 and set(mine) <= set("0123456789abcdef")
    with tenant_context(beta):
        assert keyed_hash("王芳") != mine


def test_rotation(acme: str, beta: str, settings: Any) -> None:
    with tenant_context(acme):
        blob, hashed = encrypt(b"secret"), keyed_hash("a")
    sealed = seal_public(b"hook")
    settings.SECRET_KEYS = ["a newer master key", *settings.SECRET_KEYS]
    forget_keys()
    with tenant_context(acme):
        assert decrypt(blob) == b"secret"  # the old key still opens
    assert "2 changed, 0 were" in rotated()
    assert "0 changed, 2 were" in rotated()
    assert open_public(sealed) == b"hook"
    settings.SECRET_KEYS = settings.SECRET_KEYS[:1]
    with tenant_context(acme):
        assert decrypt(blob) == b"secret" and keyed_hash("a") == hashed
    with pytest.raises(Unreadable):
        open_public(sealed)


def test_an_interrupted_rotation_goes_on(acme: str, beta: str, settings: Any) -> None:
    from core.secrets.rotation import rotate

    settings.SECRET_KEYS = ["newer", *settings.SECRET_KEYS]
    first = next(rotate())  # … and killed here
    assert first[1] is True
    assert "1 changed, 1 were" in rotated()


def test_a_missing_master_key_is_named_and_the_others_are_done(acme: str, beta: str, settings: Any) -> None:
    old = settings.SECRET_KEYS
    settings.SECRET_KEYS = ["only beta's", *old]
    from core.secrets.box import make_wrapped_key

    uid = str(Tenant.objects.get(schema_name=acme).uid)
    settings.SECRET_KEYS = ["lost"]
    Tenant.objects.filter(schema_name=acme).update(wrapped_key=make_wrapped_key(uid))
    settings.SECRET_KEYS = ["newest", *old]
    with pytest.raises(CommandError, match=acme):
        rotated()
    settings.SECRET_KEYS = ["newest"]
    forget_keys()
    with tenant_context(beta):
        assert decrypt(encrypt(b"x")) == b"x"
