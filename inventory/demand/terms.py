"""Every figure of a suggestion keeps where it came from, so that a page can open it down to its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

UNITS = "units"
PER_DAY = "units/day"
DAYS = "days"
FACTOR = "factor"
DATE = "date"


@dataclass(frozen=True, slots=True)
class Term:
    """One figure. ``code`` names it (the page has the words), ``source`` says who gave it: ``sales``, ``stock``, ``setting``,
    ``plan``, or ``formula`` (then ``inputs`` are what it was computed from). ``counted`` False: shown, but left out of the sum.
    """

    code: str
    value: float | int | str | date | None
    unit: str
    source: str
    inputs: tuple[Term, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    counted: bool = True

    @property
    def number(self) -> float:
        """The value as a number; raises TypeError when it is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise TypeError(f"{self.code} is no number")
        return self.value

    def walk(self) -> Iterator[Term]:
        yield self
        for inner in self.inputs:
            yield from inner.walk()

    def find(self, code: str) -> Term:
        """The first term of that code in the tree; raises KeyError."""
        for term in self.walk():
            if term.code == code:
                return term
        raise KeyError(code)

    def to_json(self) -> dict[str, Any]:
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        data: dict[str, Any] = {"code": self.code, "value": value, "unit": self.unit, "source": self.source}
        if self.inputs:
            data["inputs"] = [term.to_json() for term in self.inputs]
        if self.params:
            data["params"] = dict(self.params)
        if not self.counted:
            data["counted"] = False
        return data
