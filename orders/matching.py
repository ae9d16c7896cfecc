"""How like a listing and a SKU are, by code and by title. Pure; grams as in ``core.textnorm``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.textnorm.grams import search_grams
from core.textnorm.reading import squeeze

SAME, CODE, TITLE = "same", "code", "title"
LEAST = 0.34  # below it a likeness is chance
CERTAIN = 0.8  # above it, and well before the next one, it may be taken for many at once
LEAD = 0.15
TRIED = 6  # rare grams by which candidates are looked for
COMMON = 0.05  # a gram that more of the catalogue has says little


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``why``: same (the code but for its signs), code, title. ``score``: 0 to 1."""

    sku_id: int
    code: str
    title: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    sku_id: int
    code: str
    title: str
    title_zh: str


def looked_for(seller_sku: str, title: str, common: Mapping[int, float]) -> list[int]:
    """The rarest grams of a listing, those of its code before those of its title."""
    code = search_grams((seller_sku, squeeze(seller_sku)))
    rest = [gram for gram in search_grams((title,)) if gram not in set(code)]
    rare = [gram for gram in code if common.get(gram, 0.0) <= COMMON]
    chosen = (rare or code)[:TRIED]
    more = sorted(
        (gram for gram in rest if common.get(gram, 0.0) <= COMMON), key=lambda gram: (common.get(gram, 0.0), gram)
    )
    return [*chosen, *more[:TRIED]]


def best(seller_sku: str, title: str, candidates: Iterable[Candidate], most: int = 3) -> list[Suggestion]:
    """The most alike first, only those that are alike enough."""
    code, words = set(search_grams((seller_sku,))), set(search_grams((title,)))
    plain = squeeze(seller_sku)
    found = []
    for one in candidates:
        score, why = _score(code, words, plain, one)
        if score >= LEAST:
            found.append(Suggestion(one.sku_id, one.code, one.title or one.title_zh, round(score, 3), why))
    found.sort(key=lambda one: (-one.score, one.code))
    return found[:most]


def _score(code: set[int], words: set[int], plain: str, one: Candidate) -> tuple[float, str]:
    theirs = squeeze(one.code)
    if plain and plain == theirs:
        return 1.0, SAME
    by_code = _share(code, set(search_grams((one.code,))))
    # A seller's code is often ours with something around it.
    if len(theirs) >= 4 and theirs in plain:
        by_code = max(by_code, 0.55 + 0.4 * len(theirs) / len(plain))
    by_title = 0.85 * max(_share(words, set(search_grams((text,)))) for text in (one.title, one.title_zh))
    return (by_code, CODE) if by_code >= by_title else (by_title, TITLE)


def _share(one: set[int], other: set[int]) -> float:
    """Dice's likeness of two sets."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def certain(found: Sequence[Suggestion]) -> Suggestion | None:
    """The one that may be taken without looking at each: nearly the same, and no other comes near."""
    if not found or found[0].score < CERTAIN:
        return None
    if len(found) > 1 and found[0].score - found[1].score < LEAD:
        return None
    return found[0]
