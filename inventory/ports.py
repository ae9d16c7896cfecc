"""What an app above tells inventory's pages: what the owner of a reservation or the source of a move is called.

An app registers per kind in ``apps.py: ready()`` (architecture §2); without one the page shows the bare number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core.permissions import Actor

# (actor, ids) → {id: (label, address)}; what the actor may not see is left out
Names = Callable[[Actor, Sequence[int]], dict[int, tuple[str, str]]]

_names: dict[str, Names] = {}


def names(kind: str, call: Names) -> None:
    _names[kind] = call


def named(actor: Actor, wanted: Iterable[tuple[str, int | None]]) -> dict[tuple[str, int], tuple[str, str]]:
    """{(kind, id): (label, address)} of those that somebody knows; one call for each kind."""
    by_kind: dict[str, set[int]] = {}
    for kind, pk in wanted:
        if pk is not None:
            by_kind.setdefault(kind, set()).add(pk)
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for kind, ids in sorted(by_kind.items()):
        call = _names.get(kind)
        if call is not None:
            found |= {(kind, pk): one for pk, one in call(actor, sorted(ids)).items()}
    return found
