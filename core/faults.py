"""An exception as it may be stored and logged: a code with parameters, and a trace without any value in it.

The text of a foreign exception can hold personal data (a database error quotes the row), so it is never kept.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from core.errors import SampanError

log = logging.getLogger(__name__)

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
CRASHED = "work.crashed"


def stored(error: BaseException) -> tuple[str, dict[str, Any]]:
    """``(code, params)``: an error of ours gives its own, anything else ``work.crashed`` with class and place."""
    if isinstance(error, SampanError):
        return error.code[:80], json.loads(json.dumps(error.params, default=str))
    return CRASHED, {"error": type(error).__name__, "at": place(error)}


def each(items: Iterable[T], act: Callable[[T], object]) -> None:
    """``act`` for every item, whatever becomes of the others; then raises what the first one met that failed."""
    first: Exception | None = None
    for item in items:
        try:
            act(item)
        except Exception as error:
            log.warning("%s: %s", item, trace(error))
            first = first or error
    if first is not None:
        raise first


def place(error: BaseException) -> str:
    """``file:line`` of the deepest frame that is in our own code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return ""


def trace(error: BaseException) -> str:
    """Class and call chain, for the log."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    chain = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    return f"{type(error).__name__} at {chain}"
