"""All sentences, by code. Each module of this folder holds one subject's; a code stands in one module only (a test)."""

from __future__ import annotations

import importlib
import pkgutil

SENTENCES: dict[str, str] = {}
TWICE: set[str] = set()  # codes that stand in two modules
for _info in pkgutil.iter_modules(__path__):
    _here: dict[str, str] = importlib.import_module(f"{__name__}.{_info.name}").SENTENCES
    TWICE |= SENTENCES.keys() & _here.keys()
    SENTENCES |= _here
