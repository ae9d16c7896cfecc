"""Cache keys carry the tenant, so that no value crosses."""

from __future__ import annotations

from core.tenancy import current_schema


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    return f"sampan:{current_schema()}:{key_prefix}:{version}:{key}"
