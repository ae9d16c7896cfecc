"""Files of a tenant: labels, manifests, imports, exports. Stored by Django's storage, served only by our own view.

A path says nothing: ``t/<tenant uid>/<random>``. What a file is, is checked by its content.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django_tenants.utils import get_tenant_model

from core.clock import now, wall
from core.errors import BusinessError, SampanError
from core.permissions import Actor
from core.records.models import StoredFile
from core.tenancy import require_tenant

MOST_BYTES = 25 * 1024 * 1024
PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BEGINS = {
    PDF: b"%PDF-",
    PNG: b"\x89PNG\r\n\x1a\n",
    JPEG: b"\xff\xd8\xff",
    XLSX: b"PK\x03\x04",
    "application/zip": b"PK",
}
TEXTS = frozenset({"text/plain", "text/csv", "application/json"})
OTHER = "application/octet-stream"


class FileDamaged(SampanError):
    """The storage lost the file, or gives something else than was stored."""

    code = "file.damaged"


def store(
    kind: str,
    name: str,
    content: bytes,
    media_type: str,
    operation: str,
    account_id: int | None = None,
    warehouse_id: int | None = None,
    purge_at: datetime | None = None,
    owner_id: int | None = None,
) -> StoredFile:
    """Keep a file. ``operation``: the permission to read it; ``account_id``/``warehouse_id``: the scope needed too.

    ``owner_id``: the only user who may read it, because what it holds was put together with that person's rights.

    Raises BusinessError ``file.too_large``, ``file.empty``, ``file.type_mismatch`` (the content is not what
    ``media_type`` says). The bytes are written at once, the row with the caller's transaction; bytes without a row
    are swept.
    """
    made = _made(folder(), kind, name, content, media_type, operation, account_id, warehouse_id, purge_at)
    made.owner_id = owner_id
    made.save(force_insert=True)
    return made


def store_many(
    kind: str,
    items: Sequence[tuple[str, bytes, str]],
    operation: str,
    warehouse_ids: Sequence[int | None],
    purge_at: datetime | None = None,
) -> list[StoredFile]:
    """As ``store`` for a page of (name, content, media type), with one INSERT; in the order given."""
    place = folder() if items else ""
    made = [
        _made(place, kind, name, content, media_type, operation, None, warehouse_id, purge_at)
        for (name, content, media_type), warehouse_id in zip(items, warehouse_ids, strict=True)
    ]
    return list(StoredFile.objects.bulk_create(made))


def _made(
    place: str,
    kind: str,
    name: str,
    content: bytes,
    media_type: str,
    operation: str,
    account_id: int | None,
    warehouse_id: int | None,
    purge_at: datetime | None,
) -> StoredFile:
    """Check the content, write the bytes, and give the row that is not saved yet."""
    if not content:
        raise BusinessError("file.empty", name=name)
    if len(content) > MOST_BYTES:
        raise BusinessError("file.too_large", name=name, megabytes=MOST_BYTES // 1024 // 1024)
    checked = media_type if media_type in BEGINS or media_type in TEXTS else OTHER
    if not _is(checked, content):
        raise BusinessError("file.type_mismatch", name=name, media_type=media_type)
    uid = uuid.uuid4()
    path = default_storage.save(f"{place}/{uid.hex}", ContentFile(content))
    return StoredFile(
        uid=uid,
        kind=kind,
        path=path,
        name=_clean(name),
        media_type=checked,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        operation=operation,
        account_id=account_id,
        warehouse_id=warehouse_id,
        created_at=now(),
        purge_at=purge_at,
    )


def read(file: StoredFile) -> bytes:
    """The bytes as they were stored. Raises FileDamaged."""
    try:
        with default_storage.open(file.path) as handle:
            content: bytes = handle.read()
    except OSError as error:
        raise FileDamaged(name=file.name) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise FileDamaged(name=file.name)
    return content


def visible(actor: Actor, uid: uuid.UUID) -> StoredFile | None:
    """The file, if the actor has its permission and its account and warehouse are in the actor's scope."""
    file = StoredFile.objects.filter(uid=uid).first()
    if file is None or (file.purge_at is not None and file.purge_at <= now()):
        return None
    if file.account_id is not None and not actor.sees_account(file.account_id):
        return None
    if not actor.sees_warehouse(file.warehouse_id) or not actor.can(file.operation):
        return None
    if file.owner_id is not None and (actor.kind != "user" or actor.id != file.owner_id):
        return None
    return file


def purge(limit: int = 500) -> int:
    """Remove files whose purge date has passed, the bytes first. Returns how many."""
    gone = []
    for file in StoredFile.objects.filter(purge_at__lte=now()).order_by("id")[:limit]:
        default_storage.delete(file.path)
        gone.append(file.pk)
    StoredFile.objects.filter(pk__in=gone).delete()
    return len(gone)


def sweep(older_than: timedelta = timedelta(days=1)) -> int:
    """Remove bytes whose row never came (the transaction that stored them rolled back). Returns how many."""
    home = folder()
    try:
        names = default_storage.listdir(home)[1]
    except FileNotFoundError:
        return 0
    removed = 0
    for start in range(0, len(names), 1000):
        paths = {f"{home}/{name}" for name in names[start : start + 1000]}
        known = set(StoredFile.objects.filter(path__in=paths).values_list("path", flat=True))
        for path in paths - known:
            # The storage's own clock is the machine's, so it is compared with the machine's.
            if default_storage.get_modified_time(path) < wall() - older_than:
                default_storage.delete(path)
                removed += 1
    return removed


def delete(file: StoredFile) -> None:
    """Remove a file at once (erasure): the row in the caller's transaction, the bytes when it commits."""
    path = file.path
    file.delete()
    transaction.on_commit(lambda: default_storage.delete(path))


def folder() -> str:
    """Where the current tenant's files lie in the storage. Raises NoTenant."""
    return _home(get_tenant_model().objects.values_list("uid", flat=True).get(schema_name=require_tenant()))


def _home(tenant_uid: uuid.UUID) -> str:
    return f"t/{tenant_uid}"


def remove_all(tenant_uid: uuid.UUID) -> int:
    """Remove every byte of a tenant whose rows are gone. Returns how many files; twice does no harm."""
    home = _home(tenant_uid)
    try:
        names = default_storage.listdir(home)[1]
    except FileNotFoundError:
        return 0
    for name in names:
        default_storage.delete(f"{home}/{name}")
    default_storage.delete(home)
    return len(names)


def _is(media_type: str, content: bytes) -> bool:
    if media_type in BEGINS:
        return content.startswith(BEGINS[media_type])
    if media_type in TEXTS:
        try:
            return "\0" not in content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return False
    return True


def _clean(name: str) -> str:
    """A name that is safe in a header and on every file system; the end is kept, because it says what it is."""
    kept = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable() and c not in '"<>|:*?')
    return kept.strip(" .")[-150:] or "file"
