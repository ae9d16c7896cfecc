"""The texts in a file: PDF page by page as far as it can be opened, archives (spreadsheets) member by member. Pure."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import pikepdf

MOST_UNPACKED = 200 * 1024 * 1024
_SHOWING = ("Tj", "TJ", "'", '"')
_HEX = r"<([0-9A-Fa-f\s]*)>"


def texts_of(content: bytes) -> Iterator[str]:
    """Every reading of the bytes that may hold words; the last one is the bytes themselves."""
    if content.startswith(b"%PDF-"):
        yield from _pdf(content)
    elif content.startswith(b"PK\x03\x04"):
        yield from _archive(content)
    elif content.startswith(b"\x1f\x8b"):
        yield from _gzip(content)
    yield content.decode("utf-8", "replace")


def _archive(content: bytes) -> Iterator[str]:
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                yield member.filename
                with archive.open(member) as handle:
                    part = handle.read(left)
                left -= len(part)
                yield part.decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return


def _gzip(content: bytes) -> Iterator[str]:
    try:
        with gzip.open(io.BytesIO(content)) as handle:
            yield handle.read(MOST_UNPACKED).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        return


def _pdf(content: bytes) -> Iterator[str]:
    try:
        with pikepdf.Pdf.open(io.BytesIO(content)) as document:
            yield " ".join(str(value) for value in document.docinfo.values())
            for page in document.pages:
                yield from _page(page)
            for each in document.objects:
                if isinstance(each, pikepdf.Stream):
                    yield _stream(each)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError, KeyError, RecursionError):
        return


def _stream(stream: Any) -> str:
    """Whatever stands in a stream, unpacked: metadata, attachments."""
    try:
        return bytes(stream.read_bytes()).decode("utf-8", "replace")
    except (pikepdf.PdfError, pikepdf.DependencyError, RuntimeError):
        return ""


def _page(page: Any) -> Iterator[str]:
    """The page's words, piece by piece, once with and once without a space between two pieces."""
    fonts = {name: _unicodes(font) for name, font in dict(page.resources.get("/Font", {})).items()}
    readings: list[list[str]] = [[], []]
    known: dict[bytes, str] | None = None
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        if operator == "Tf":
            known = fonts.get(str(instruction.operands[0]))
        elif operator in _SHOWING:
            for number, reading in enumerate(readings):
                reading.append(_shown(instruction.operands, known, number))
    for reading in readings:
        yield "\n".join(reading)
        yield " ".join(reading)
        yield "".join(reading)


def _shown(operands: Any, known: dict[bytes, str] | None, number: int) -> str:
    """The text of one operator: by the font's own table; else as Latin (0) or as two bytes a character (1)."""
    parts = []
    for operand in operands:
        items = list(operand) if isinstance(operand, pikepdf.Array) else [operand]
        for item in items:
            if isinstance(item, pikepdf.String):
                raw = bytes(item)
                if known:
                    parts.append(_mapped(raw, known))
                else:
                    parts.append(raw.decode("utf-16-be" if number else "cp1252", "replace"))
    return "".join(parts)


def _mapped(raw: bytes, known: dict[bytes, str]) -> str:
    size = len(next(iter(known)))
    return "".join(known.get(raw[at : at + size], "") for at in range(0, len(raw), size))


def _unicodes(font: Any) -> dict[bytes, str] | None:
    """{code: text} of a font's ToUnicode table; None when it has none."""
    table = font.get("/ToUnicode")
    if not isinstance(table, pikepdf.Stream):
        return None
    text = _stream(table)
    found: dict[bytes, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", text, re.DOTALL):
        for code, value in re.findall(rf"{_HEX}\s*{_HEX}", block):
            found[bytes.fromhex(code)] = _utf16(value)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", text, re.DOTALL):
        for first, last, value, listed in re.findall(rf"{_HEX}\s*{_HEX}\s*(?:{_HEX}|\[(.*?)\])", block, re.DOTALL):
            _range(found, bytes.fromhex(first), bytes.fromhex(last), value, re.findall(_HEX, listed))
    return found or None


def _range(found: dict[bytes, str], first: bytes, last: bytes, value: str, listed: list[str]) -> None:
    begin, end = int.from_bytes(first), int.from_bytes(last)
    for at, code in enumerate(range(begin, min(end, begin + 0xFFFF) + 1)):
        if listed:
            text = _utf16(listed[at]) if at < len(listed) else ""
        else:
            base = _utf16(value)
            text = base[:-1] + chr(min(ord(base[-1]) + at, 0x10FFFF)) if base else ""
        found[code.to_bytes(len(first))] = text


def _utf16(text: str) -> str:
    return bytes.fromhex(re.sub(r"\s", "", text)).decode("utf-16-be", "replace")
