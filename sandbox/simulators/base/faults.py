"""Faults by script or by profile; seeded, so that a run can be repeated.

A fault is drawn per request, by platform, operation and account. Kinds (each simulator honours those that fit it):

``throttle``        429 (or the platform's own limit error) with a retry header
``throttle_bare``   the same without header
``html503``         503 with an HTML body        ``empty200``  200 with an empty body
``server_error``    500 in the platform's shape
``timeout_before``  nothing is done, the connection is cut
``timeout_after``   everything is done, then the connection is cut without an answer
``token_dead``      the access token is refused once (also in mid-page)
``repeat``          an item of the former page comes again       ``reorder``  the page's order is shuffled
``die_mid_page``    half of the body, then the connection is cut
``withhold``        personal data or the tracking number is left out now and given later
``page_shift``      an update moves an item between pages while they are read
``partial``         one item of a batch fails
``late_webhook`` ``double_webhook`` ``unordered_webhook``
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

PROFILES: dict[str, dict[str, float]] = {
    "none": {},
    "some": {"throttle": 0.01, "html503": 0.005, "timeout_after": 0.005, "token_dead": 0.002, "repeat": 0.02},
    "storm": {
        "throttle": 0.03,
        "throttle_bare": 0.02,
        "html503": 0.02,
        "empty200": 0.01,
        "server_error": 0.02,
        "timeout_before": 0.01,
        "timeout_after": 0.03,
        "token_dead": 0.01,
        "repeat": 0.10,
        "reorder": 0.20,
        "die_mid_page": 0.02,
        "withhold": 0.10,
        "page_shift": 0.02,
        "partial": 0.02,
        "late_webhook": 0.10,
        "double_webhook": 0.20,
        "unordered_webhook": 0.10,
    },
}


@dataclass
class Scripted:
    kind: str
    op: str = "*"
    account: str = "*"
    times: int = 1


@dataclass
class Faults:
    profile: str = "none"
    seed: int = 1
    scripted: list[Scripted] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def set_profile(self, profile: str, seed: int) -> None:
        if profile not in PROFILES:
            raise ValueError(f"unknown fault profile {profile!r}")
        self.profile, self.seed = profile, seed
        self._random = random.Random(seed)

    def draw(self, kinds: tuple[str, ...], *, op: str, account: str) -> str | None:
        """The first of ``kinds`` that strikes this request, or None. Scripted faults come before drawn ones."""
        for rule in self.scripted:
            if rule.times > 0 and rule.kind in kinds and rule.op in ("*", op) and rule.account in ("*", account):
                rule.times -= 1
                return self._count(rule.kind)
        chances = PROFILES[self.profile]
        for kind in kinds:
            chance = chances.get(kind, 0.0)
            if chance and self._random.random() < chance:
                return self._count(kind)
        return None

    def _count(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return kind

    def shuffle(self, items: list) -> None:
        self._random.shuffle(items)
