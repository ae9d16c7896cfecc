"""Every list goes out as a file with exactly its columns; whoever may not take it out is refused."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client

from core.permissions import VIEWER, of_role, system
from core.records.models import Job
from core.tenancy import tenant_context
from core.ui import lists
from core.ui.lists.export import outs_of
from tests.support.database import ACME
from tests.ui.conftest import SignIn
from tests.ui2.conftest import dead_payload, make_account, refused_confirmation

pytestmark = pytest.mark.django_db
HERE = system("test")
NAMES = [one.name for one in lists.registered()]


@pytest.mark.parametrize("name", NAMES)
def test_every_list_says_what_goes_out_of_each_of_its_columns(db: None, name: str) -> None:
    with tenant_context(ACME):
        page = lists.named(HERE, name)
        assert page.export, f"{name} does not go out as a file"
        columns = list(page.table.base_columns)
        outs = outs_of(page, HERE, columns)
        assert outs and {one.column for one in page.outs(HERE)} <= set(columns)
        # Without a column nothing of it goes out.
        left = columns[1:]
        assert {one.column for one in outs_of(page, HERE, left)} == {one.column for one in outs} - {columns[0]}
        for row in page.rows(HERE, page.state(QueryDict("tab=all"))).rows if name != "deadletters" else ():
            for one in outs:
                one.value(row)


def test_accounts_and_dead_letters_go_out_as_shown(owner: Client, sign_in: SignIn, db: None) -> None:
    with tenant_context(ACME):
        account = make_account(name="lampenhaus", marketplaces=["EBAY_DE"])
        dead_payload(account, "X-7")
        refused_confirmation(account)
        page = lists.named(HERE, "accounts")
        (row,) = page.rows(HERE, page.state(QueryDict(""))).rows
        values = {str(out.label): out.value(row) for out in page.outs(HERE)}
        assert values["Account"] == "lampenhaus" and values["Marketplaces"] == ["EBAY_DE"]
        assert (values["Unreadable"], values["Confirmations refused"], values["Reason"]) == (1, 1, "")
        desk = lists.named(HERE, "deadletters")
        (letter,) = desk.rows(HERE, desk.state(QueryDict("tab=raw"))).rows
        values = {str(out.label): out.value(letter) for out in desk.outs(HERE)}
        assert (values["Id"], values["Account"], values["Tries"]) == ("X-7", "lampenhaus", 1) and values["Cause"]
    for name, path in (("accounts", "/channels/"), ("deadletters", "/channels/desk/?tab=raw")):
        assert 'name="format" value="xlsx"' in owner.get(path).content.decode()
        assert owner.post(f"/ui/lists/{name}/export", {"format": "csv", "view": "tab=raw"}).status_code == 302
    with tenant_context(ACME):
        assert Job.objects.filter(kind="ui.export").count() == 2
    viewer = sign_in(VIEWER)
    assert viewer.post("/ui/lists/accounts/export", {"format": "csv"}).status_code == 403
    assert viewer.post("/ui/lists/deadletters/export", {"format": "csv"}).status_code == 403
    assert "channels.export" not in of_role(VIEWER)
