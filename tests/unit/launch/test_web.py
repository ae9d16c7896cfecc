"""The product as processes on a test's database, as browser tests and rehearsals run it."""

from __future__ import annotations

import httpx
import pytest

from tests.support.web import served

HOST = {"Host": "acme.localhost"}


@pytest.mark.kill
def test_the_product_serves_a_tenant_and_comes_back_after_kill_9(committed_db):
    with served(committed_db.url, "worker", "beat") as site:
        page = httpx.get(f"{site.url}/accounts/login/", headers=HOST, timeout=20)
        assert page.status_code == 200
        assert "csrfmiddlewaretoken" in page.text
        for name in ("web", "worker", "beat", "valkey"):
            site.supervisor.kill9(name)
            site.supervisor.wait_ready(name)
        assert httpx.get(f"{site.url}/accounts/login/", headers=HOST, timeout=20).status_code == 200
        assert httpx.get(f"{site.url}/", headers={"Host": "nobody.localhost"}, timeout=20).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(site.url, timeout=2)
