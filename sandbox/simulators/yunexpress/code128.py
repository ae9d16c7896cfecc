"""Code 128 as widths of bars and spaces in modules, from the pattern table of ISO/IEC 15417."""

from __future__ import annotations

PATTERNS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232"
).split()
STOP = "2331112"
TO_C, START_B, START_C = 99, 104, 105


def codes(text: str) -> list[int]:
    """Set B, and set C for an even run of at least four digits at the end: YT and 16 digits take 13 symbols."""
    digits = len(text) - len(text.rstrip("0123456789"))
    digits -= digits % 2
    if digits < 4:
        digits = 0
    head, tail = (text[: len(text) - digits], text[len(text) - digits :]) if digits else (text, "")
    values = [START_B] if head else [START_C]
    values += [ord(char) - 32 for char in head]
    if any(not 0 <= value <= 94 for value in values[1:]):
        raise ValueError(f"{text!r} does not fit Code 128 set B")
    if tail:
        values += [TO_C] if head else []
        values += [int(tail[at : at + 2]) for at in range(0, len(tail), 2)]
    check = (values[0] + sum(at * value for at, value in enumerate(values))) % 103
    return [*values, check]


def widths(text: str) -> list[int]:
    """Bar, space, bar, ... starting and ending with a bar."""
    return [int(width) for code in codes(text) for width in PATTERNS[code]] + [int(width) for width in STOP]
