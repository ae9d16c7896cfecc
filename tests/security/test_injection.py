"""What buyers, platforms and colleagues write stays text: in pages, headers, file names, queries, templates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client

from core import clock, files
from core.audit import record
from core.errors import BusinessError
from core.permissions import CLERK, MANAGER, OWNER, SERVICE, VIEWER, WAREHOUSE, Actor, of_role
from core.tenancy import tenant_context
from core.words import say
from crm import variables
from crm.variables import Facts
from orders.models import Order, OrderLine
from tenants.models import Invitation, Membership, Tenant, User
from tests.security.conftest import SignIn, Two
from tests.support.database import ACME

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"><svg/onload=alert(3)>{{7*7}}{% debug %}${7*7}"
TAGS = ("<script>alert", "<img src=x", "<svg/onload", "onerror=alert(2)>'")


def safe(response) -> None:
    body = response.content.decode()
    assert response.status_code < 500
    for tag in TAGS:
        assert tag not in body, f"{tag} in {response.request['PATH_INFO']}"
    # No attribute is closed by what was written: quotes never come as they are.
    assert "'\"><svg" not in body


@pytest.fixture
def evil(two: Two) -> Two:
    with tenant_context(ACME):
        Order.objects.filter(pk=two.near.pk).update(
            ship_name=EVIL,
            ship_company=EVIL,
            ship_lines=[EVIL],
            ship_city=EVIL[:100],
            buyer_name=EVIL,
            buyer_note=EVIL + "\nsecond line",
            service_asked=EVIL[:80],
            tags=[EVIL[:40]],
            first_sku=EVIL[:80],
            first_title=EVIL,
            reason_code="order.held_by_person",
            reason_params={"note": EVIL},
        )
        OrderLine.objects.filter(order=two.near).update(seller_sku=EVIL[:120], title=EVIL)
        two.shop.account.name = EVIL[:80]
        two.shop.account.save()
        two.shop.warehouse.name = EVIL[:80]
        two.shop.warehouse.save()
        actor = Actor("user", 1, EVIL[:120])
        record(actor, "order", two.near.pk, "order.held", note=EVIL)
        record(actor, "order", two.near.pk, "evil", **{"x": EVIL})
    return two


def test_order_pages_run_nothing(sign_in: SignIn, evil: Two) -> None:
    client = sign_in()
    page = f"/orders/{evil.near.pk}/"
    for path in (
        "/",
        page,
        page + "address",
        "/orders/?tab=all",
        "/orders/?tab=all&part=rows",
        "/orders/?choices=tag",
        "/orders/?choices=account",
        "/orders/?choices=warehouse&tag=" + "%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        safe(client.get(path))
        safe(client.get(path, HTTP_HX_REQUEST="true"))
    safe(client.get("/orders/", {"q": EVIL, "tab": EVIL, "tag": EVIL, "account": EVIL, "size": EVIL, "after": EVIL}))
    safe(client.get("/orders/", {"q": EVIL, "tab": "all"}))
    safe(client.get("/orders/", {"choices": EVIL}))
    safe(client.post(page + "address", {"ship_name": EVIL, "version": EVIL}))
    safe(client.post(page + "tag", {"add": EVIL, "next": EVIL}))
    safe(client.post("/orders/bulk/hold", {"note": EVIL, "view": EVIL}))
    safe(client.post(page + "settle", {"version": EVIL, "x": EVIL}, HTTP_HX_REQUEST="true"))


def test_names_of_people_and_companies_run_nothing(sign_in: SignIn) -> None:
    client = sign_in()
    tenant = Tenant.objects.get(schema_name=ACME)
    Tenant.objects.filter(pk=tenant.pk).update(name=EVIL[:120])
    User.objects.filter(pk=client.session["_auth_user_id"]).update(name=EVIL[:120])
    made = Invitation.objects.create(
        email="i@acme.example",
        tenant=tenant,
        role=VIEWER,
        actor_label=EVIL[:120],
        created_at=clock.now(),
        expires_at=clock.wall() + timedelta(days=1),
    )
    for path in ("/", "/orders/", "/settings/members/", "/accounts/email/", "/accounts/2fa/"):
        safe(client.get(path))
    public = Client(HTTP_HOST="localhost", raise_request_exception=False)
    safe(public.get(f"/invitations/{made.token}/"))
    safe(public.post("/signup/", {"company": EVIL, "address": EVIL, "name": EVIL, "email": EVIL}))
    safe(Client(HTTP_HOST="acme.localhost").get("/accounts/login/?next=" + "%22%3E%3Csvg/onload=alert(3)%3E"))
    public.force_login(User.objects.get(pk=client.session["_auth_user_id"]))
    safe(public.get("/tenants/"))


@pytest.mark.parametrize(
    "what", ["\x00", "²", "٣", "9" * 40, "-1", "1e9", "%s%s", "\\", "'; DROP TABLE x; --", "a" * 5000, "\ud7ff\ufffe"]
)
def test_strange_input_is_refused_or_finds_nothing(sign_in: SignIn, two: Two, what: str) -> None:
    client = sign_in()
    for name in ("q", "tab", "account", "warehouse", "service", "country", "tag", "size", "after", "before", "choices"):
        for tab in ("to_ship", "all"):
            response = client.get("/orders/", {"tab": tab, name: what})
            assert response.status_code < 500, name
    for moment in (
        f"{what}~1",
        f"2026-01-01T00:00:00+00:00~{what}",
        f"2026-01-01~{what}",
        "0001-01-01T00:00:00+14:00~1",
        "9999-12-31T23:59:59-14:00~1",
    ):
        assert client.get("/orders/", {"tab": "all", "after": moment}).status_code < 500, moment
        for side in ("after", "before"):
            for path in ("/orders/", "/inbox/"):
                assert client.get(path, {"tab": "all", "q": "near", side: moment}).status_code < 500, moment
    for text in (f"S-{what}", f"{what} {what}"):
        assert client.get("/orders/", {"tab": "all", "q": text}).status_code < 500, text
    one = f"/orders/{two.near.pk}/"
    for path, given in (
        (one + "tag", {"add": what}),
        (one + "hold", {"note": what}),
        (one + "settle", {"version": what}),
        (one + "address", {"version": what, "ship_name": what, "ship_lines": what, "ship_country": what}),
        (one + f"address/undo/{two.near.pk}", {"version": what}),
        (one + "listing/1/match", {"sku": what, "units": what}),
        (one + "listing/1/match", {"sku": "1", "units": what}),
        ("/orders/bulk/hold", {"id": what}),
        ("/orders/bulk/tag", {"id": str(two.near.pk), "add": what, "remove": what}),
        ("/orders/bulk/hold", {"all": "1", "view": f"tab=all&q={what}&account={what}"}),
        ("/ui/language", {"language": what, "next": what}),
        ("/ui/theme", {"theme": what}),
        ("/ui/columns/orders", {"column": what, "next": what}),
        ("/settings/members/invite/", {"email": what, "role": what, "accounts": what}),
    ):
        assert client.post(path, given).status_code < 500, path
    assert client.get(one + "listing/1/skus", {"sku": what}).status_code < 500
    public = Client(HTTP_HOST="localhost", raise_request_exception=False)
    assert public.post("/signup/", {"company": what, "address": what, "email": f"{what}@x.example"}).status_code < 500
    login = Client(HTTP_HOST="acme.localhost", raise_request_exception=False)
    assert login.post("/accounts/login/", {"login": f"{what}@x.example", "password": what}).status_code < 500


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\x.pdf",
        'a"\r\nSet-Cookie: x=1\r\n.pdf',
        "a\x00.pdf",
        "\u202efdp.exe",
        "x.html",
        "/etc/passwd",
        ".",
    ],
)
def test_file_names_are_names(sign_in: SignIn, settings, tmp_path, name: str) -> None:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        kept = files.store("export", name, b"<script>alert(1)</script>", "text/html", "orders.export")
    assert all(tmp_path in one.resolve().parents for one in tmp_path.rglob("*"))
    assert re.fullmatch(r"t/[0-9a-f-]{36}/[0-9a-f]{32}", kept.path)
    client = sign_in()
    for query in ("", "?inline=1"):
        response = client.get(f"/files/{kept.uid}/{query}")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment")
        assert "\r" not in response["Content-Disposition"] and not response.has_header("Set-Cookie")
        assert response["X-Content-Type-Options"] == "nosniff"


def test_paths_do_not_leave_the_folder(sign_in: SignIn) -> None:
    client = sign_in()
    for path in (
        "/files/../../etc/passwd",
        "/files/%2e%2e%2fetc/",
        "/static/../config/settings.py",
        "/static/..%2f..%2fconfig/settings.py",
        "/static//etc/passwd",
        "/static/%00",
    ):
        response = client.get(path)
        assert response.status_code in (400, 404), path


@pytest.mark.parametrize(
    "text",
    [
        "{order.__class__}",
        "{conversation}",
        "{order}",
        "{order.ship_phone}",
        "{settings.SECRET_KEY}",
        "{0}",
        "{}",
        "{order.number!r}",
        "{order.number:>99999999}",
        "{order[number]}",
        "{{order.number}",
        "{buyer.email}",
    ],
)
def test_templates_read_what_is_registered_and_nothing_else(text: str) -> None:
    with pytest.raises(BusinessError) as error:
        variables.render(text, Facts({}, {"ship_phone": "+49 1", "external_id": "X"}))
    assert error.value.code in ("template.unknown_variable", "template.brace")


def test_a_value_is_not_read_as_a_template_again() -> None:
    facts = Facts({"subject": "{order.number}"}, {"external_id": "SECRET-1"})
    assert variables.render("{message.subject}", facts)[0] == "{order.number}"
    assert variables.render("{{order.number}}", facts)[0] == "{order.number}"


def test_stored_sentences_reach_no_attributes() -> None:
    for params in ({"name": "{reason.__class__}"}, {"name": ["{0.__class__}"]}, {"name": {"a": 1}}):
        said = say("account.reconnect_first", params)
        assert "class 'str'" not in said
    assert say("account.refused", {"reason": "account.refused"})  # a code that names itself ends


@pytest.mark.parametrize("table", ["records_auditentry"])
def test_nobody_rewrites_the_trail(two: Two, table: str) -> None:
    with tenant_context(ACME):
        record(Actor("user", 1, "x"), "order", two.near.pk, "order.held")
        for sql in (
            f"UPDATE {table} SET actor_label = 'nobody'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


# -- more rights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [MANAGER, CLERK, WAREHOUSE, SERVICE, VIEWER])
def test_nobody_but_an_owner_gives_rights(sign_in: SignIn, role: str) -> None:
    client = sign_in(role)
    mine = Membership.objects.get(user_id=client.session["_auth_user_id"])
    other = Membership.objects.filter(tenant=mine.tenant, role=OWNER).first()
    for path in (
        f"/settings/members/{mine.pk}/",
        f"/settings/members/{other.pk}/",
        f"/settings/members/{other.pk}/shut-out/",
        "/settings/members/invite/",
    ):
        assert client.post(path, {"role": OWNER, "email": "me@evil.example"}).status_code == 403
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.role, other.role, other.active) == (role, OWNER, True)
    assert not Invitation.objects.exists()


def test_invitations_links_are_for_those_who_manage_members(sign_in: SignIn) -> None:
    """A link makes its holder a member with the role that it names: a manager who reads it could become an owner."""
    tenant = Tenant.objects.get(schema_name=ACME)
    made = Invitation.objects.create(
        email="boss@acme.example",
        tenant=tenant,
        role=OWNER,
        actor_label="x",
        created_at=clock.now(),
        expires_at=clock.wall() + timedelta(days=1),
    )
    assert str(made.token) in sign_in().get("/settings/members/").content.decode()
    assert str(made.token) not in sign_in(MANAGER).get("/settings/members/").content.decode()


def test_fields_that_no_form_has_change_nothing(sign_in: SignIn) -> None:
    client = sign_in(VIEWER)
    extra = {
        "is_staff": "1",
        "is_superuser": "1",
        "role": OWNER,
        "is_active": "1",
        "operations": "x",
        "everything": "1",
    }
    client.post("/ui/language", {"language": "en", **extra})
    client.post("/accounts/email/", {"action_add": "1", "email": "other@acme.example", **extra})
    client.post("/accounts/password/change/", {"oldpassword": "x", **extra})
    user = User.objects.get(pk=client.session["_auth_user_id"])
    assert not user.is_staff and not user.is_superuser
    assert user.memberships.get().role == VIEWER


def test_a_scope_is_not_widened_by_changing_the_role(sign_in: SignIn, two: Two) -> None:
    """An account that is gone stays ticked in the form: without it the scope would be empty, which means all."""
    mine = two.shop.account.pk
    clerk = sign_in(CLERK, accounts=[mine, 999], warehouses=[998])
    member = Membership.objects.get(user_id=clerk.session["_auth_user_id"])
    path, owner = f"/settings/members/{member.pk}/", sign_in()
    ticked = re.findall(r'name="(accounts|warehouses)" value="(\d+)"[^>]*\bchecked', owner.get(path).content.decode())
    assert sorted(ticked) == [("accounts", str(mine)), ("accounts", "999"), ("warehouses", "998")]
    owner.post(path, {"role": VIEWER, "accounts": [mine, 999], "warehouses": [998]})
    member.refresh_from_db()
    assert (member.role, member.accounts, member.warehouses) == (VIEWER, sorted([mine, 999]), [998])
    owner.post(path, {"role": VIEWER, "accounts": [12345]})
    member.refresh_from_db()
    assert member.accounts == sorted([mine, 999])


def test_owners_can_narrow_members(sign_in: SignIn, two: Two) -> None:
    owner = sign_in()
    given = {
        "email": "n@acme.example",
        "role": CLERK,
        "accounts": [two.shop.account.pk],
        "warehouses": [two.far_place.pk],
    }
    owner.post("/settings/members/invite/", given)
    made = Invitation.objects.get(email="n@acme.example")
    assert (made.accounts, made.warehouses) == ([two.shop.account.pk], [two.far_place.pk])


@pytest.mark.parametrize("role", [VIEWER, WAREHOUSE, SERVICE])
def test_acts_want_their_operation(sign_in: SignIn, two: Two, role: str) -> None:
    client = sign_in(role)
    may = of_role(role)
    one = f"/orders/{two.near.pk}/"
    for path, operation in (
        (one + "hold", "orders.hold"),
        (one + "route", "orders.route"),
        (one + "cancel", "orders.cancel"),
        (one + "tag", "orders.edit"),
        (one + "take-back", "orders.cancel"),
        (one + "settle", "orders.edit"),
        (one + "pull", "orders.route"),
        (one + "address/undo/1", "orders.edit"),
        (one + "listing/1/match", "orders.edit"),
        ("/orders/bulk/hold", "orders.hold"),
        ("/orders/bulk/route", "orders.route"),
        ("/orders/bulk/cancel", "orders.cancel"),
        ("/orders/bulk/tag", "orders.edit"),
        ("/orders/bulk/book", "orders.book"),
    ):
        if operation not in may:
            for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
                given = {"id": two.near.pk, "all": "1", "view": "tab=all", "add": "x"}
                assert client.post(path, given, **headers).status_code == 403, path
    assert two.state(two.near) == "ready"
