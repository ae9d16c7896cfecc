"""Which tenant this code works for, and the guard against the hazards of a schema per tenant (architecture §6).

Only this module touches ``connection.schema_name``; everything else asks here.
"""

from __future__ import annotations

from collections.abc import Iterator
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


class TenantQuerySet(models.QuerySet):
    """Remembers the schema it was built under and refuses to be read under another one.

    django-tenants switches the search_path of the connection: a lazy queryset built under A and read under B would
    silently read B's rows. Here it raises WrongTenant.
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

    def _fetch_all(self) -> None:
        if self._result_cache is None:  # type: ignore[has-type]
            self._check()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        self._check()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        self._check()
        return super().count()

    def exists(self) -> bool:
        self._check()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._check()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._check()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._check()
        return super().delete()


class TenantModel(models.Model):
    """Base of every model that lives in a tenant's schema. An instance loaded in A cannot be saved in B.

    ``personal``: field names that hold personal data; ``plain``: text fields that are declared not to. A test fails on
    any text field that is in neither.
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

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self._check_home()
        return super().delete(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self._check_home()
        super().refresh_from_db(*args, **kwargs)

    def _check_home(self) -> None:
        here = require_tenant()
        if self._state.adding:
            return
        if self._schema != here:
            raise WrongTenant(built=self._schema, read=here)
