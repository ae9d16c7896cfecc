"""Every page that there is: none bars anybody (axe), none scrolls sideways, none makes the browser complain."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tests.browser import tour
from tests.browser.conftest import Visit
from tests.isolation import rows
from tests.isolation.routes import MEMBERS
from tests.support.database import ACME

pytestmark = pytest.mark.browser
# A number as people read it where a program reads it: a key of 7,000,001 leads nowhere.
SPLIT = re.compile(r"""[\w-]+=["'][^"']*(?:7,000,00|7%2C000%2C00)[^"']*["']""")
WAYS = (tour.Way("zh-hans", "dark", tour.PHONE), tour.Way("en", "light", tour.DESK))


def test_every_page_can_be_used(visit: Visit) -> None:
    rows.fill(ACME, "of acme", beside=True)
    start = ["/", *(reverse(name, urlconf=tour.URLS, kwargs=given) for name, given in MEMBERS.items())]
    split = []
    found = tour.routes(
        visit.page, start, read=lambda path, body: split.extend(f"{path}: {one}" for one in SPLIT.findall(body))
    )
    assert not split, "\n".join(split)
    paths = [path for some in found.values() for path in some]
    assert len(paths) > 90
    wrong = list(tour.look(visit.page, visit.url, paths, WAYS))
    assert not wrong, "\n".join(wrong)
