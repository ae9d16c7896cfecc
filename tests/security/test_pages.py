"""Every page that can be reached by links: as an owner with poisoned data, as low roles with planted personal data and costs."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from channels.models import Confirmation, Listing, PlatformStock, RawPayload
from core import clock
from core.permissions import CLERK, FINANCE, MANAGER, OWNER, SERVICE, VIEWER, WAREHOUSE, of_role, system
from core.records.models import Job
from core.tenancy import tenant_context
from core.ui.views import PAGES
from crm.models import Conversation, Message, MessageTemplate
from inventory import services as stock
from inventory.models import Sku
from logistics.models import CarrierAccount, Service, Shipment, Tracker, TrackingEvent
from orders.models import Consignment, Order, OrderLine
from tests.isolation.routes import MEMBERS
from tests.security.conftest import SignIn, Two
from tests.security.test_injection import EVIL, safe
from tests.support.database import ACME

pytestmark = pytest.mark.django_db
PERSON = ("Hannah", "Weiss", "Bergstr", "1234573", "relay.example", "h_weiss88", "10999", "SECRETNOTE", "WORDSOFBUYER")
ROLES = (MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)


def fill(two: Two, text: str, *, name: str, note: str) -> None:
    """A row wherever others' words come in. ``name``, ``note``: personal; ``text``: what is not. Inside the tenant."""
    now = clock.now()
    Order.objects.update(buyer_note=note, first_title=text[:200], tags=[text[:40]], state="booked")
    OrderLine.objects.update(title=text[:200], seller_sku=text[:80])
    Sku.objects.update(title=text[:200], title_zh=text[:200], customs_name_en=text[:80], tags=[text[:40]])
    Service.objects.update(name=text[:60], name_zh=text[:60])
    CarrierAccount.objects.update(
        name=text[:60], health="failing", health_code="ebay.refused", health_params={"reason": text}
    )
    account = two.shop.account
    for kind in ("order", "inventory"):
        RawPayload.objects.create(
            account=account,
            kind=kind,
            external_id=text[:60],
            digest=kind.encode(),
            payload=f"<Order>{note}{text}</Order>",
            state=RawPayload.DEAD,
            error_code="payload.bad",
            error_params={"path": text, "reason": text},
            fetched_at=now,
            purge_at=now,
        )
    Confirmation.objects.create(
        account=account,
        order_external_id=text[:60],
        reference="R",
        order_ref=two.near.pk,
        carrier=text[:60],
        tracking_number=text[:60],
        lines=[],
        shipped_at=now,
        state="refused",
        next_at=now,
        error_code="ebay.refused",
        error_params={"reason": text, "number": 1, "field": text},
    )
    Listing.objects.create(account=account, seller_sku=text[:80], title=text[:200], seen_at=now)
    PlatformStock.objects.create(account=account, marketplace="US", seller_sku=text[:80], title=text[:200], seen_at=now)
    talk = Conversation.objects.create(
        account=account,
        thread=name[:80],
        buyer_id=name[:80],
        buyer_name=name[:80],
        subject=note[:200],
        item_ref=text[:60],
        order=two.near,
        last_at=now,
        created_at=now,
    )
    for number, direction in enumerate(("in", "out", "note")):
        Message.objects.create(
            conversation=talk,
            account=account,
            direction=direction,
            external_id=str(number),
            body=f"{note} {text}",
            at=now,
            actor_label=text[:60],
            state="failed" if direction == "out" else "",
            error_code="ebay.refused" if direction == "out" else "",
            error_params={"reason": text},
        )
    MessageTemplate.objects.create(name=text[:60], language="en", subject=text[:60], body=text)
    Tracker.objects.create(kind="17track", name=text[:60], external_id="hookaddress", settings={}, credentials=b"x")
    for number, state in enumerate(("ready", "failed", "handed")):
        parcel = Shipment.objects.create(
            reference=f"P-{number}",
            service=two.shop.service,
            warehouse_ref=two.shop.warehouse.pk,
            state=state,
            receiver={"name": name, "lines": [name], "phone": name},
            country="DE",
            waybill=f"WB{number}",
            tracking_number=f"TRACK{number}",
            cost=Decimal("83.17"),
            cost_currency="CNY",
            error_code="ebay.refused" if state == "failed" else "",
            error_params={"reason": text},
            customs=[{"name_en": text, "quantity": 1, "unit_value": "1", "currency": "USD"}],
            handed_at=now if state == "handed" else None,
            created_at=now,
        )
        TrackingEvent.objects.create(
            shipment=parcel,
            key=str(number),
            at=now,
            main="InTransit",
            description=text,
            place=text[:100],
            source="x",
            received_at=now,
        )
        order = two.near if number == 0 else two.far if number == 1 else None
        if order is not None:
            Consignment.objects.create(
                order=order, warehouse=two.shop.warehouse, service=two.shop.service, shipment=parcel, created_at=now
            )
    place = stock.create_warehouse(actor=system("t"), code="W9", name=text[:60])
    stock.receive(
        actor=system("t"),
        warehouse_id=place.pk,
        lines=[stock.ReceiptLine(two.shop.skus["LAMP"].pk, 3, Decimal("77.31"), "CNY", None)],
        key="k",
    )
    Job.objects.create(
        kind="x", title_code=text[:60], title_params={"x": text}, actor_label=text[:60], created_at=now, state="failed",
        error_code=text[:60], log=[{"id": 1, "label": text, "code": "ebay.refused", "params": {"reason": text}}],
    )  # fmt: skip


