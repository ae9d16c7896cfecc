"""axe (from npm) in the page that is open: what bars people from using it, by WCAG 2.2 A and AA.

``AXE_REPORT=file`` adds a line of JSON for every page looked at; ``make reports`` makes a report of them.
"""

from __future__ import annotations

import json
import os
from typing import Any

from playwright.sync_api import Page

from config.launch.assets import DEV_ASSETS

SCRIPT = DEV_ASSETS / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def faults(page: Page, what: str = "") -> list[str]:
    """Violations as lines: rule, element, what to do. ``what``: how the lines name the page; its address by default."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    result = page.evaluate("rules => axe.run(document, rules)", RULES)
    _report(page, result)
    return [
        f"{what or page.url}: {one['id']} ({one['impact']}) {node['target']} {node['failureSummary'][:160]}"
        for one in result["violations"]
        for node in one["nodes"][:3]
    ]


def _report(page: Page, result: dict[str, Any]) -> None:
    place = os.environ.get("AXE_REPORT")
    if not place:
        return
    seen = {
        "page": page.url.split("/", 3)[-1],
        "language": page.evaluate("document.documentElement.lang"),
        "theme": page.evaluate("document.documentElement.dataset.bsTheme || ''"),
        "width": page.viewport_size["width"] if page.viewport_size else None,
        "passed": len(result["passes"]),
        "undecided": sorted({one["id"] for one in result["incomplete"]}),
        "violations": [
            {"rule": one["id"], "impact": one["impact"], "elements": [node["html"][:200] for node in one["nodes"]]}
            for one in result["violations"]
        ],
    }
    with open(place, "a", encoding="utf-8") as file:
        file.write(json.dumps(seen, ensure_ascii=False) + "\n")
