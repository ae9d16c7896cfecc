"""Secrets at rest. Each tenant has a data key of its own, wrapped by the installation's master key.

``settings.SECRET_KEYS``: the first wraps, all unwrap; ``manage.py rotate_keys`` wraps anew. Everything is AES-256-GCM
with the tenant's uid (and the master key's id) as associated data, so a blob that is carried to another tenant does
not open. A dump of the database holds no master key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django_tenants.utils import get_tenant_model

from core import clock
from core.errors import SampanError
from core.tenancy import require_tenant

TENANT_BLOB, SEALED_BLOB = b"\x01", b"\x02"
NONCE, KEY_ID = 12, 16
CACHE_SECONDS = 10.0  # a tenant may be dropped and made again under the same schema name


class CannotDecrypt(SampanError):
    """The blob was changed, belongs to another tenant, or its master key is not in SECRET_KEYS any more."""

    code = "secrets.cannot_decrypt"


@dataclass(frozen=True, slots=True)
class _Keys:
    """A tenant's keys, ready for use."""

    uid: bytes
    data: AESGCM
    hashing: bytes


_cache: dict[str, tuple[float, _Keys]] = {}


# -- the tenant's own -------------------------------------------------------------------------------------------------


def encrypt(data: bytes | dict[str, Any]) -> bytes:
    """Encrypt under the current tenant's key; a dict goes as JSON. Raises NoTenant."""
    keys = _keys(require_tenant())
    return TENANT_BLOB + _seal(keys.data, _plain(data), b"data" + keys.uid)


def decrypt(blob: bytes | memoryview) -> bytes:
    """Undo ``encrypt`` under the current tenant's key. Raises CannotDecrypt, NoTenant."""
    schema, raw = require_tenant(), bytes(blob)
    if raw[:1] != TENANT_BLOB:
        raise CannotDecrypt()
    keys = _keys(schema)
    try:
        return _open(keys.data, raw[1:], b"data" + keys.uid)
    except CannotDecrypt:
        _cache.pop(schema, None)  # the tenant may have been made anew a moment ago
        keys = _keys(schema)
        return _open(keys.data, raw[1:], b"data" + keys.uid)


def decrypt_json(blob: bytes | memoryview) -> dict[str, Any]:
    """As ``decrypt``, for what was encrypted from a dict."""
    return dict(json.loads(decrypt(blob)))


def keyed_hash(text: str) -> str:
    """40 hex characters that only this tenant can compute: to find or compare a personal value without keeping it."""
    return hasher()(text)


def hasher() -> Callable[[str], str]:
    """``keyed_hash`` with the tenant's key taken once, for a page of many values."""
    key = _keys(require_tenant()).hashing

    def hashed(text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:40]

    return hashed


# -- the installation's ------------------------------------------------------------------------------------------------


def seal(data: bytes | dict[str, Any]) -> bytes:
    """Encrypt under the installation's newest key, for what lies in public before it has a tenant (webhook inbox)."""
    key_id, master = _masters()[0]
    return SEALED_BLOB + key_id.encode() + _seal(AESGCM(master), _plain(data), b"seal" + key_id.encode())


def unseal(blob: bytes | memoryview) -> bytes:
    """Undo ``seal``. Raises CannotDecrypt."""
    raw = bytes(blob)
    key_id = raw[1 : 1 + KEY_ID].decode("ascii", "replace")
    if raw[:1] != SEALED_BLOB:
        raise CannotDecrypt()
    return _open(AESGCM(_master(key_id)), raw[1 + KEY_ID :], b"seal" + key_id.encode())


# -- keys -------------------------------------------------------------------------------------------------------------


def new_wrapped_key(uid: Any) -> tuple[bytes, str]:
    """A fresh data key for the tenant with this uid: (wrapped key, id of the master key). For provisioning."""
    key_id, master = _masters()[0]
    return _wrap(os.urandom(32), str(uid), key_id, master), key_id


def rotate() -> Iterator[tuple[str, bool]]:
    """Wrap every tenant's data key by the newest master key; a commit per tenant, so it can be run again at any point.

    Yields (schema, whether it was changed). Raises CannotDecrypt for a tenant whose old master key is missing, after
    the others are done.
    """
    key_id, master = _masters()[0]
    tenants = get_tenant_model().objects
    missing = []
    rows = (
        tenants.exclude(wrapped_key=None)
        .order_by("pk")
        .values_list("pk", "schema_name", "uid", "wrapped_key", "key_id")
    )
    for pk, schema, uid, wrapped, old_id in rows:
        if old_id == key_id:
            yield schema, False
            continue
        try:
            data_key = _unwrap(bytes(wrapped), str(uid), old_id)
        except CannotDecrypt:
            missing.append(schema)
            continue
        fresh = _wrap(data_key, str(uid), key_id, master)
        changed = tenants.filter(pk=pk, key_id=old_id).update(wrapped_key=fresh, key_id=key_id)
        yield schema, changed == 1
    if missing:
        raise CannotDecrypt(tenants=missing)


def _keys(schema: str) -> _Keys:
    known = _cache.get(schema)
    if known is not None and known[0] > clock.monotonic():
        return known[1]
    tenants = get_tenant_model().objects.filter(schema_name=schema)
    uid, wrapped, key_id = tenants.values_list("uid", "wrapped_key", "key_id").get()
    if wrapped is None:
        fresh, fresh_id = new_wrapped_key(uid)
        # Whoever comes second waits here for the first and then reads that one's key.
        tenants.filter(wrapped_key=None).update(wrapped_key=fresh, key_id=fresh_id)
        uid, wrapped, key_id = tenants.values_list("uid", "wrapped_key", "key_id").get()
    keys = _derive(uid.bytes, _unwrap(bytes(wrapped), str(uid), key_id))
    # Only when it is committed: a key made in a transaction that rolls back must not encrypt anything later.
    transaction.on_commit(lambda: _cache.__setitem__(schema, (clock.monotonic() + CACHE_SECONDS, keys)))
    return keys


@lru_cache(maxsize=512)
def _derive(uid: bytes, data_key: bytes) -> _Keys:
    return _Keys(uid, AESGCM(_hkdf(data_key, b"sampan data")), _hkdf(data_key, b"sampan hash"))


def _masters() -> list[tuple[str, bytes]]:
    return [_master_of(text) for text in settings.SECRET_KEYS]


@lru_cache(maxsize=16)
def _master_of(text: str) -> tuple[str, bytes]:
    secret = text.encode()
    return hashlib.sha256(b"sampan key id " + secret).hexdigest()[:KEY_ID], _hkdf(secret, b"sampan master")


def _master(key_id: str) -> bytes:
    for known, master in _masters():
        if known == key_id:
            return master
    raise CannotDecrypt()


def _wrap(data_key: bytes, uid: str, key_id: str, master: bytes) -> bytes:
    return _seal(AESGCM(master), data_key, f"wrap {key_id} {uid}".encode())


def _unwrap(wrapped: bytes, uid: str, key_id: str) -> bytes:
    return _open(AESGCM(_master(key_id)), wrapped, f"wrap {key_id} {uid}".encode())


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _seal(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + key.encrypt(nonce, plain, bound_to)


def _open(key: AESGCM, blob: bytes, bound_to: bytes) -> bytes:
    try:
        return key.decrypt(blob[:NONCE], blob[NONCE:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise CannotDecrypt() from error


def _plain(data: bytes | dict[str, Any]) -> bytes:
    return data if isinstance(data, bytes) else json.dumps(data).encode()
