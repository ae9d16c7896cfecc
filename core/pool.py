"""The reset hook of the web's connection pool."""

from __future__ import annotations

from typing import Any


def reset_connection(conn: Any) -> None:
    """Nothing wider than the search_path: RESET ALL would undo the time zone, which Django sets only once."""
    conn.execute("RESET search_path")
