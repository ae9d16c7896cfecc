"""Which browser the browser tests drive: Debian's own Chromium, so that nothing has to be downloaded."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SETTLED = "() => document.readyState === 'complete' && !document.querySelector('.htmx-request')"

# Chromium's own sandbox does not work for root, and everything it would fetch by itself is of no use in a test.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Path of a Chromium (the variable `CHROMIUM` goes first); None when there is none."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def settled(page: Page) -> None:
    """Wait until the page is loaded and what it asks for by itself is there: surer and quicker than a silent network."""
    page.wait_for_function(SETTLED)
