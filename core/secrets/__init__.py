"""Secrets of a tenant: encrypted under its data key, which the installation's master key wraps (architecture §7)."""

from .box import (
    decrypt,
    decrypt_json,
    encrypt,
    keyed_hash,
    make_wrapped_key,
    open_public,
    open_text,
    seal_public,
    seal_text,
)

__all__ = [
    "decrypt",
    "decrypt_json",
    "encrypt",
    "keyed_hash",
    "make_wrapped_key",
    "open_public",
    "open_text",
    "seal_public",
    "seal_text",
]