def links(body: str) -> set[str]:
    found = re.findall(r'(?:href|hx-get|action)="(/[^"#]*)"', body)
    return {one.replace("&amp;", "&") for one in found if not one.startswith(("/static/", "/accounts/"))}


def walk(client: Client, start: set[str], most: int = 160) -> dict[str, Any]:
    """Pages by address, nearest first; an action that takes only POST answers 405. Pages of a kind are seen once."""
    seen: dict[str, Any] = {}
    kinds: dict[str, int] = {}
    todo = sorted(start)
    while todo and len(seen) < most:
        path = todo.pop(0)
        kind = re.sub(r"\d+", "#", path.partition("?")[0]) + "".join(
            sorted(re.findall(r"tab=\w+|part=|choices=\w+", path))
        )
        if path in seen or kinds.get(kind, 0) >= 2:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        response = client.get(path)
        seen[path] = response
        if not response.streaming and response.status_code == 200:
            todo += sorted(links(response.content.decode()) - seen.keys())
    return seen


def start() -> set[str]:
    """Today, and every page whose address needs no key of a row."""
    out = {"/"}
    for name, given in MEMBERS.items():
        if not given and not name.startswith(("account_", "mfa_")):
            try:
                out.add(reverse(name, urlconf="config.urls_tenant"))
            except NoReverseMatch:
                continue
    return out | {"/orders/?tab=all", "/ship/parcels/?tab=all", "/inbox/?tab=all", "/channels/desk/?tab=confirm"}


def test_no_page_runs_what_others_wrote(sign_in: SignIn, two: Two) -> None:
    with tenant_context(ACME):
        fill(two, EVIL, name=EVIL, note=EVIL)
    client = sign_in()
    seen = walk(client, start())
    for path, response in seen.items():
        assert response.status_code < 500, path
        if not response.streaming:
            safe(response)
    with tenant_context(ACME):
        raws = list(RawPayload.objects.values_list("pk", flat=True))
        talk = Conversation.objects.get().pk
    for raw in raws:
        safe(client.post(f"/channels/desk/raw/{raw}/payload"))
        safe(client.post(f"/channels/desk/raw/{raw}/mend", {"payload": EVIL}))
    safe(client.get(f"/inbox/{talk}/preview", {"template": EVIL}))
    safe(client.get(f"/inbox/{talk}/preview", {"template": EVIL[:60]}))
    safe(client.post(f"/inbox/{talk}/answer", {"body": EVIL, "key": EVIL}))
    safe(client.post("/ship/go", {"entry": EVIL, "step": EVIL}, HTTP_HX_REQUEST="true"))
    safe(client.post("/stock/adjust", {"lines": EVIL, "warehouse": EVIL}))
    safe(client.post("/stock/import/", {"kind": "skus", "pasted": f"code,title\n{EVIL},{EVIL}"}, follow=True))
    safe(client.post("/channels/connect/ebay/", {"name": EVIL, "external_id": EVIL, "secret-app_id": EVIL}))
    assert len(seen) > 60


