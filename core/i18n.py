"""Translations without gettext's programs: an extractor of Django templates for babel, and the upkeep of the catalogues.

``python -m core.i18n`` reads the source anew, brings ``locale/*/LC_MESSAGES/django.po`` up to date, compiles them and
names what has no translation yet; it fails when anything is missing (``check`` alone changes nothing).
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ("zh_Hans",)
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_CALL = re.compile(r"\b(np|n|p)?gettext\(")
Message = tuple[int, str, Any, list[str]]


def extract(fileobj: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Message]:
    """Babel's extractor for Django templates: (line, function, arguments, comments)."""
    _settings()
    from django.utils.translation.template import templatize

    text = templatize(fileobj.read().decode("utf-8"))
    for found in _CALL.finditer(text):
        call = _call(text, found.start())
        if call is None:
            continue
        strings = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        name = f"{found.group(1) or ''}gettext"
        yield text.count("\n", 0, found.start()) + 1, name, strings[0] if len(strings) == 1 else tuple(strings), []


def _call(text: str, start: int) -> ast.Call | None:
    """The call that begins at ``start``: the shortest piece up to a closing bracket that is an expression."""
    end = start
    while (end := text.find(")", end)) != -1:
        end += 1
        try:
            tree = ast.parse(text[start:end].replace("\n", " "), mode="eval").body
        except SyntaxError:
            continue
        return tree if isinstance(tree, ast.Call) else None
    return None


def _settings() -> None:
    """The template lexer asks Django's settings for its character set."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def template() -> Catalog:
    """Every message of the source, as a catalogue without translations."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as cfg:
        methods, options = parse_mapping_cfg(cfg)
    catalog = Catalog(project="Sampan", charset="utf-8", fuzzy=False)
    ignored = re.compile(r"^(\.|var$|node_modules$|tests$|simulators$|rehearse$|demo$|__pycache__$)")
    for filename, _line, message, comments, context in extract_from_dir(
        str(ROOT),
        methods,
        options,
        KEYWORDS,
        directory_filter=lambda folder: not ignored.match(os.path.basename(folder)),
    ):
        # Without lines: they would change with every edit of a file.
        catalog.add(message, None, [(filename, 0)], auto_comments=comments, context=context)
    return catalog


def path_of(locale: str) -> Path:
    return ROOT / "locale" / locale / "LC_MESSAGES" / "django.po"


def read(locale: str) -> Catalog:
    path = path_of(locale)
    if not path.exists():
        return Catalog(locale=locale, project="Sampan", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, charset="utf-8")


def missing(locale: str, source: Catalog | None = None) -> list[str]:
    """Messages of the source without a (certain) translation."""
    known = read(locale)
    out = []
    for message in source or template():
        if not message.id:
            continue
        key = message.id[0] if isinstance(message.id, tuple) else message.id
        found = known.get(message.id, context=message.context)
        done = found is not None and (all(found.string) if isinstance(found.string, tuple) else found.string)
        if not done or found is None or found.fuzzy:
            out.append(str(key))
    return out


def update(locale: str, source: Catalog) -> None:
    """Bring a catalogue up to date with the source: new messages empty, gone ones dropped, the rest as it was."""
    old = read(locale)
    fresh = Catalog(locale=locale, project="Sampan", charset="utf-8", fuzzy=False, creation_date=old.creation_date)
    fresh.revision_date = old.revision_date
    for message in source:
        if message.id:
            known = old.get(message.id, context=message.context)
            string = known.string if known is not None and not known.fuzzy else None
            files = sorted({(file, 0) for file, _ in message.locations})
            fresh.add(message.id, string, files, flags=message.flags, context=message.context)
    write(locale, fresh)


def write(locale: str, catalog: Catalog) -> None:
    """Write the catalogue, sorted, without what changes when the text does not."""
    body = BytesIO()
    write_po(body, catalog, width=0, sort_output=True, omit_header=False, include_lineno=False, no_location=True)
    lines = [
        line
        for line in body.getvalue().decode("utf-8").split("\n")
        # These change without the text changing, or name people and programs.
        if not line.startswith(('"POT-Creation', '"PO-Revision', '"Generated-By', '"Report-Msgid', '"Last-Translator'))
        and not line.startswith("#  ")
        and not line.startswith("# ")
        and line != "#"
    ]
    path = path_of(locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


def compile_po(locale: str) -> None:
    """Write the .mo beside the .po."""
    with path_of(locale).with_suffix(".mo").open("wb") as file:
        write_mo(file, read(locale))


def main(arguments: list[str]) -> int:
    source = template()
    lacking = 0
    for locale in LOCALES:
        if arguments != ["check"]:
            update(locale, source)
            compile_po(locale)
        left = missing(locale, source)
        lacking += len(left)
        for text in left:
            print(f"{locale}: {text}")
        print(f"{locale}: {len(left)} of {sum(1 for one in source if one.id)} messages without translation")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
