"""The bell: what runs, what ended, a note of each ending once, and nobody else's work."""

from __future__ import annotations

import pytest
from django.test import Client

from core import clock, files, jobs
from core.permissions import Actor, of_role, system
from core.records.models import Job
from core.tenancy import tenant_context
from tenants.models import User
from tests.support.database import ACME
from tests.ui.conftest import HOST, House, SignIn, cost

pytestmark = pytest.mark.django_db


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, path
    return answer.content.decode()


def started(house: House, client: Client, state: str = Job.RUNNING, **fields: object) -> Job:
    """A job of the client's user, as far as ``fields`` say."""
    user = User.objects.get(pk=client.session["_auth_user_id"])
    actor = Actor("user", user.pk, "Li Na", of_role("owner"))
    with house.inside():
        made = jobs.start(actor, "ui.bulk", "job.orders.hold", {}, {"act": "orders.hold", "ids": [], "given": {}})
        Job.objects.filter(pk=made.pk).update(state=state, started_at=clock.now(), **fields)
        made.refresh_from_db()
    return made


def test_what_runs_is_counted_and_can_be_stopped_in_the_panel(owner: Client, house: House) -> None:
    assert "<b" not in text(owner, "/ui/bell")
    made = started(house, owner, total=200, done=50)
    assert "<b>1</b>" in text(owner, "/ui/bell") and "every 3s" in text(owner, "/ui/bell")
    panel = text(owner, "/ui/bell/panel")
    assert 'max="100" value="25"' in panel and "50 / 200" in panel and "Holding orders" in panel and "every 2s" in panel
    answer = owner.post(f"/jobs/{made.pk}/cancel", {"panel": "1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "Holding orders" in answer.content.decode()
    with house.inside():
        assert Job.objects.get().cancel_asked


def test_an_ending_is_told_once_with_its_file_and_what_failed(owner: Client, house: House) -> None:
    made = started(house, owner)
    log = [
        {"id": n, "label": f"S-{n}", "href": f"/orders/{n}/", "code": "order.not_found", "params": {}} for n in (1, 2)
    ]
    with house.inside():
        kept = files.store("table", "o.csv", b"a", "text/csv", "orders.view", owner_id=made.actor_id)
        Job.objects.update(state=Job.DONE, done=7, failed=2, log=log, finished_at=clock.now(), result_file_id=kept.pk)
    said = text(owner, "/ui/bell")
    assert "Holding orders" in said and "7 done" in said and "2 not" in said and f"/files/{kept.uid}/" in said
    again = text(owner, "/ui/bell")
    assert "7 done" not in again and ">✓</b>" in again  # unseen still, told no more
    panel = text(owner, "/ui/bell/panel")
    assert "unseen" in panel and f"/files/{kept.uid}/" in panel and "<b>2</b>" in panel
    assert "<b" not in text(owner, "/ui/bell") and "unseen" not in text(owner, "/ui/bell/panel")
    page = text(owner, "/jobs/")
    assert 'href="/orders/1/">S-1</a>' in page and 'href="/orders/2/">S-2</a>' in page


def test_what_is_looked_at_needs_no_note(owner: Client, house: House) -> None:
    started(house, owner, Job.FAILED, finished_at=clock.now(), error_code="order.not_found")
    said = text(owner, "/ui/bell", **{"HX-Request": "true", "HX-Current-URL": f"http://{HOST}/jobs/"})
    assert "data-toast" not in said and ">!</b>" in said
    text(owner, "/jobs/")
    assert "<b" not in text(owner, "/ui/bell")


def test_one_that_goes_on_is_told_of_again(owner: Client, house: House) -> None:
    made = started(house, owner, Job.FAILED, finished_at=clock.now())
    assert "data-toast" in text(owner, "/ui/bell")
    text(owner, "/ui/bell/panel")
    owner.post(f"/jobs/{made.pk}/resume")
    assert "<b>1</b>" in text(owner, "/ui/bell")
    with house.inside():
        Job.objects.update(state=Job.DONE, finished_at=clock.now())
    assert "data-toast" in text(owner, "/ui/bell")


def test_nobody_elses_work_and_none_of_long_ago(owner: Client, sign_in: SignIn, house: House) -> None:
    other = sign_in("owner")
    started(house, owner, Job.DONE, finished_at=clock.now())
    assert "<b" not in text(other, "/ui/bell") and "Holding" not in text(other, "/ui/bell/panel")
    with house.inside():
        Job.objects.update(finished_at=clock.now() - jobs.timedelta(days=2))
        jobs.start(system("sync"), "ui.bulk", "job.orders.tag", {}, {"act": "x"})
    assert "data-toast" not in text(owner, "/ui/bell") and "Tagging" not in text(owner, "/ui/bell/panel")


def test_the_bell_is_one_query_however_much_there_is(owner: Client, house: House) -> None:
    assert len(cost(owner, "/ui/bell")) == 1
    for _ in range(5):
        started(house, owner)
    assert len(cost(owner, "/ui/bell")) == 1
    with tenant_context(ACME):
        Job.objects.update(state=Job.DONE, finished_at=clock.now())
    assert len(cost(owner, "/ui/bell/panel")) <= 3  # rows, files, seen