@pytest.mark.parametrize("role", [VIEWER, FINANCE])
def test_low_roles_read_of_no_person(sign_in: SignIn, two: Two, role: str) -> None:
    with tenant_context(ACME):
        fill(two, "plain", name="Hannah Weiss", note="SECRETNOTE WORDSOFBUYER")
    for path, response in walk(sign_in(role), start()).items():
        body = "" if response.streaming else response.content.decode()
        told = [word for word in PERSON if word in body]
        assert not told, f"{path} tells {told}"
        assert response.status_code < 500, path


@pytest.mark.parametrize("role", [CLERK, WAREHOUSE, SERVICE, VIEWER])
def test_low_roles_read_of_no_cost(sign_in: SignIn, two: Two, role: str) -> None:
    with tenant_context(ACME):
        fill(two, "plain", name="Hannah", note="x")
        sku = two.shop.skus["LAMP"].pk
    more = {
        f"/stock/skus/{sku}/",
        f"/stock/skus/{sku}/{two.shop.warehouse.pk}/",
        "/stock/moves/1/",
        f"/orders/{two.near.pk}/",
    }
    for path, response in walk(sign_in(role), start() | more).items():
        body = "" if response.streaming else response.content.decode()
        for figure in ("77.31", "231.93", "83.17"):
            assert figure not in body, f"{path} tells {figure}"
    seen = sign_in(FINANCE).get(f"/stock/skus/{sku}/").content.decode()
    assert "77.31" in seen


def test_secret_addresses_of_hooks_are_for_those_who_connect(sign_in: SignIn, two: Two) -> None:
    with tenant_context(ACME):
        fill(two, "plain", name="x", note="x")
    assert "hookaddress" in sign_in(MANAGER).get("/carriers/").content.decode()
    assert "hookaddress" not in sign_in(VIEWER).get("/carriers/").content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_asks_for_its_operation(sign_in: SignIn, role: str) -> None:
    """By address, GET and POST, plain and as htmx, whatever the menu shows."""
    from django.urls import resolve

    client, may, refused = sign_in(role), of_role(role), 0
    for name, given in MEMBERS.items():
        try:
            path = reverse(name, urlconf="config.urls_tenant", kwargs=given)
        except NoReverseMatch:
            continue
        page = getattr(resolve(path, "config.urls_tenant").func, "page", None)
        if page is None or page.operation is None or page.operation in may:
            continue
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
            for method in page.methods:
                response = client.generic(method, path, **headers)
                assert response.status_code == 403, f"{method} {path}"
                refused += 1
    assert refused or role == OWNER


def test_pages_without_an_operation_are_known() -> None:
    free = {name for name, page in PAGES.items() if page.operation is None and name.startswith(("core.", "orders."))}
    assert free == {
        f"core.ui.views.{name}"
        for name in (
            "jobs.index",
            "jobs.bell",
            "jobs.panel",
            "jobs.cancel",
            "jobs.resume",
            # one's own views and files; what a list shows asks for the list's operation
            "lists.save_view",
            "lists.change_view",
            "lists.delete_view",
            "lists.choose_default",
            "lists.export",
            "palette.find",
            "shell.choose_columns",
            "shell.counts",
            "today.show",
        )
    }


STRANGE = ["²", "9" * 40, "'\"%s", "out~2026-01-01~" + "9" * 30]


