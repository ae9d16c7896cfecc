"""The inbox by deadline, the thread, templates; each in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels.models import Account
from core import clock
from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, FINANCE, SEE_PERSONAL, SERVICE, Actor, of_role
from core.tenancy import tenant_context
from crm import panels, queries, variables
from crm.models import Conversation, Message
from crm.queries import Filter
from crm.services import deadlines, linking, templates
from orders.models import Order
from tests.orders.conftest import Shop, line, make_shop, order, take

LI = Actor("user", 7, "Li", of_role(CLERK))


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    with tenant_context(acme):
        made = make_shop()
        Account.objects.filter(pk=made.account.pk).update(platform="ebay")
        yield made


def talk(shop: Shop, n: int, *, hours: float = 1, buyer: str = "buyer-1", item: str = "", account: int = 0) -> int:
    """A conversation whose first message was sent so many hours ago."""
    at = clock.now() - timedelta(hours=hours)
    made = Conversation.objects.create(
        account_id=account or shop.account.pk,
        thread=f"t{n}",
        buyer_id=buyer,
        buyer_name="Hannah W",
        subject=f"About {n}",
        item_ref=item,
        last_at=at,
        created_at=at,
    )
    Message.objects.create(
        conversation=made, account_id=made.account_id, direction="in", external_id=f"m{n}", body=f"Body {n}", at=at
    )
    linking.link([made.pk])
    deadlines.recompute([made.pk], 24)
    return made.pk


def ids(page: queries.Page) -> list[int]:
    return [row["id"] for row in page.rows]


def test_open_ones_by_deadline_page_by_page(shop: Shop) -> None:
    made = [talk(shop, n, hours=n) for n in range(1, 8)]
    Conversation.objects.filter(pk=made[0]).update(answer_by=None, waiting_since=None)
    Conversation.objects.filter(pk=made[1]).update(answer_by=None, waiting_since=None)
    Conversation.objects.filter(pk=made[6]).update(state="closed")
    seen: list[int] = []
    after = ""
    for _ in range(5):
        page = queries.inbox(LI, Filter(), after=after, limit=2)
        seen += ids(page)
        after = page.next
        if not after:
            break
    assert seen == [made[5], made[4], made[3], made[2], made[0], made[1]]
    assert ids(queries.inbox(LI, Filter("closed"))) == [made[6]]
    newest = queries.inbox(LI, Filter("all"), limit=3)
    assert ids(newest) == made[:3]
    assert ids(queries.inbox(LI, Filter("all"), after=newest.next, limit=10)) == made[3:]
    with pytest.raises(BusinessError):
        queries.inbox(LI, Filter(), after="nonsense")


def test_the_list_costs_the_same_for_one_and_for_fifty(shop: Shop) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            queries.inbox(LI, Filter("all"), limit=100)
        return len(seen)

    talk(shop, 0)
    first = statements()
    for n in range(1, 50):
        talk(shop, n)
    assert statements() == first == 1


def test_counts_tiles_and_scope(shop: Shop) -> None:
    other = Account.objects.create(platform="ebay", name="other", external_id="S2", created_at=clock.now())
    late = talk(shop, 1, hours=30)
    talk(shop, 2)
    hidden = talk(shop, 3, account=other.pk)
    Conversation.objects.filter(pk=late).update(assignee_id=7)
    Message.objects.create(
        conversation_id=hidden, account=other, direction="out", body="x", at=clock.now(), state="failed"
    )
    assert queries.counts(LI) == {"open": 3, "overdue": 1, "near": 0, "mine": 1, "unassigned": 2, "failed": 1}
    narrow = Actor("user", 9, "Wu", LI.operations, accounts=frozenset({shop.account.pk}))
    assert queries.counts(narrow) == {"open": 2, "overdue": 1, "near": 0, "mine": 0, "unassigned": 1, "failed": 0}
    assert ids(queries.inbox(narrow, Filter("all", accounts=(other.pk,)))) == []
    assert ids(queries.inbox(LI, Filter("overdue"))) == [late]
    assert ids(queries.inbox(LI, Filter("mine"))) == [late]
    assert ids(queries.inbox(LI, Filter("failed"))) == [hidden]
    with pytest.raises(BusinessError):
        queries.thread(narrow, hidden)
    with pytest.raises(NotAllowed):
        queries.inbox(Actor("user", 9, "F", of_role(FINANCE)), Filter())
    assert [(tile.key, tile.count) for tile in panels.tiles(LI)] == [
        ("messages.overdue", 1),
        ("messages.near", 0),
        ("messages.failed", 1),
        ("messages.open", 3),
    ]


def test_near_its_deadline_is_a_list_and_a_tile_of_the_same_number(shop: Shop) -> None:
    other = Account.objects.create(platform="ebay", name="other", external_id="S2", created_at=clock.now())
    late, near, soon = talk(shop, 1, hours=27), talk(shop, 2, hours=20), talk(shop, 3, hours=18.5)
    talk(shop, 4, hours=17.9)  # six hours and some minutes
    talk(shop, 5, hours=23, account=other.pk)
    silent = talk(shop, 6, hours=23)
    Message.objects.filter(conversation_id=silent).update(state="dismissed")
    deadlines.recompute([silent], 24)
    narrow = Actor("user", 9, "Wu", LI.operations, accounts=frozenset({shop.account.pk}))
    assert ids(queries.inbox(narrow, Filter("near"))) == [near, soon] == queries.ids(narrow, Filter("near"), 10)
    assert ids(queries.inbox(narrow, Filter("near"), limit=1)) == [near]
    row = queries.get(narrow, near)
    assert queries.neighbours(narrow, Filter("near"), row) == (None, soon)
    tiles = {tile.key: tile for tile in panels.tiles(narrow)}
    assert {key: (tile.count, tile.urgency, tile.query) for key, tile in tiles.items() if tile.count} == {
        "messages.overdue": (1, "late", "tab=overdue"),
        "messages.near": (2, "now", "tab=near"),
        "messages.open": (4, "soon", "tab=open"),
    }
    assert "1 d 3 h ago" in tiles["messages.overdue"].detail and "20 h" in tiles["messages.near"].detail
    assert {tile.key: tile.count for tile in panels.tiles(LI)}["messages.near"] == 3
    with CaptureQueriesContext(connection) as seen:
        list(panels.tiles(LI))
    assert len(seen) == 3
    with connection.cursor() as cursor:  # a range of an index, however many wait longer
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + seen.captured_queries[-1]["sql"])
        assert "conversation_due" in str(cursor.fetchall())
    assert late


def test_neighbours_are_the_next_places_of_an_index_however_many_wait(shop: Shop) -> None:
    first, here, last = talk(shop, 1, hours=3), talk(shop, 2, hours=2), talk(shop, 3, hours=1)
    with CaptureQueriesContext(connection) as seen:
        row = queries.get(LI, here)
        assert queries.neighbours(LI, Filter("open"), row) == (first, last)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + seen.captured_queries[-1]["sql"])
        plan = str(cursor.fetchall())
    assert plan.count("conversation_due") == 2
    assert "Sort" not in plan
    assert plan.count("Index Cond: (((state)::text = 'open'::text) AND (ROW(COALESCE(") == 2


def test_thread_with_its_order_beside_it(shop: Shop) -> None:
    take(shop, order("A1", line("A1-1", "LAMP", 2, external_item_id="110")), order("A2", line("A2-1", "CUP")))
    first = Order.objects.get(external_id="A1")
    pk = talk(shop, 1, item="110")
    Message.objects.create(
        conversation_id=pk,
        account=shop.account,
        direction="out",
        body="Soon",
        at=clock.now(),
        state="queued",
        next_at=clock.now(),
        actor_label="Wu",
    )
    with CaptureQueriesContext(connection) as seen:
        found = queries.thread(LI, pk)
    assert len(seen) == 7  # one of them notes that a person read it
    assert found.order and (found.order["id"], found.order["ship_name"]) == (first.pk, "Hannah Weiss")
    assert [one["external_id"] for one in found.other_orders] == ["A2"]
    assert [one["body"] for one in found.messages] == ["Body 1", "Soon"]
    assert found.pending and found.pending["actor_label"] == "Wu"
    assert found.seen == found.messages[-1]["id"]
    assert [(one["sku"], one["quantity"]) for one in found.lines] == [("LAMP", 2)]
    assert [row["id"] for row in queries.of_order(LI, first.pk)] == [pk]
    blind = Actor("user", 9, "B", LI.operations - {SEE_PERSONAL})
    hidden = queries.thread(blind, pk)
    text = repr((hidden.conversation, hidden.messages, hidden.order))
    assert "Hannah" not in text and "Body 1" not in text and "Berlin" not in text


def test_templates_by_language_with_their_variables(shop: Shop) -> None:
    agent = Actor("user", 7, "Li", of_role(SERVICE))
    take(shop, order("A1", line("A1-1", "LAMP", 2, "1044.90", external_item_id="110")))
    pk = talk(shop, 1, item="110")
    english = "Hello {buyer.name}, order {order.number} of {order.date}: {order.items}, {order.total}. {{ok}}"
    templates.save_template(actor=agent, name="Where", language="en", body=english)
    german = "Hallo {order.country}: {order.total} am {order.date}"
    templates.save_template(actor=agent, name="Where", language="DE", body=german)
    shown = templates.fill(actor=agent, conversation_id=pk, name="Where")
    assert (shown.language, shown.body.replace("\xa0", " ")) == (
        "de",
        "Hallo Deutschland: 2.089,80 € am 1. November 2026",
    )
    shown = templates.preview(actor=agent, conversation_id=pk, name="Where", language="en")
    assert (
        shown.body == ("Hello h_weiss88, order A1 of November 1, 2026: 2 × Lamp, €2,089.80. {ok}") and not shown.missing
    )
    assert templates.preview(actor=agent, conversation_id=pk, name="Where", language="fr").language == "en"
    templates.save_template(actor=agent, name="Number", language="en", body="{order.tracking} by {order.carrier}")
    missing = templates.preview(actor=agent, conversation_id=pk, name="Number")
    assert missing.missing == ["order.tracking", "order.carrier"] and "{order.tracking}" in missing.body
    with pytest.raises(BusinessError, match=r"template\.missing") as error:
        templates.fill(actor=agent, conversation_id=pk, name="Number")
    assert error.value.params["names"] == ["order.tracking", "order.carrier"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{order.nothing}", "template.unknown_variable"),
        ("{order.__class__}", "template.brace"),
        ("{order.number!r}", "template.brace"),
        ("{0}", "template.brace"),
        ("oops }", "template.brace"),
        (" ", "template.incomplete"),
    ],
)
def test_bad_templates_are_refused_when_saved(shop: Shop, body: str, code: str) -> None:
    agent = Actor("user", 7, "Li", of_role(SERVICE))
    with pytest.raises(BusinessError, match=code.replace(".", r"\.")):
        templates.save_template(actor=agent, name="X", language="en", body=body)


def test_values_are_never_read_as_templates(shop: Shop) -> None:
    facts = variables.Facts({"buyer_name": "{order.number} {{x}} %s"}, {"external_id": "A1"})
    assert variables.render("{buyer.name}/{order.number}", facts) == ("{order.number} {{x}} %s/A1", [])


def test_languages_and_names_of_templates(shop: Shop) -> None:
    agent = Actor("user", 7, "Li", of_role(SERVICE))
    assert templates.languages_of("AT")[0] == "de" and templates.languages_of("")[-1] == "en"
    saved = templates.save_template(actor=agent, name="X", language="zh_Hans", body="{shop.name}")
    assert saved.language == "zh-hans"
    with pytest.raises(BusinessError, match=r"template\.exists"):
        templates.save_template(actor=agent, name="X", language="zh-hans", body="b")
    with pytest.raises(BusinessError, match=r"template\.language"):
        templates.save_template(actor=agent, name="X", language="xx-nope", body="b")
    templates.save_template(actor=agent, template_id=saved.pk, name="Y", language="en", body="b")
    assert [one["name"] for one in queries.templates(LI)] == ["Y"]
    with pytest.raises(NotAllowed):
        templates.delete_template(actor=LI, template_id=saved.pk)
    templates.delete_template(actor=agent, template_id=saved.pk)
    assert queries.templates(LI) == []
