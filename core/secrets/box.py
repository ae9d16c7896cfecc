"""AES-256-GCM with a key per tenant; HMAC subkey for hashes that must be comparable but not readable.

Layout of a blob: version (1 byte) · key id (8 ASCII) · nonce (12) · ciphertext and tag. For data under the tenant's key
the key id is that of the data key; for wrapped keys and public data it is that of the master key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection

from core import clock
from core.errors import NoTenant, SampanError
from core.tenancy import PUBLIC, current_schema

VERSION = b"\x01"
SEALED = "sealed:"  # begins a text that seal_text made
_NONCE = 12
_data_keys: dict[str, tuple[float, bytes, str]] = {}  # schema → (good until, data key, tenant uid)

# A tenant may be dropped and made anew under the same schema name while a worker lives: an old key kept for long would
# encrypt what nobody can open again.
KEEP_SECONDS = 10.0


class Unreadable(SampanError):
    """A blob cannot be opened: wrong key, or changed."""

    code = "secrets.unreadable"


@lru_cache(maxsize=32)
def _master(secret: str) -> tuple[str, bytes]:
    """(key id, 32 bytes) of a master secret as given in SECRET_KEYS."""
    key = hashlib.scrypt(secret.encode(), salt=b"sampan.master", n=2**14, r=8, p=1, dklen=32)
    return hashlib.sha256(b"id" + key).hexdigest()[:8], key


def _masters() -> dict[str, bytes]:
    return dict(_master(secret) for secret in settings.SECRET_KEYS)


def _seal(key_id: str, key: bytes, plain: bytes, about: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return VERSION + key_id.encode() + nonce + AESGCM(key).encrypt(nonce, plain, about)


def _open(key: bytes, blob: bytes, about: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(blob[9 : 9 + _NONCE], blob[9 + _NONCE :], about)
    except (InvalidTag, ValueError):
        raise Unreadable() from None


def key_id_of(blob: bytes) -> str:
    """Which key sealed a blob. Raises Unreadable for what is not one."""
    raw = bytes(blob)
    if raw[:1] != VERSION or len(raw) < 9 + _NONCE + 16:
        raise Unreadable()
    return raw[1:9].decode("ascii", "replace")


def _with_master(blob: bytes, about: bytes) -> bytes:
    raw = bytes(blob)
    master = _masters().get(key_id_of(raw))
    if master is None:
        raise Unreadable(key=key_id_of(raw))
    return _open(master, raw, about)


def _about(uid: str) -> bytes:
    return f"tenant:{uid}".encode()


def make_wrapped_key(uid: str) -> bytes:
    """A fresh data key for the tenant, wrapped by the newest master key."""
    return wrap(uid, os.urandom(32))


def wrap(uid: str, data_key: bytes) -> bytes:
    key_id, master = _master(settings.SECRET_KEYS[0])
    return _seal(key_id, master, data_key, _about(uid))


def unwrap(uid: str, wrapped: bytes) -> bytes:
    return _with_master(wrapped, _about(uid))


def _data_key() -> tuple[bytes, str]:
    """(data key, tenant uid) of the current tenant; kept in the process for some seconds."""
    schema = current_schema()
    if schema == PUBLIC:
        raise NoTenant()
    found = _data_keys.get(schema)
    if found is None or found[0] < clock.monotonic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT uid::text, wrapped_key FROM public.tenants_tenant WHERE schema_name = %s", [schema])
            row = cursor.fetchone()
        if row is None or row[1] is None:
            raise Unreadable(schema=schema)
        key = unwrap(row[0], bytes(row[1]))
        found = _data_keys[schema] = (clock.monotonic() + KEEP_SECONDS, key, row[0])
    return found[1], found[2]


def forget_keys() -> None:
    """Drop the keys kept in this process (tests; after a tenant was dropped and made anew)."""
    _data_keys.clear()


def encrypt(data: bytes | dict[str, Any]) -> bytes:
    """Seal under the current tenant's key. Raises NoTenant in public."""
    key, uid = _data_key()
    plain = data if isinstance(data, bytes) else json.dumps(data).encode()
    return _seal(hashlib.sha256(b"id" + key).hexdigest()[:8], key, plain, _about(uid))


def decrypt(blob: bytes) -> bytes:
    """Open what ``encrypt`` sealed for this tenant. Raises Unreadable."""
    key, uid = _data_key()
    key_id_of(bytes(blob))
    return _open(key, bytes(blob), _about(uid))


def decrypt_json(blob: bytes) -> dict[str, Any]:
    return dict(json.loads(decrypt(blob)))


def keyed_hash(text: str) -> str:
    """40 hex characters: equal texts are equal within a tenant, and nobody can compute it without its key."""
    key, _ = _data_key()
    return hmac.new(_hash_key(key), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:40]


@lru_cache(maxsize=512)
def _hash_key(key: bytes) -> bytes:
    return hmac.new(key, b"sampan.hash", hashlib.sha256).digest()


def seal_public(data: bytes) -> bytes:
    """Seal under the master key what belongs to no tenant yet (webhook bodies)."""
    key_id, master = _master(settings.SECRET_KEYS[0])
    return _seal(key_id, master, data, b"public")


def open_public(blob: bytes) -> bytes:
    return _with_master(blob, b"public")


def seal_text(text: str) -> str:
    """As ``seal_public``, for a text field (second factors of users)."""
    return SEALED + base64.b64encode(seal_public(text.encode())).decode()


def open_text(text: str) -> str:
    """What ``seal_text`` sealed. A text from before it was sealed is given as it is. Raises Unreadable."""
    if not text.startswith(SEALED):
        return text
    return open_public(base64.b64decode(text[len(SEALED) :])).decode()
