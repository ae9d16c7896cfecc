"""Why an order was decided as it was: small enough to be kept with each order, expanded again when somebody looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# One byte a rule.
ACTED = b"a"  # it matched and set something (or stopped)
ALREADY_SET = b"m"  # it matched, but earlier rules had set all that it sets
NO = b"n"  # it did not match
SKIPPED = b"s"  # an earlier rule had stopped the evaluation
OUTCOMES = frozenset("amns")

TRACE_BYTES = 1000
_SHOWN_CHARS = 40
_SHOWN_LINES = 4


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "amount") and hasattr(value, "currency"):
        return f"{value.amount} {value.currency}"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def render(value: Any) -> str | None:
    """A fact as short text for a trace or a page; None when it is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple) and not hasattr(value, "amount"):
        if not value:
            return None
        shown = ", ".join("-" if item is None else _scalar(item) for item in value[:_SHOWN_LINES])
        text = shown + (", …" if len(value) > _SHOWN_LINES else "")
    else:
        text = _scalar(value)
    if len(text) > _SHOWN_CHARS:
        text = text[: _SHOWN_CHARS - 1] + "…"
    # PostgreSQL keeps neither NUL nor half a surrogate pair.
    return text if text.isprintable() else text.encode("utf-8", "replace").decode().replace("\x00", "?")


@dataclass(frozen=True, slots=True)
class Failure:
    """First failing condition of the rule at ``rule`` (its place in the set) and the fact's value as short text.

    ``differs_only``: the value is personal, or several facts together failed; ``actual`` is None then.
    """

    rule: int
    path: str
    actual: str | None = None
    differs_only: bool = False

    def to_json(self) -> list[Any]:
        return [self.rule, self.path] if self.differs_only else [self.rule, self.path, self.actual]


@dataclass(frozen=True, slots=True)
class Trace:
    """``rule_versions`` and ``outcomes`` run parallel to the rules. ``failures`` may hold only the first ones."""

    rule_set_version: str
    rule_versions: tuple[str, ...]
    outcomes: bytes
    failures: tuple[Failure, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``{"v": rule set version, "o": outcome letters, "f": [[rule, path, actual]…]}``.

        A rule set version never changes, so it stands for the versions of its rules. At most ``TRACE_BYTES`` bytes of UTF-8
        in the spaced form in which PostgreSQL shows jsonb (as long as the outcomes leave room): failures that do not fit are
        left out and can be computed again from the stored facts.
        """
        data: dict[str, Any] = {"v": self.rule_set_version, "o": self.outcomes.decode("ascii"), "f": []}
        left = TRACE_BYTES - len(json.dumps(data, ensure_ascii=False).encode())
        for failure in self.failures:
            item = failure.to_json()
            left -= len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) + 2
            if left < 0:
                break
            data["f"].append(item)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], rule_versions: tuple[str, ...] = ()) -> Trace:
        """Read a stored trace. Raises ValueError when it is not one."""
        outcomes = data.get("o")
        if not isinstance(outcomes, str) or not OUTCOMES.issuperset(outcomes):
            raise ValueError("not a rule trace")
        failures = tuple(
            Failure(int(item[0]), str(item[1]), item[2] if len(item) > 2 else None, len(item) < 3)
            for item in data.get("f", ())
        )
        return cls(str(data.get("v", "")), rule_versions, outcomes.encode("ascii"), failures)

    def outcome(self, rule: int) -> str:
        return chr(self.outcomes[rule])
