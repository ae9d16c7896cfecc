"""Two reports for people: what axe says of every page, and what schemathesis found in the API.

``make reports`` runs the tests that ask them and writes docs/reports/accessibility.md and docs/reports/api.md. The run
fails when a test does; the reports are written all the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from config.launch.places import ROOT

FOLDER = ROOT / "docs" / "reports"
TIMES = "30"  # questions per operation and kind of data
AXE_TESTS = ("tests/browser", "-k", "every_page or bars or sheet or usable")
API_TESTS = ("tests/api/test_schemathesis.py",)


def _run(variable: str, tests: tuple[str, ...]) -> tuple[bool, list[dict[str, Any]]]:
    """(whether the tests passed, what they noted)."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes.jsonl"
        env = os.environ | {variable: str(notes), "SAMPAN_FUZZ": TIMES}
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n0", *tests], cwd=ROOT, env=env, check=False)
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    return done.returncode == 0, [json.loads(line) for line in lines]


def accessibility(seen: list[dict[str, Any]]) -> str:
    by_way = Counter((one["language"], one["theme"], one["width"]) for one in seen)
    faulty = [one for one in seen if one["violations"]]
    undecided = Counter(rule for one in seen for rule in one["undecided"])
    out = [
        "# Accessibility: what axe says",
        "",
        "Made by `make reports`: every page that links and routes lead to, in Chromium, by the rules of WCAG 2.0 to 2.2,",
        "levels A and AA, all of axe's severities. Pages with open dialogs and menus come from the tests of their features.",
        "",
        "| Language | Theme | Width | Pages looked at |",
        "| --- | --- | ---: | ---: |",
        *(f"| {language} | {theme} | {width} | {n} |" for (language, theme, width), n in sorted(by_way.items())),
        "",
        f"**Violations: {sum(len(one['violations']) for one in faulty)}** on {len(faulty)} of {len(seen)} pages."
        f" Rules that passed, summed over the pages: {sum(one['passed'] for one in seen):,}.",
        "",
    ]
    for one in faulty:
        for fault in one["violations"]:
            out.append(f"- `/{one['page']}` ({one['theme']}, {one['width']} px): {fault['rule']}, {fault['impact']}")
    if undecided:
        out += ["What axe leaves for people to decide (pages): " + _listed(undecided) + ".", ""]
    out += ["## Pages", "", *(f"- `/{page}`" for page in sorted({one["page"] for one in seen})), ""]
    return "\n".join(out)


def api(seen: list[dict[str, Any]]) -> str:
    by_operation: dict[str, dict[str, Any]] = {}
    for one in seen:
        by_operation.setdefault(one["operation"], {})[one["data"]] = one
    faulty = [one for one in seen if one["found"]]
    out = [
        "# The API: what schemathesis found",
        "",
        "Made by `make reports`: every operation of `/api/v1` asked with data that fits its description and data that does",
        "not, with a second company's rows under the same keys beside the first's.",
        "",
        f"**Found: {len(faulty)}** in {len(by_operation)} operations, {sum(sum(one['answers'].values()) for one in seen):,}"
        " questions. (Nothing found means: no 5xx, every answer as described, what does not fit refused, what fits never",
        "called malformed, not a letter of the other company in an answer, no change in its tables.)",
        "",
        *(f"- {one['operation']}, {one['data']}: {one['found'][:300]}" for one in faulty),
        "| Operation | Answers to what fits | Answers to what does not |",
        "| --- | --- | --- |",
    ]
    for name, kinds in sorted(by_operation.items()):
        answers = [_listed(kinds.get(kind, {}).get("answers", {})) for kind in ("positive", "negative")]
        out.append(f"| `{name}` | {answers[0]} | {answers[1]} |")
    return "\n".join([*out, ""])


def _listed(counts: Any) -> str:
    return ", ".join(f"{name} ×{count}" for name, count in dict(counts).items()) or "nothing can be wrong"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    good = True
    for name, make, variable, tests in (
        ("accessibility", accessibility, "AXE_REPORT", AXE_TESTS),
        ("api", api, "API_REPORT", API_TESTS),
    ):
        passed, seen = _run(variable, tests)
        good = good and passed
        (FOLDER / f"{name}.md").write_text(make(seen), encoding="utf-8")
        print(f"docs/reports/{name}.md: {len(seen)} notes, tests {'passed' if passed else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
