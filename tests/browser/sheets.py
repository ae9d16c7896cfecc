"""The pictures of a tour (``tests.browser.tour``) on a few sheets, each under its address:

.venv/bin/python -m tests.browser.sheets folder docs/pictures/pages
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

from tests.browser.tour import DESK, PHONE, WAYS

ACROSS = {DESK["width"]: (6, 420), PHONE["width"]: (14, 180)}  # pictures side by side, pixels each
GAP, LABEL, QUALITY = 10, 16, 55


def sheet(pictures: list[Path], across: int, width: int, way: str) -> Image.Image:
    """``across`` pictures side by side, as wide as ``width``, with the name of each above it."""
    with Image.open(pictures[0]) as first:
        height = round(first.height * width / first.width)
    rows = -(-len(pictures) // across)
    step = height + LABEL + GAP
    made = Image.new("RGB", (across * (width + GAP) + GAP, rows * step + GAP), "#ffffff")
    draw = ImageDraw.Draw(made)
    for place, path in enumerate(pictures):
        x, y = GAP + place % across * (width + GAP), GAP + place // across * step
        draw.text((x, y), path.stem.removesuffix(f"-{way}")[: width // 6], fill="#333333")
        with Image.open(path) as picture:
            made.paste(picture.resize((width, height), Image.Resampling.LANCZOS).convert("RGB"), (x, y + LABEL))
    return made


def main(folder: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for way in WAYS:
        if pictures := sorted(folder.glob(f"*-{way}.png")):
            across, width = ACROSS[way.size["width"]]
            file = out / f"{way}.webp"
            sheet(pictures, across, width, str(way)).save(file, quality=QUALITY, method=6)
            print(f"{file}: {len(pictures)} pages, {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
