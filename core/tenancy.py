"""Which tenant this code works for, and the guard against the hazards of a schema per tenant (architecture §6).

Only this module (and the cursors of ``core.database``) touches ``connection.schema_name``; everything else asks here.
What the guard refuses is what would silently read or write another tenant's rows that happen to have the same keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django_tenants.utils import schema_context as _schema_context

from core.errors import NoTenant, WrongTenant

PUBLIC = "public"


def current_schema() -> str:
    return str(getattr(connection, "schema_name", PUBLIC) or PUBLIC)


def require_tenant() -> str:
    """The current tenant's schema; raises NoTenant in public."""
    schema = current_schema()
    if schema == PUBLIC:
        raise NoTenant()
    return schema


def switch_to(schema: str) -> None:
    """Leave the connection on a schema: for the edges (a request's host), where nothing is to be restored."""
    getattr(connection, "set_schema")(schema)  # noqa: B009  # django-tenants' own, unknown to the stubs


@contextmanager
def tenant_context(schema: str) -> Iterator[None]:
    """Work inside one tenant's schema; the former one is restored, also after an error."""
    if not schema or schema == PUBLIC:
        raise NoTenant()
    with _schema_context(schema):
        yield


@contextmanager
def public_context() -> Iterator[None]:
    with _schema_context(PUBLIC):
        yield


def check_home(row: Any, here: str) -> None:
    """Raise WrongTenant when ``row`` is a tenant's row of another schema than ``here``."""
    if isinstance(row, TenantModel) and row._schema not in (here, PUBLIC):
        raise WrongTenant(built=row._schema, read=here)


class TenantQuerySet(models.QuerySet):
    """Remembers the schema it was built under and refuses to be read or written under another one.

    django-tenants switches the search_path of the connection: a lazy queryset built under A and read under B would
    silently read B's rows. Here it raises WrongTenant; so does one that starts from A's rows (``row.lines.all()``,
    ``filter(order=row)``) and is used under B. What was built in public (a form's class) is good in any tenant.
    """

    _schema: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._schema = current_schema()

    def _clone(self) -> TenantQuerySet:
        clone: TenantQuerySet = super()._clone()  # type: ignore[misc]
        clone._schema = self._schema
        return clone

    def _check(self) -> None:
        here = current_schema()
        if here == PUBLIC:
            raise NoTenant(model=self.model.__name__)
        if self._schema not in (here, PUBLIC):
            raise WrongTenant(built=self._schema, read=here)
        for row in self._hints.values():  # type: ignore[attr-defined]  # the row a related manager starts from
            check_home(row, here)

    def _check_rows(self, rows: Iterable[Any]) -> None:
        self._check()
        here = current_schema()
        for row in rows:
            check_home(row, here)

    # -- building: rows of another tenant as values, and querysets inside querysets

    def _filter_or_exclude(self, negate: bool, args: Any, kwargs: Any) -> Any:
        here = current_schema()
        for value in _values(args, kwargs):
            check_home(value, here)
        return super()._filter_or_exclude(negate, args, kwargs)  # type: ignore[misc]

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        here = current_schema()
        if self._schema not in (here, PUBLIC):
            raise WrongTenant(built=self._schema, read=here)
        return super().resolve_expression(*args, **kwargs)

    # -- reading

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self._check()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        self._check()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        self._check()
        return super().count()

    def exists(self) -> bool:
        self._check()
        return super().exists()

    def contains(self, obj: Any) -> bool:
        self._check_rows([obj])
        return super().contains(obj)

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._check()
        return super().aggregate(*args, **kwargs)

    def explain(self, *args: Any, **kwargs: Any) -> str:
        self._check()
        return super().explain(*args, **kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: a RawQuerySet is lazy and knows no tenant. Read with ``core.bulk.fetch``."""
        raise TypeError("raw() is lazy and knows no tenant; use core.bulk.fetch")

    # -- writing

    def create(self, **kwargs: Any) -> Any:
        self._check()
        return super().create(**kwargs)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        rows = list(objs)
        self._check_rows(rows)
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        rows = list(objs)
        self._check_rows(rows)
        return super().bulk_update(rows, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._check_rows(kwargs.values())
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._check()
        return super().delete()


def _values(args: Any, kwargs: dict[str, Any]) -> Iterator[Any]:
    """The values of filter arguments, those of nested Q objects and of lists among them."""
    pending = [*kwargs.values(), *args]
    while pending:
        value = pending.pop()
        if isinstance(value, models.Q):
            pending += [child[1] if isinstance(child, tuple) else child for child in value.children]
        elif isinstance(value, list | tuple | set | frozenset):
            # A list of rows is a list of rows only: a look at one of many thousand keys is enough.
            first = next(iter(value), None)
            if isinstance(first, models.Model | models.Q):
                pending += value
        else:
            yield value


class TenantModel(models.Model):
    """Base of every model that lives in a tenant's schema. A row of A cannot be saved, deleted or read again in B.

    ``personal``: field names that hold personal data; ``plain``: text fields that are declared not to. A system check
    fails on any text field that is in neither.
    """

    personal: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()

    objects = models.Manager.from_queryset(TenantQuerySet)()

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._schema = current_schema()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._check_home()
        super().save(*args, **kwargs)
        self._schema = current_schema()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self._check_home()
        return super().delete(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self._check_home()
        super().refresh_from_db(*args, **kwargs)

    def _prepare_related_fields_for_save(self, *args: Any, **kwargs: Any) -> None:
        here = current_schema()
        for row in self._state.fields_cache.values():
            check_home(row, here)
        super()._prepare_related_fields_for_save(*args, **kwargs)  # type: ignore[misc]

    def _check_home(self) -> None:
        here = require_tenant()
        if not self._state.adding and self._schema == PUBLIC:
            raise WrongTenant(built=PUBLIC, read=here)
        check_home(self, here)


# What follows a foreign key is guarded too. Not in Meta, which models without one would inherit into their migrations.
TenantModel._meta.base_manager_name = "objects"
