"""All sentences, by code. Each module holds one subject's; a code stands in one module only."""

from __future__ import annotations

from core.words.catalogue import access, companies, desks, goods, lists, orders, places, privacy, shipping, states, sync

SENTENCES: dict[str, str] = {}
for _module in (access, companies, desks, goods, lists, orders, places, privacy, shipping, states, sync):
    _twice = SENTENCES.keys() & _module.SENTENCES.keys()
    if _twice:
        raise ValueError(f"codes with two sentences: {sorted(_twice)}")
    SENTENCES |= _module.SENTENCES
