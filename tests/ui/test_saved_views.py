"""Saved views: one's own, shared ones, the one that a list opens with; what others may see and change."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, MANAGER, VIEWER, Actor, of_role
from core.records import saved_views
from core.records.models import Job, SavedView, ViewDefault
from core.tenancy import tenant_context
from tests.support.database import ACME
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db
QUERY = {"tab": "all", "text": "", "chosen": {"country": ["DE"]}}


def person(pk: int, role: str) -> Actor:
    return Actor("user", pk, f"{role} {pk}", of_role(role))


def names(actor: Actor) -> list[str]:
    return [one.name for one in saved_views.of_list(actor, "orders")]


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def chips(page: str) -> list[str]:
    nav = re.search(r'<nav class="views".*?</nav>', page, re.S)
    return re.findall(r"</(?:i|span)>([^<]+?) ?<", nav.group(0)) if nav else []


@pytest.fixture
def inside(db: None):
    with tenant_context(ACME):
        yield


def test_ones_own_and_shared_ones_but_not_anothers_private(inside: None) -> None:
    li, wu, viewer = person(1, CLERK), person(2, CLERK), person(3, VIEWER)
    saved_views.save(actor=li, list_name="orders", name="mine", query=QUERY)
    shared = saved_views.save(actor=li, list_name="orders", name="ours", query=QUERY, shared=True)
    saved_views.save(actor=wu, list_name="orders", name="his", query=QUERY)
    saved_views.save(actor=wu, list_name="stock", name="elsewhere", query=QUERY)
    assert names(li) == ["mine", "ours"] and names(wu) == ["his", "ours"] and names(viewer) == ["ours"]
    with pytest.raises(NotAllowed):
        saved_views.save(actor=viewer, list_name="orders", name="loud", query=QUERY, shared=True)
    # another's private view is not there, a shared one is but not for clerks to change
    private = SavedView.objects.get(name="mine")
    for act in (
        lambda: saved_views.delete(actor=wu, view_id=private.pk),
        lambda: saved_views.change(actor=wu, view_id=private.pk, name="x", shared=False),
        lambda: saved_views.set_default(actor=wu, list_name="orders", view_id=private.pk),
    ):
        with pytest.raises(BusinessError, match=r"view\.not_found"):
            act()
    with pytest.raises(NotAllowed):
        saved_views.delete(actor=wu, view_id=shared.pk)
    saved_views.delete(actor=person(9, MANAGER), view_id=shared.pk)
    assert names(li) == ["mine"]


def test_a_name_stands_once(inside: None) -> None:
    li = person(1, CLERK)
    first = saved_views.save(actor=li, list_name="orders", name="  late   ones ", query=QUERY)
    again = saved_views.save(actor=li, list_name="orders", name="late ones", query={**QUERY, "tab": "held"})
    assert first.pk == again.pk and again.query["tab"] == "held" and names(li) == ["late ones"]
    other = saved_views.save(actor=li, list_name="orders", name="other", query=QUERY)
    with pytest.raises(BusinessError, match=r"view\.name_taken"):
        saved_views.change(actor=li, view_id=other.pk, name="late ones", shared=False)
    with pytest.raises(BusinessError, match=r"view\.name_wanted"):
        saved_views.save(actor=li, list_name="orders", name="   ", query=QUERY)


def test_limits(inside: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 3)
    monkeypatch.setattr(saved_views, "MOST_SHARED", 1)
    li = person(1, CLERK)
    for name in "abc":
        saved_views.save(actor=li, list_name="orders", name=name, query=QUERY, shared=name == "a")
    with pytest.raises(BusinessError, match=r"view\.too_many"):
        saved_views.save(actor=li, list_name="orders", name="d", query=QUERY)
    saved_views.save(actor=li, list_name="orders", name="a", query=QUERY, shared=True)  # the same again
    with pytest.raises(BusinessError, match=r"view\.too_many_shared"):
        saved_views.save(actor=li, list_name="orders", name="b", query=QUERY, shared=True)


def test_what_is_private_again_opens_nobody_elses_list(inside: None) -> None:
    li, wu = person(1, CLERK), person(2, CLERK)
    view = saved_views.save(actor=li, list_name="orders", name="ours", query=QUERY, shared=True)
    for actor in (li, wu):
        saved_views.set_default(actor=actor, list_name="orders", view_id=view.pk)
        saved_views.set_default(actor=actor, list_name="orders", view_id=view.pk)  # twice does no harm
    saved_views.change(actor=li, view_id=view.pk, name="ours", shared=False)
    assert list(ViewDefault.objects.values_list("user_id", flat=True)) == [1]
    saved_views.delete(actor=li, view_id=view.pk)
    assert not ViewDefault.objects.exists()


def test_keys_and_the_machine_have_no_views(inside: None) -> None:
    with pytest.raises(NotAllowed):
        saved_views.save(actor=Actor("api", 1, "key", of_role(MANAGER)), list_name="orders", name="x", query=QUERY)


def test_in_the_page(owner: Client, sign_in: SignIn, house: House) -> None:
    """Saved with its filters, shown as a chip to both, marked where one stands, opened by the bare address."""
    view = "tab=all&q=tanaka&country=JP&nonsense=1"
    answer = owner.post("/ui/lists/orders/views", {"view": view, "name": "Japan", "shared": "1", "default": "1"})
    assert answer["Location"] == "/orders/?tab=all&q=tanaka&country=JP&cols=all"
    with house.inside():
        kept = {"tab": "all", "text": "tanaka", "chosen": {"country": ["JP"]}, "columns": ["all"]}
        assert SavedView.objects.get().query == kept
    opened = owner.get("/orders/")
    assert (opened.status_code, opened["Location"]) == (302, "?tab=all&q=tanaka&country=JP&cols=all")
    page = text(owner, "/orders/?tab=all&q=tanaka&country=JP")
    assert chips(page) == ["Japan"] and 'class="view on"' in page and "Open the list with its first tab" in page
    clerk = sign_in("clerk")
    page = text(clerk, "/orders/")  # it is nobody else's beginning
    assert chips(page) == ["Japan"] and 'class="view on"' not in page
    pk = re.search(r'id="view-(\d+)"', text(clerk, "/orders/?tab=all&q=tanaka&country=JP"))[1]
    assert clerk.post(f"/ui/views/{pk}/delete", {"list": "orders"}).status_code == 403
    clerk.post("/ui/lists/orders/default", {"default_view": pk})
    assert clerk.get("/orders/").status_code == 302
    clerk.post("/ui/lists/orders/default", {})
    assert clerk.get("/orders/").status_code == 200
    owner.post(f"/ui/views/{pk}/change", {"name": "日本", "shared": "1", "view": view})
    assert chips(text(clerk, "/orders/")) == ["日本"]
    owner.post(f"/ui/views/{pk}/delete", {"list": "orders", "view": view})
    assert chips(text(owner, "/orders/")) == []


def heads(page: str) -> list[str]:
    return re.findall(r'<th class="c-(\w+)" scope', page)


def test_a_view_keeps_its_columns_and_shares_them(owner: Client, sign_in: SignIn, house: House) -> None:
    owner.post("/ui/columns/orders", {"column": ["total"], "next": "/orders/"})
    narrow = owner.post("/ui/lists/orders/views", {"view": "tab=all", "name": "money", "shared": "1"})["Location"]
    assert narrow == "/orders/?tab=all&cols=order.total.status"
    owner.post("/ui/columns/orders", {"next": "/orders/"})  # all again in this browser
    everything = heads(text(owner, "/orders/?tab=all"))
    assert len(everything) > 5 and heads(text(owner, narrow)) == ["order", "total", "status"]
    page = text(owner, narrow)
    # Tabs, the search and the file go on with them; other columns are chosen without them.
    assert 'name="cols" value="order.total.status"' in page and "cols=order.total.status&amp;size=" not in page
    assert f'name="next" value="{narrow.split("&")[0]}&amp;size=50"' in page
    owner.post("/ui/lists/orders/export", {"view": narrow.split("?")[1], "format": "csv"})
    with house.inside():
        assert Job.objects.get(kind="ui.export").params["columns"] == ["order", "total", "status"]
    # Somebody with other columns of his own opens it as it was shared; rows that follow come in the same columns.
    clerk = sign_in("clerk")
    clerk.post("/ui/columns/orders", {"column": ["receiver"], "next": "/orders/"})
    assert narrow.split("?")[1].replace("&", "&amp;") in text(clerk, "/orders/?tab=held")
    assert heads(text(clerk, narrow)) == ["order", "total", "status"]
    rows = text(clerk, f"{narrow}&part=rows")
    assert "c-total" in rows and "c-receiver" not in rows
    # Unknown names and views from before columns were kept open with the browser's own.
    assert heads(text(owner, "/orders/?tab=all&cols=nothing.<b>")) == everything
    with house.inside():
        SavedView.objects.update(query={"tab": "all", "text": "", "chosen": {}})
    assert 'href="?tab=all"' in text(owner, "/orders/?tab=held")
    wide = owner.post("/ui/lists/orders/views", {"view": "tab=all", "name": "wide", "default": "1"})["Location"]
    assert wide.endswith("cols=all")
    owner.post("/ui/columns/orders", {"column": ["total"], "next": "/orders/"})
    assert heads(text(owner, wide)) == everything and owner.get("/orders/")["Location"] == "?tab=all&cols=all"


def test_wrong_lists_and_ids_are_refused(owner: Client, house: House) -> None:
    assert owner.post("/ui/lists/nothing/views", {"name": "x"}).status_code == 404
    assert owner.post("/ui/views/999/change", {"name": "x"}).status_code == 404
    assert owner.post("/ui/lists/orders/default", {"default_view": "9" * 30}).status_code == 404
    assert owner.post("/ui/lists/orders/views", {"name": ""}).status_code == 422


def test_views_cost_one_query(owner: Client, house: House) -> None:
    before = len(cost(owner, "/orders/?tab=all"))
    for n in range(12):
        owner.post("/ui/lists/orders/views", {"view": "tab=all", "name": f"view {n}"})
    assert len(cost(owner, "/orders/?tab=all")) == before


def test_who_is_forgotten_is_searched_for_by_nobody(owner: Client, house: House) -> None:
    """A view keeps its words as they were typed, so that erasing finds the buyer in them (tests/erasure does it)."""
    owner.post("/ui/lists/orders/views", {"view": "tab=all&q=Hannah+Fischer", "name": "the lamp"})
    with house.inside():
        assert SavedView.objects.filter(query__icontains="Hannah Fischer").exists()
