"""Kinds of sheets that can be brought in. An app above registers its own in ``apps.py: ready()`` (architecture §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.functional import Promise

from core.permissions import Actor
from inventory.sheets.columns import Column

NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"
OUTCOMES = (NEW, CHANGED, SAME, REFUSED)

Problem = tuple[str, str, dict[str, Any]]  # field, code, parameters


@dataclass(frozen=True, slots=True)
class Row:
    """``line``: its number in the file. ``cells``: {field: text}."""

    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row would do, or did: new, changed, same, refused (then with every problem)."""

    line: int
    outcome: str
    problems: list[Problem] = field(default_factory=list)


class Pass(Protocol):
    """One batch, in the caller's transaction. ``key`` names the batch for ever: the same posted twice posts once.

    ``write`` False says what would happen and changes nothing.
    """

    def __call__(
        self, *, actor: Actor, rows: Sequence[Row], options: Mapping[str, Any], key: str, write: bool
    ) -> list[Verdict]: ...


@dataclass(frozen=True, slots=True)
class Option:
    """Something that holds for all rows that do not say otherwise. ``choices(actor)``: (value, label)."""

    key: str
    label: str | Promise
    choices: Callable[[Actor], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``identity``: what a row is about; the second row about the same is refused. ``done``: URL name shown after it."""

    key: str
    title: str | Promise
    detail: str | Promise
    icon: str
    operation: str
    columns: Sequence[Column]
    run: Pass
    identity: Callable[[Mapping[str, Any]], str]
    done: str
    options: Sequence[Option] = ()
    batch: int = 1000
    position: int = 100

    @property
    def required(self) -> list[str]:
        return [one.key for one in self.columns if one.required]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def registered() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda one: (one.position, one.key))


def known(key: str) -> Kind | None:
    return _kinds.get(key)
