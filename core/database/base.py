"""django-tenants switches the search_path when a cursor is opened. A cursor that is kept over a switch would go on in
the other tenant's schema, in either direction; ours refuses, or puts the path right where its tenant is current again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django_tenants.postgresql_backend import base

from core.errors import WrongTenant


class _KnowsItsTenant:
    """Mixin of cursor wrappers. ``copy`` and ``stream`` are psycopg's own ways to the server, past ``execute``."""

    db: DatabaseWrapper

    def __init__(self, cursor: Any, db: DatabaseWrapper) -> None:
        super().__init__(cursor, db)  # type: ignore[call-arg]
        self.schema = db.schema_name

    def check(self) -> None:
        db = self.db
        if db._setting_search_path:
            return  # this is the statement that sets it
        if db.schema_name != self.schema:
            raise WrongTenant(built=self.schema, read=db.schema_name)
        if not db.search_path_set_schemas:  # switched and back, or rolled back, since this cursor was opened
            db._handle_search_path()

    def _execute_with_wrappers(self, *args: Any, **kwargs: Any) -> Any:
        self.check()
        return super()._execute_with_wrappers(*args, **kwargs)  # type: ignore[misc]

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        self.check()
        return super().callproc(*args, **kwargs)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        if name in ("copy", "stream"):
            self.check()
        return super().__getattr__(name)  # type: ignore[misc]


class TenantCursor(_KnowsItsTenant, CursorWrapper):
    pass


class TenantDebugCursor(_KnowsItsTenant, CursorDebugWrapper):
    pass


class QuickTimes(BaseTzLoader):
    """Times of a connection in UTC as PostgreSQL writes them, read by the interpreter's own parser: a page of a list has
    a hundred of them, and psycopg's parser for Django is a regular expression in Python. The rare others (BC, infinity)
    are left to that one."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        text = str(data, "ascii")
        if text[-3:] == "+00":
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass
        return super().load(data)


class DatabaseWrapper(base.DatabaseWrapper):
    """The ENGINE of ``config.settings``."""

    def get_connection_params(self) -> dict[str, Any]:
        given: dict[str, Any] = super().get_connection_params()
        if self.timezone is UTC:
            given["context"].adapters.register_loader("timestamptz", QuickTimes)
        return given

    def make_cursor(self, cursor: Any) -> TenantCursor:
        return TenantCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> TenantDebugCursor:
        return TenantDebugCursor(cursor, self)
