"""Text made comparable for rules (``fold``), search (``search_grams``, ``query_grams``) and merging (``merge_key``)."""

from .grams import WITHOUT_SIGNS, query_grams, search_grams, told_apart
from .merge import MergeParts, merge_key, merge_parts
from .reading import CJK, fold, has_cjk, squash, squeeze

__all__ = [
    "CJK",
    "WITHOUT_SIGNS",
    "MergeParts",
    "fold",
    "has_cjk",
    "merge_key",
    "merge_parts",
    "query_grams",
    "search_grams",
    "squash",
    "squeeze",
    "told_apart",
]
