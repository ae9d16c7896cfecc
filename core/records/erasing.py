"""What the records hold about people: files, job logs, saved searches. The audit trail and the log of reads stay."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from core import bulk, clock, files
from core.erasure import FILE, Trail
from core.records.models import StoredFile
from core.tenancy import require_tenant, tenant_context


def find(trail: Trail) -> None:
    """Nothing here leads further: files are named by the apps that made them."""


def erase(trail: Trail) -> dict[str, int]:
    return {"files": _files(trail), **(_texts(trail) if trail.whole else {})}


def _files(trail: Trail) -> int:
    """Not served from now on; the bytes go when this commits, or with the next upkeep if we die before."""
    ids = trail.get(FILE)
    if trail.whole:  # lists that were taken out as files name many people: they can be made anew without this one
        ids = sorted({*ids, *StoredFile.objects.filter(kind="export").values_list("pk", flat=True)})
    if not ids:
        return 0
    now = clock.now()
    count = bulk.execute(
        "UPDATE records_storedfile SET purge_at = %s WHERE id = ANY(%s) AND (purge_at IS NULL OR purge_at > %s)",
        [now, ids, now],
    )
    transaction.on_commit(partial(_remove, require_tenant()))
    return count


def _remove(schema: str) -> None:
    with tenant_context(schema):
        while files.purge():
            pass


def _texts(trail: Trail) -> dict[str, int]:
    """Job logs and saved searches in which the person is called by name, number or address."""
    patterns = [f"%{_escaped(text)}%" for text in sorted(trail.texts)]
    if not patterns:
        return {}
    entries = bulk.execute(
        "UPDATE records_job j SET log = (SELECT coalesce(jsonb_agg(e ORDER BY n), '[]') FROM"
        " jsonb_array_elements(j.log) WITH ORDINALITY AS l(e, n) WHERE NOT e::text ILIKE ANY(%s))"
        " WHERE j.log::text ILIKE ANY(%s)",
        [patterns, patterns],
    )
    # What a finished job was asked for is of no use any more; a running one needs it, and will not need it for long.
    asked = bulk.execute(
        "UPDATE records_job SET title_params = '{}', params = '{}', checkpoint = NULL, error_params = '{}'"
        " WHERE state NOT IN ('queued', 'running')"
        " AND concat(title_params, params, checkpoint, error_params) ILIKE ANY(%s)",
        [patterns],
    )
    views = bulk.execute(
        "DELETE FROM records_savedview WHERE name ILIKE ANY(%s) OR query::text ILIKE ANY(%s)", [patterns, patterns]
    )
    return {"job logs": entries + asked, "saved views": views}


def _escaped(text: str) -> str:
    """As JSON holds it, and without a meaning for LIKE."""
    for char in ("\\", '"'):
        text = text.replace(char, "\\" + char)
    for char in ("\\", "%", "_"):
        text = text.replace(char, "\\" + char)
    return text
