"""Stored files of the tenants, and everything that lies in the data folder: logs, schedules, the broker's files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.core.files.storage import default_storage

from core.proof.documents import texts_of
from core.proof.spelling import Needle
from core.proof.tables import Place

# Not ours to prove: the database's own pages (its tables are read row by row; old versions of rows go with vacuum), and
# the simulated platforms, which are the other side.
OTHERS = frozenset({"postgres", "simulators"})
CHUNK = 8 * 1024 * 1024
OVERLAP = 4096
WHOLE = 64 * 1024 * 1024  # a stored file is unpacked up to this size; larger ones are read in chunks


def stored(folder: str, needles: Sequence[Needle]) -> Iterator[Place]:
    """The files of one tenant below ``folder`` of the storage, those without a row too."""
    try:
        names = default_storage.listdir(folder)[1]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(names):
        path = f"{folder}/{name}"
        with default_storage.open(path) as handle:
            content: bytes = handle.read(WHOLE)
        yield from _hits("file", path, _in_bytes(content, needles))


def below(data: Path, needles: Sequence[Needle], skip: Sequence[Path] = ()) -> Iterator[Place]:
    """Every other file in the data folder. ``skip``: folders that are looked through in another way."""
    left_out = {path.resolve() for path in skip}
    for folder, folders, names in os.walk(data):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name not in OTHERS and (here / name).resolve() not in left_out)
        for name in sorted(names):
            path = here / name
            if path.is_file() and not path.is_symlink():
                kind = "log" if ".log" in path.suffixes else "file"
                yield from _hits(kind, str(path.relative_to(data)), _in_file(path, needles))


def _hits(kind: str, where: str, numbers: set[int]) -> Iterator[Place]:
    for number in sorted(numbers):
        yield Place(kind, where, 1, (), number)


def _in_file(path: Path, needles: Sequence[Needle]) -> set[int]:
    """Large files in overlapping chunks; a file that vanishes or may not be read is passed over."""
    found: set[int] = set()
    try:
        if path.stat().st_size <= CHUNK:
            return _in_bytes(path.read_bytes(), needles)
        with path.open("rb") as handle:
            before = b""
            while chunk := handle.read(CHUNK):
                found |= _in_bytes(before + chunk, needles)
                before = chunk[-OVERLAP:]
    except OSError:
        pass
    return found


def _in_bytes(content: bytes, needles: Sequence[Needle]) -> set[int]:
    found = {n for n, needle in enumerate(needles, 1) if any(raw in content for raw in needle.raw)}
    for text in texts_of(content):
        found |= {n for n, needle in enumerate(needles, 1) if n not in found and needle.inside(text)}
        if len(found) == len(needles):
            break
    return found
