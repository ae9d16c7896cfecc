"""Audit trail, external writes, tenant settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core import audit, external, settings_store
from core.errors import NotAllowed, NoTenant
from core.permissions import VIEWER, Actor, of_role, system
from core.records.models import AuditEntry, ExternalWrite
from core.tenancy import tenant_context

SYSTEM = system("test")


@pytest.mark.django_db
def test_audit_entries_are_written_in_one_statement_and_never_changed(
    acme: str, django_assert_num_queries: Any
) -> None:
    with tenant_context(acme):
        with django_assert_num_queries(1):
            audit.record_many(SYSTEM, [("order", n, "order.held", {"reason": "地址"}) for n in range(50)])
        audit.record(SYSTEM, "order", 7, "order.released", by="rule")
        entry = AuditEntry.objects.get(code="order.released")
        assert (entry.kind, entry.object_id, entry.params, entry.actor_label) == ("order", 7, {"by": "rule"}, "test")
        for statement in ("UPDATE records_auditentry SET code = 'x'", "DELETE FROM records_auditentry"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        assert AuditEntry.objects.filter(code="order.held").count() == 50


@pytest.fixture
def inside(acme: str, committed_db: Any) -> Iterator[None]:
    """Real commits, as ``begin`` demands them."""
    with tenant_context(acme):
        yield


def age(key: str, seconds: float) -> None:
    row = ExternalWrite.objects.get(key=key)
    row.sent_at -= timedelta(seconds=seconds)
    row.save()


def test_an_external_write_is_begun_once(inside: None) -> None:
    assert external.begin("book:1") == "new"
    assert external.begin("book:1") == "sent"  # a second worker, or the first one's next life: look up
    external.answered("book:1", {"waybill": "W1"})
    assert external.begin("book:1") == "answered"
    assert external.answer_of("book:1") == {"waybill": "W1"}
    assert external.answer_of("book:2") is None


def test_the_intent_is_committed_before_the_call(inside: None) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        external.begin("book:1")


def test_after_a_lost_answer_only_a_look_up_may_follow(inside: None) -> None:
    external.begin("book:1")
    external.unknown("book:1")
    assert external.begin("book:1") == "unknown"
    assert external.again("book:1") is False  # it may still be on its way
    age("book:1", 60)
    assert external.again("book:1") is True
    assert external.again("book:1") is False  # the right to send was taken by the first
    assert ExternalWrite.objects.get().attempts == 2
    external.answered("book:1", 1)
    age("book:1", 60)
    assert external.again("book:1") is False


def test_a_refused_write_may_begin_anew(inside: None) -> None:
    external.begin("book:1")
    external.refused("book:1")
    assert external.begin("book:1") == "new"
    assert external.begin("book:1") == "sent"
    external.not_sent("book:1")
    assert external.begin("book:1") == "new"


def test_a_page_of_writes_with_one_commit(inside: None, django_assert_max_num_queries: Any) -> None:
    external.begin("k:1")
    external.answered("k:1", "yes")
    keys = [f"k:{n}" for n in range(100)]
    with django_assert_max_num_queries(4):
        states = external.begin_many(keys)
    assert states == {"k:1": "answered"} | {key: "new" for key in keys if key != "k:1"}
    with django_assert_max_num_queries(1):
        external.answered_many((key, {"n": key}) for key in keys)
    assert external.answer_of("k:42") == {"n": "k:42"}


@pytest.mark.django_db
def test_settings_are_per_tenant(acme: str, beta: str) -> None:
    with tenant_context(acme):
        assert settings_store.get("book", "manual") == "manual"
        settings_store.put(SYSTEM, "book", {"auto": [1, "二"]})
        settings_store.put(SYSTEM, "book", {"auto": [1, "二"], "x": None})
        assert settings_store.get("book") == {"auto": [1, "二"], "x": None}
        assert AuditEntry.objects.filter(kind="setting", params={"name": "book"}).count() == 2
    with tenant_context(beta):
        assert settings_store.get("book", "manual") == "manual"
    with pytest.raises(NoTenant):
        settings_store.get("book")


@pytest.mark.django_db
def test_settings_are_remembered_within_one_piece_of_work_only(
    acme: str, beta: str, django_assert_num_queries: Any
) -> None:
    with tenant_context(acme):
        settings_store.put(SYSTEM, "a", 1)
    with settings_store.remembered():
        with tenant_context(acme):
            assert AuditEntry.objects.exists()  # the connection has found the tenant
            with django_assert_num_queries(1):
                assert [settings_store.get("a"), settings_store.get("b", 2), settings_store.get("a")] == [1, 2, 1]
            settings_store.put(SYSTEM, "a", 3)
            assert settings_store.get("a") == 3
        with tenant_context(beta):
            assert settings_store.get("a") is None
    with tenant_context(acme):
        assert AuditEntry.objects.exists()
        with django_assert_num_queries(1):
            assert settings_store.get("a") == 3


@pytest.mark.django_db
def test_settings_need_the_permission(acme: str) -> None:
    viewer = Actor(kind="user", id=1, label="v", operations=of_role(VIEWER))
    with tenant_context(acme), pytest.raises(NotAllowed):
        settings_store.put(viewer, "a", 1)
