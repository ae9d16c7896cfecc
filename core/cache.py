"""Cache keys carry the tenant, so that no value crosses."""

from __future__ import annotations

from core.tenancy import PUBLIC, current_schema

# Users are global: counted by host, an attacker would have as many attempts at a password as there are tenants, and a
# one-time code could be used once on every host.
GLOBAL = "allauth"


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    schema = PUBLIC if key.startswith(GLOBAL) else current_schema()
    return f"sampan:{schema}:{key_prefix}:{version}:{key}"
