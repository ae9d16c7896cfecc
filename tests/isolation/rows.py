"""A row of any model of a tenant, made from its fields alone: isolation is tested for models nobody has thought of."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from core.tenancy import tenant_context
from tenants.checks import tenant_models

KEY = 7_000_001  # of every row made here, in both tenants
MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)

# The least that fba.terms unpacks: one term that every figure points to.
TERMS: dict[str, Any] = {
    "v": 1,
    "state": "ok",
    "buy": [0, 0, [0, 0, 0, 0], []],
    "send": None,
    "t": [["velocity", 0, "units/day", "sales"]],
    **dict.fromkeys(("velocity", "lead_time", "cover_days", "stock_out", "latest_order", "lost_days", "lost_units"), 0),
}

# Where a field takes only some values, or a rule binds two of them.
GIVEN: dict[str, dict[str, Any]] = {
    "fba.RestockRun": {"zone": "UTC"},
    "records.StoredFile": {"operation": "fields.personal"},
    "inventory.Move": {"from_location_id": KEY, "to_location_id": KEY + 1},
    "fba.RestockLine": {"terms": TERMS},
}


def value_of(field: models.Field[Any, Any], mark: str) -> Any:
    """A valid value; texts carry ``mark``, so that they are found wherever they come out."""
    if field.is_relation:
        return KEY
    match field:
        case ArrayField():
            return [value_of(field.base_field, mark)]
        case models.UUIDField():
            return uuid.uuid5(uuid.NAMESPACE_DNS, f"{field.name}.shared")  # the same in both tenants
        case models.CharField() | models.TextField():
            return mark[: field.max_length] if field.max_length else mark
        case models.BooleanField():
            return bool(field.default) if field.has_default() else False
        case models.IntegerField():
            return field.get_default() if field.has_default() else 1
        case models.DecimalField():
            return Decimal(1)
        case models.DateTimeField():
            return MOMENT
        case models.DateField():
            return date(2026, 11, 1)
        case models.JSONField():
            return field.get_default() if field.has_default() else {}
        case models.BinaryField():
            return mark.encode()
        case models.FloatField():
            return 1.0
    raise TypeError(f"{field}: tests/isolation/rows.py makes no value of a {type(field).__name__}")


def sample(model: type[models.Model], mark: str) -> models.Model:
    """An unsaved row with primary key ``KEY``, or the row of ``KEY`` where the key is a relation."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key:
            values[field.attname] = KEY
        elif not field.null or isinstance(field, models.CharField | models.TextField):
            values[field.attname] = value_of(field, mark)
    return model(**values | GIVEN.get(model._meta.label, {}))


def fill(schema: str, mark: str, *, beside: bool = False) -> None:
    """One row of every model under ``KEY``. Keys lead to rows of the same number; no trigger and no key is checked.

    ``beside``: other rows are there already; where such a one bars ours, ours is left out.
    """
    with tenant_context(schema), unchecked():
        for model in tenant_models():
            model._default_manager.bulk_create([sample(model, mark)], ignore_conflicts=beside)


class unchecked:
    """Foreign keys and triggers rest meanwhile; rules of the table itself (unique, check, not null) do not."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")

    def __exit__(self, *exc: object) -> None:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = origin")


def digest(schema: str) -> dict[str, str]:
    """What stands in each table of a tenant, as a hash: equal before and after means untouched."""
    found = {}
    with tenant_context(schema), connection.cursor() as cursor:
        for model in tenant_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            row = cursor.fetchone()
            found[model._meta.label] = str(row and row[0])
    return found
