"""What the raw inbox holds about people: payloads. They are emptied, not deleted: the same answer is not stored again."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence

from channels.models import RawPayload
from channels.registry import all_adapters
from core import bulk
from core.erasure import BUYER, EMAIL, PAYLOAD, RAW, Trail

# What is new or dead is looked through for the person (partial indexes); the long tail of what was taken in only when
# the person is known here at all: platforms tell every closed account to everybody.
OPEN, ALL = (RawPayload.NEW, RawPayload.DEAD), (RawPayload.NEW, RawPayload.DEAD, RawPayload.INGESTED)


def find(trail: Trail) -> None:
    if not trail.whole:
        return
    wanted = {*trail.get(BUYER), *trail.get(EMAIL)}
    if not wanted:
        return
    known = set(trail.get(RAW))
    for name, adapter in all_adapters().items():
        if trail.platform in ("", name) and adapter.person_fields:
            states = ALL if trail.holds or trail.get(EMAIL) else OPEN
            for pk, account_id, kind, external_id, payload in _candidates(name, sorted(wanted), states, known):
                if wanted.intersection(persons_in(payload, adapter.person_fields)):
                    trail.add(RAW, [pk])
                    if external_id:
                        trail.add(PAYLOAD, [(account_id, kind, external_id)])


def _candidates(
    platform: str, wanted: Sequence[str], states: Sequence[int], known: set[int]
) -> Iterator[tuple[int, int, str, str, str]]:
    """Rows in which one of the texts stands somewhere, in one of its spellings; the fields decide later."""
    patterns = [f"%{_escaped(text)}%" for one in wanted for text in spellings(one)]
    rows = bulk.fetch(
        "SELECT r.id, r.account_id, r.kind, r.external_id, r.payload FROM channels_rawpayload r"
        " JOIN channels_account a ON a.id = r.account_id"
        " WHERE a.platform = %s AND r.state = ANY(%s) AND r.id <> ALL(%s) AND r.payload ILIKE ANY(%s)",
        [platform, list(states), sorted(known), patterns],
    )
    return ((row[0], row[1], row[2], row[3], row[4]) for row in rows)


def spellings(text: str) -> set[str]:
    """How a text can stand in XML and in JSON."""
    return {text, html.escape(text), html.escape(text, quote=False), json.dumps(text)[1:-1]}


def persons_in(payload: str, fields: Sequence[str]) -> set[str]:
    """The persons' ids in a payload, also in one that is cut off: the values of these XML elements or JSON members."""
    names = "|".join(re.escape(name) for name in fields)
    found = {html.unescape(text) for text in re.findall(rf"<(?:\w+:)?(?:{names})>([^<]*)<", payload)}
    for text in re.findall(rf'"(?:{names})"\s*:\s*("(?:[^"\\]|\\.)*")', payload):
        try:
            found.add(json.loads(text, strict=False))
        except ValueError:
            continue
    return {one for text in found for one in (text.strip(), text.strip().lower())}


def erase(trail: Trail) -> dict[str, int]:
    """What was not taken in yet is dropped with it: nothing may come of it any more."""
    keys = trail.get(PAYLOAD)
    rows = bulk.fetch(
        "SELECT r.id FROM channels_rawpayload r JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS p(account, kind, ext)"
        " ON r.account_id = p.account AND r.kind = p.kind AND r.external_id = p.ext WHERE r.payload <> ''",
        [[key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]],
    )
    return {"payloads": blank(sorted({*trail.get(RAW), *(row[0] for row in rows)}))}


def blank(raw_ids: Sequence[int]) -> int:
    """Empty these payloads, in the caller's transaction. Returns how many were not empty."""
    if not raw_ids:
        return 0
    return bulk.execute(
        "UPDATE channels_rawpayload SET payload = '', error_params = NULL,"
        " state = CASE WHEN state = %s THEN state ELSE %s END WHERE id = ANY(%s) AND payload <> ''",
        [RawPayload.INGESTED, RawPayload.DROPPED, list(raw_ids)],
    )


def _escaped(text: str) -> str:
    for char in ("\\", "%", "_"):
        text = text.replace(char, "\\" + char)
    return text