@pytest.mark.parametrize("what", STRANGE)
def test_strange_addresses_are_no_server_error(sign_in: SignIn, two: Two, what: str) -> None:
    with tenant_context(ACME):
        fill(two, "plain", name="x", note="x")
    client = sign_in()
    keys = (
        "q tab account warehouse service state size after before choices parcel code figure skip sku template".split()
    )
    for path in sorted(one.partition("?")[0] for one in start()):
        for chunk in (keys[:6], keys[6:11], keys[11:]):
            response = client.get(path, dict.fromkeys(chunk, what) | {"part": "rows"})
            assert response.status_code < 500, f"{path} {chunk}"
        assert client.get(path, {"after": what}).status_code < 500, path
    with tenant_context(ACME):
        talk, sku, place = Conversation.objects.get().pk, two.shop.skus["LAMP"].pk, two.shop.warehouse.pk
    names = (
        "id all view reason payload carrier tracking_number body key seen note user entry step shipment grams".split()
    )
    names += "parcel account warehouse lines sheet act numbers since job marketplace version name code".split()
    given = dict.fromkeys(names, what)
    for path in (
        "/channels/desk/retry", "/channels/desk/drop", f"/channels/{two.shop.account.pk}/again",
        f"/channels/{two.shop.account.pk}/settings", "/channels/desk/confirm/1/correct", "/channels/desk/event/1/retry",
        "/channels/desk/nothing/1/drop", f"/inbox/{talk}/answer", f"/inbox/{talk}/note", f"/inbox/{talk}/assign",
        f"/inbox/{talk}/retry/{talk}", "/inbox/templates/new", "/ship/go", "/ship/accept", "/ship/hand", "/ship/undo-hand",
        "/ship/undo-weight", "/ship/parcels/print", "/ship/parcels/hand", "/ship/parcels/book", "/ship/lists/close",
        "/stock/receive", "/stock/adjust", "/stock/skus/new", f"/stock/skus/{sku}/edit", "/stock/import/",
        "/stock/warehouses/new", f"/stock/warehouses/{place}/", "/carriers/1/numbers", "/carriers/1/services/new",
        "/restock/settings", "/restock/run", "/orders/rules/",
    ):  # fmt: skip
        assert client.post(path, given).status_code < 500, path
        assert client.post(path, given | {"all": "1", "view": f"tab={what}&q={what}"}).status_code < 500, path
    for path in (f"/stock/skus/{'9' * 30}/", f"/orders/{'9' * 30}/", f"/inbox/{'9' * 30}/", f"/channels/{'9' * 30}/"):
        assert client.get(path).status_code < 500, path


def test_a_job_goes_on_with_the_rights_one_has_now() -> None:
    """Who was given fewer rights does not get the former ones back by resuming an old job."""
    from core import jobs
    from core.permissions import Actor

    @jobs.job("security.probe")
    def probe(run: jobs.JobRun) -> None:
        return

    was = Actor("user", 77, "x", of_role(MANAGER), accounts=None)
    now = Actor("user", 77, "x", of_role(VIEWER), accounts=frozenset({1}))
    with tenant_context(ACME):
        made = jobs.start(was, "security.probe", "t", {}, {"ids": [1]})
        Job.objects.filter(pk=made.pk).update(state=Job.FAILED)
        jobs.resume(now, made.pk)
        run = jobs.JobRun(Job.objects.get(pk=made.pk), "token")
    assert run.actor.operations == of_role(VIEWER)
    assert run.actor.accounts == frozenset({1})
    assert run.params == {"ids": [1]}


def test_a_conversation_shows_orders_of_ones_warehouses(sign_in: SignIn, two: Two) -> None:
    with tenant_context(ACME):
        fill(two, "plain", name="x", note="x")
        Conversation.objects.update(order=two.far)
        talk = Conversation.objects.get().pk
    seen = sign_in(SERVICE).get(f"/inbox/{talk}/").content
    assert b"FAR-1" in seen and b"Hannah Weiss" in seen
    page = sign_in(SERVICE, warehouses=[two.shop.warehouse.pk]).get(f"/inbox/{talk}/")
    assert page.status_code == 200
    assert b"Hannah Weiss" not in page.content and b"Berlin" not in page.content
