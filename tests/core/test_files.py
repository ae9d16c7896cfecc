"""Files: checked by content, kept apart by tenant, served to whoever may see them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory

from core import files
from core.clock import now
from core.errors import BusinessError
from core.permissions import CLERK, MANAGER, VIEWER, Actor, of_role, operation
from core.records.models import StoredFile
from core.records.views import stored_file
from core.tenancy import tenant_context

READ = operation("test.labels", CLERK)
PDF = b"%PDF-1.7\n..."
CLERK_7 = Actor("user", 7, "Li", of_role(CLERK), accounts=frozenset({1}), warehouses=frozenset({5}))

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(settings: Any, tmp_path: Path, acme: str) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(acme):
        yield


def keep(**changes: Any) -> StoredFile:
    given: dict[str, Any] = {
        "kind": "label",
        "name": "a.pdf",
        "content": PDF,
        "media_type": files.PDF,
        "operation": READ,
    }
    return files.store(**(given | changes))


def get(file: StoredFile, actor: Actor | None = CLERK_7, query: str = "") -> Any:
    request = RequestFactory().get(f"/files/{file.uid}/{query}")
    request.actor = actor  # type: ignore[attr-defined]
    return stored_file(request, file.uid)


def test_round_trip(acme: str, tmp_path: Path) -> None:
    file = keep()
    assert files.read(file) == PDF
    assert file.path.startswith("t/") and "a.pdf" not in file.path and file.size == len(PDF)
    assert (tmp_path / file.path).read_bytes() == PDF
    (tmp_path / file.path).write_bytes(PDF + b"!")
    with pytest.raises(files.FileDamaged):
        files.read(file)
    (tmp_path / file.path).unlink()
    with pytest.raises(files.FileDamaged):
        files.read(file)


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"", files.PDF, "file.empty"),
        (b"<html><script>", files.PDF, "file.type_mismatch"),
        (b"MZ\x90\0", "text/csv", "file.type_mismatch"),
        (b"%PDF-", files.PNG, "file.type_mismatch"),
        (b"x" * (files.MOST_BYTES + 1), "text/plain", "file.too_large"),
    ],
)
def test_what_is_refused(content: bytes, media_type: str, code: str) -> None:
    with pytest.raises(BusinessError) as error:
        keep(content=content, media_type=media_type)
    assert error.value.code == code


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"])
def test_markup_is_only_ever_bytes(media_type: str) -> None:
    response = get(keep(name="x.svg", content=b"<svg onload=alert(1)>", media_type=media_type), query="?inline=1")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_served_with_care() -> None:
    file = keep(name='..\\..\\发货 "单".pdf')
    response = get(file)
    assert b"".join(response.streaming_content) == PDF
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Content-Disposition"].startswith("attachment") and file.name == "发货 单.pdf"
    assert get(file, query="?inline=1").headers["Content-Disposition"].startswith("inline")
    picture = keep(content=b"\x89PNG\r\n\x1a\n..", media_type=files.PNG, name="p.png")
    assert get(picture, query="?inline=1").headers["Content-Disposition"].startswith("attachment")


def test_permission_and_scope() -> None:
    anyone = Actor("user", 9, "Boss", of_role(MANAGER) | {READ})
    cases = [
        (keep(), None, False),
        (keep(), Actor("user", 8, "V", of_role(VIEWER)), False),
        (keep(account_id=2), CLERK_7, False),
        (keep(warehouse_id=6), CLERK_7, False),
        (keep(account_id=2, warehouse_id=6), anyone, True),
        (keep(account_id=1, warehouse_id=5), CLERK_7, True),
        (keep(purge_at=now() - timedelta(seconds=1)), CLERK_7, False),
    ]
    for file, actor, seen in cases:
        if seen:
            assert get(file, actor).status_code == 200
        else:
            with pytest.raises(Http404):
                get(file, actor)


def test_a_file_of_another_tenant_is_not_there(beta: str) -> None:
    file = keep()
    with tenant_context(beta):
        assert files.visible(CLERK_7, file.uid) is None
        theirs = keep()
        assert theirs.path.split("/")[1] != file.path.split("/")[1]
    assert files.visible(CLERK_7, uuid.uuid4()) is None


def test_purge_by_date(tmp_path: Path) -> None:
    gone, stays = keep(purge_at=now() - timedelta(seconds=1)), keep(purge_at=now() + timedelta(days=1))
    assert files.purge() == 1
    assert not (tmp_path / gone.path).exists() and (tmp_path / stays.path).exists()
    assert list(StoredFile.objects.values_list("pk", flat=True)) == [stays.pk]


def test_bytes_without_a_row_are_swept_when_they_are_old(tmp_path: Path) -> None:
    stays = keep()
    with pytest.raises(KeyError), transaction.atomic():
        lost = keep()
        raise KeyError
    assert (tmp_path / lost.path).exists()
    assert files.sweep() == 0  # its transaction might still be open
    assert files.sweep(older_than=timedelta(seconds=-1)) == 1
    assert default_storage.exists(stays.path) and not (tmp_path / lost.path).exists()


def test_erasure_removes_the_bytes_when_it_commits(django_capture_on_commit_callbacks: Any, tmp_path: Path) -> None:
    file = keep()
    with django_capture_on_commit_callbacks(execute=True):
        files.delete(file)
        assert (tmp_path / file.path).exists()
    assert not (tmp_path / file.path).exists() and not StoredFile.objects.exists()
