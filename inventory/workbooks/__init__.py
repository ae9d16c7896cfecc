"""Workbooks of strangers are read in a process of their own, with so much memory and time and no more.

A file of a kilobyte that names the last cell of a sheet makes its reader reserve half a terabyte, and who cannot have that
is ended on the spot: it must not be the process that serves everybody else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 90.0  # real; the longest sheet that is taken needs some ten
TOO_LARGE = "sheet.too_large"
_ROOT = Path(__file__).resolve().parents[2]
_READ = "from inventory.workbooks.apart import main; main()"


class Refused(Exception):
    """Why there are no rows: a code and its parameters, for ``core.words``."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


def table(content: bytes, most_rows: int) -> list[list[str]]:
    """Rows of texts of the first sheet that holds something. Raises Refused.

    What ends the reading process, or takes it too long, counts as too large. It knows nothing of ours: no environment,
    no connection.
    """
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _READ, str(most_rows)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"LC_ALL": "C.UTF-8"},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(TOO_LARGE) from None
    if ended.returncode:
        raise Refused(TOO_LARGE)
    found = json.loads(ended.stdout)
    if isinstance(found, dict):
        raise Refused(found["code"], **found["params"])
    rows: list[list[str]] = found
    return rows
