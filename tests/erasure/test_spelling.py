"""The proof finds a text in whatever spelling and wherever it hides, and nothing where nothing is."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pikepdf
import pytest
from django.core.management.base import CommandError
from reportlab.pdfgen.canvas import Canvas

from core import bulk, files
from core.proof import Needle
from core.proof.documents import texts_of
from core.proof.files import below
from core.tenancy import tenant_context
from logistics import paper
from sandbox.simulators.yunexpress import label
from tests.erasure.conftest import data, prove

__all__ = ["data"]
NAME = 'Zoë "Z" O\'Öre & Søn'


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        (NAME, NAME.upper()),
        (NAME, json.dumps({"to": NAME})),
        (NAME, json.dumps({"to": NAME}, ensure_ascii=False)),
        (NAME, f"<Name>{escape(NAME)}</Name>"),
        (NAME, f"<Name>{escape(NAME, quote=False)}</Name>"),
        (NAME, f"q={quote_plus(NAME)}&x=1"),
        ("Ann Gables", "Gables, Ann"),
        ("Ann Gables", "ANN  ＧＡＢＬＥＳ"),
        ("李小龙", "收件人：李小龙 先生"),
        ("+49 30 1234573", "030/123 45 73"),
        ("030 1234573", "tel:+49-30-1234573"),
        ("ann@planted.example", "Mail: ANN@Planted.Example."),
        ("ann@planted.example", base64.b64encode(b"x" + b"to ann@planted.example, thanks").decode()),
    ],
)
def test_spellings(text: str, holder: str) -> None:
    assert Needle(text).inside(holder)
    assert not Needle(text).inside("Somebody else, tel 555 0100, a@b.example")


@pytest.mark.parametrize("text", ["", "ab", "  x ", "李"])
def test_a_text_that_would_be_everywhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Needle(text)


def _drawn(*texts: str) -> bytes:
    out = io.BytesIO()
    with paper.DRAWING:
        canvas = Canvas(out, pageCompression=1)
        for at, text in enumerate(texts):
            paper.write(canvas, 50, 700 - 20 * at, text, 10)
        canvas.save()
    return out.getvalue()


RECEIVER = {
    "first_name": "Zoë",
    "last_name": "Öre",
    "address_lines": ["42 Heart-of-Gold Lane"],
    "city": "Köln",
    "province": "",
    "postal_code": "50667",
    "phone_number": "+49 221 1234573",
    "country_code": "DE",
}


@pytest.mark.parametrize("text", ["Zoë Öre", "42 Heart-of-Gold Lane", "0221 1234573"])
def test_a_carriers_label_is_read(text: str) -> None:
    made = label.pdf(number="YT1", reference="S1-1", product="P", weight_g=1, receiver=RECEIVER)
    packed = io.BytesIO()
    with pikepdf.Pdf.open(io.BytesIO(made)) as document:
        document.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True)
    for content in (made, packed.getvalue()):
        assert text.encode() not in content
        assert any(Needle(text).inside(reading) for reading in texts_of(content))
        assert not any(Needle("Somebody Else").inside(reading) for reading in texts_of(content))


def test_our_own_labels_are_read_in_chinese_too() -> None:
    """With an embedded font (by its table) or with the viewer's (two bytes a character)."""
    content = _drawn("收件人 李小龙", "Ann Gables")
    for text in ("李小龙", "Ann Gables"):
        assert any(Needle(text).inside(reading) for reading in texts_of(content))


def test_archives_and_packed_logs_are_opened(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f"<t>{escape(NAME)}</t>")
    (tmp_path / "export.xlsx").write_bytes(packed.getvalue())
    (tmp_path / "worker.log.1.gz").write_bytes(gzip.compress(f"INFO {NAME}\n".encode()))
    (tmp_path / "web.log").write_bytes(b"x" * (8 * 1024 * 1024 - 5) + NAME.encode() + b"y" * 100)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing of a PDF " + NAME.encode())
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nothing of an archive")
    (tmp_path / "simulators").mkdir()
    (tmp_path / "simulators" / "their.log").write_text(NAME)
    found = {place.where: place.kind for place in below(tmp_path, [Needle("Somebody Else"), Needle(NAME)])}
    assert found == {"export.xlsx": "file", "worker.log.1.gz": "log", "web.log": "log", "broken.pdf": "file"}


def test_every_kind_of_column_is_looked_through(db: None, data: Path, acme: str) -> None:
    bulk.execute(
        f"CREATE TABLE {acme}.planted (id int PRIMARY KEY, a text, b varchar(99), c json, d jsonb, e bytea, f text[],"
        " g jsonb[], h int, i uuid)"
    )
    assert prove(NAME, "Ann Gables").found == 0
    columns = {
        "a": f"xx {NAME.lower()} xx",
        "b": NAME,
        "c": json.dumps({"x": [NAME]}),
        "d": json.dumps({NAME: 1}),
        "e": b"\x00\xff" + NAME.encode() + b"\x00",
        "f": ["x", NAME],
    }
    for pk, (column, value) in enumerate(columns.items(), 1):
        bulk.execute(f"INSERT INTO {acme}.planted (id, {column}) VALUES (%s, %s)", [pk, value])
    bulk.execute(f"INSERT INTO {acme}.planted (id, g) VALUES (9, ARRAY[%s::jsonb])", [json.dumps([NAME])])
    proof = prove(NAME, "Ann Gables")
    assert proof.code == 1
    assert {(place["where"], tuple(place["keys"]), place["text"]) for place in proof.places} == {
        *((f"{acme}.planted.{column}", (str(pk),), 1) for pk, column in enumerate("abcdef", 1)),
        (f"{acme}.planted.g", ("9",), 1),
    }
    assert prove(NAME, tenant="beta").found == 0
    with pytest.raises(CommandError):
        prove(NAME, tenant="nobody")
    with pytest.raises(CommandError):
        prove("x")


def test_a_stored_file_without_a_row_is_found(db: None, data: Path, acme: str, settings: Any) -> None:
    with tenant_context(acme):
        row = files.store("export", "x.csv", f"name\n{NAME}\n".encode(), "text/csv", "fields.personal")
        row.delete()
    assert [place["kind"] for place in prove(NAME).places] == ["file"]
    assert [place["kind"] for place in prove(NAME, tenant="beta").places] == []
