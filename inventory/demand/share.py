"""Fair shares when stock is short: everyone gets the same days of cover, nobody who has more gives anything back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Claim:
    """``have`` units against ``per_day`` units a day."""

    key: str
    per_day: float
    have: float


@dataclass(frozen=True, slots=True)
class Shares:
    """``cover_days`` is the common cover; ``exact`` and ``units`` by key. The units add up to the supply."""

    cover_days: float
    exact: dict[str, float]
    units: dict[str, int]


def fair_shares(supply: int, claims: Sequence[Claim]) -> Shares:
    """Split ``supply`` so that all covered claims end with equal days of cover. Nobody asks: nobody gets.

    Raises ValueError for negative figures or a key given twice.
    """
    if supply < 0 or any(claim.per_day < 0 or claim.have < 0 for claim in claims):
        raise ValueError("supply, demand and stock are not negative")
    if len({claim.key for claim in claims}) != len(claims):
        raise ValueError("a claim may stand once")
    asking = sorted(
        (claim for claim in claims if claim.per_day > 0), key=lambda claim: (claim.have / claim.per_day, claim.key)
    )
    cover = have = per_day = 0.0
    for index, claim in enumerate(asking):
        have, per_day = have + claim.have, per_day + claim.per_day
        cover = (supply + have) / per_day
        # The next one has more days already than all before it reach together: it gets nothing.
        if index + 1 < len(asking) and asking[index + 1].have / asking[index + 1].per_day >= cover:
            break
    exact = {claim.key: max(0.0, claim.per_day * cover - claim.have) for claim in claims}
    units = {key: floor(share + 1e-9) for key, share in exact.items()}
    left = supply - sum(units.values()) if asking else 0
    by_remainder = sorted((key for key in exact if exact[key] > 0), key=lambda key: (units[key] - exact[key], key))
    for key in by_remainder[: max(0, left)]:
        units[key] += 1
    return Shares(cover, exact, units)
