"""Calls of platforms that nobody claimed: sealed under the installation's key, so they can be opened here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from core import bulk
from core.proof.spelling import Needle
from core.proof.tables import Place
from core.secrets import open_public
from core.secrets.box import Unreadable


def kept(needles: Sequence[Needle]) -> Iterator[Place]:
    """The texts in bodies of kept calls."""
    keys: dict[int, list[str]] = {}
    for pk, body in bulk.fetch("SELECT id, body FROM public.central_inboundhook WHERE body IS NOT NULL ORDER BY id"):
        try:
            text = json.loads(open_public(bytes(body)))["body"].encode("latin-1").decode("utf-8", "replace")
        except (Unreadable, ValueError, KeyError):
            continue
        for number, needle in enumerate(needles, 1):
            if needle.inside(text):
                keys.setdefault(number, []).append(str(pk))
    for number, found in sorted(keys.items()):
        yield Place("table", "public.central_inboundhook.body (opened)", len(found), tuple(found[:5]), number)
