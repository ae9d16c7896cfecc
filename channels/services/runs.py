"""The last runs of a job of an account, kept in its cursor: when, how long, how much, what went wrong. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT = 20


@dataclass(frozen=True, slots=True)
class Run:
    """``times``: quiet runs in a row (nothing read, nothing wrong) are one entry. ``seconds``: of the last of them."""

    at: datetime
    seconds: float
    pages: int
    items: int
    fresh: int
    code: str
    params: dict[str, Any]
    times: int
    since: datetime


def added(runs: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``runs`` with ``entry`` before them, no more than are kept. Quiet runs in a row stay one entry."""
    kept = [dict(run) for run in runs]
    made = {"times": 1, "since": entry["at"], **entry}
    if kept and _quiet(made) and _quiet(kept[0]):
        made |= {"times": kept[0].get("times", 1) + 1, "since": kept[0].get("since", kept[0]["at"])}
        kept = kept[1:]
    return [made, *kept][:KEPT]


def entry(
    *, at: datetime, seconds: float, pages: int, items: int, fresh: int, code: str = "", params: Any = None
) -> dict[str, Any]:
    """A run as it is kept."""
    return {
        "at": at.isoformat(),
        "seconds": round(max(seconds, 0.0), 2),
        "pages": pages,
        "items": items,
        "fresh": fresh,
        "code": code,
        "params": params or {},
    }


def read(runs: Sequence[Mapping[str, Any]]) -> list[Run]:
    """For pages."""
    return [
        Run(
            at=datetime.fromisoformat(one["at"]),
            seconds=one["seconds"],
            pages=one["pages"],
            items=one["items"],
            fresh=one["fresh"],
            code=one["code"],
            params=one["params"],
            times=one.get("times", 1),
            since=datetime.fromisoformat(one.get("since", one["at"])),
        )
        for one in runs
    ]


def _quiet(run: Mapping[str, Any]) -> bool:
    return not run["items"] and not run["code"]
