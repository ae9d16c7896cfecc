"""What a marketplace does not take from us, confirmations and answers: why, where a person sees it, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from channels.models import Confirmation
from core.tenancy import tenant_context
from core.words import say
from crm.models import Conversation, Message
from logistics.models import Service, Shipment
from orders.models import Order
from tests.support import amazon, ebay_wire
from tests.support.database import ACME
from tests.trouble.stage import Shop, Stage, leaks, sentence

APP = "app-shared-by-two"


def number(text: str) -> Callable[[Stage, Shop, Order], None]:
    """The parcel goes out under another number (one that a person had accepted)."""
    return lambda stage, shop, order: _renumber(stage, order, text)


def _renumber(stage: Stage, order: Order, text: str) -> None:
    Shipment.objects.filter(pk=stage.parcel(order).pk).update(tracking_number=text)


def carrier(name: str) -> Callable[[Stage, Shop, Order], None]:
    """The service is told to the marketplace under a name of its own."""
    return lambda stage, shop, order: _name(shop, name)


def _name(shop: Shop, name: str) -> None:
    Service.objects.filter(key="yun-std").update(channel_names={shop.account.platform: name})


def sent_by_hand(stage: Stage, shop: Shop, order: Order) -> None:
    """Somebody confirmed two of the pieces at the marketplace already."""
    line = next(line for line in shop.known(order.external_id)["lines"] if line["quantity"] == 2)
    assert shop.seller.confirm(order.external_id, {line["external_line_id"]: 2}, reference="77").status_code == 204


def all_by_hand(stage: Stage, shop: Shop, order: Order) -> None:
    lines = {line["external_line_id"]: line["quantity"] for line in shop.known(order.external_id)["lines"]}
    assert shop.seller.confirm(order.external_id, lines, reference="77").status_code == 204


def used_by_another(stage: Stage, shop: Shop, order: Order) -> None:
    """Another seller of the same application has told this number for its buyer."""
    other = ebay_wire.Seller(stage.base, app=APP)
    (there,) = other.plan(ebay_wire.planned("theirs", buyer={"id": "b-other", "name": "X", "email": ""}))
    assert other.ship(there, (stage.parcel(order).tracking_number, "YunExpress")).ack == "Success"


def cancelled_there(stage: Stage, shop: Shop, order: Order) -> None:
    shop.act(order.external_id, "cancel")


@dataclass(frozen=True)
class No:
    """``before`` happens between booking and hand-over; ``right`` is what a person enters on the desk (None: drops it)."""

    name: str
    platform: str
    before: Callable[[Stage, Shop, Order], None]
    code: str
    says: str
    right: dict[str, str] | None


NOS = [
    No("carrier that eBay cannot write", "ebay", carrier("云途物流"), "ebay.refused", "", {"carrier": "Yun Express"}),
    No("more than is left", "amazon", sent_by_hand, "amazon.refused", "Quantity", None),
    No("confirmed by hand", "amazon", all_by_hand, "confirm.other_parcel_known", "another parcel", None),
    No("cancelled at Amazon", "amazon", cancelled_there, "amazon.refused", "CANCELLED", None),
    No("number of strange letters", "ebay", number("包裹12"), "ebay.tracking_format", "Correct it", {"tracking_number": "RR1"}),
    No("number with hyphens", "ebay", number("AB-12-34"), "ebay.refused", "hyphens", {"tracking_number": "AB1234"}),
    No("number of another's buyer", "ebay", used_by_another, "ebay.tracking_used", "another order", {"tracking_number": "OWN77"}),
    No("cancelled at eBay", "ebay", cancelled_there, "ebay.refused", "cancelled", None),
]  # fmt: skip
NAMES = [no.name for no in NOS]


@pytest.fixture(scope="module")
def shops(house: Stage) -> dict[str, Shop]:
    """Both accounts with an order for each refusal and a good one, booked together and handed over one after the other."""
    with tenant_context(ACME):
        made = {"amazon": house.amazon(), "ebay": house.ebay(app=APP)}
        make = {"amazon": amazon.plan, "ebay": ebay_wire.planned}
        for platform, shop in made.items():
            refs = [f"n{at}" for at, no in enumerate(NOS) if no.platform == platform] + ["good"]
            buyers = [{"buyer": {"id": f"b-{ref}", "name": ref, "email": ""}} for ref in refs]
            shop.good = shop.plan(*(make[platform](ref, **buyer) for ref, buyer in zip(refs, buyers, strict=True)))
        house.pull(*made.values())
        for shop in made.values():
            for ref, external in shop.good.items():
                order = house.order(external)
                Service.objects.filter(key="yun-std").update(channel_names={})
                if ref != "good":
                    NOS[int(ref[1:])].before(house, shop, order)
                house.ship(order)
        return made


def _order(stage: Stage, shops: dict[str, Shop], no: No) -> Order:
    return stage.order(shops[no.platform].good[f"n{NAMES.index(no.name)}"])


@pytest.mark.parametrize("no", NOS, ids=NAMES)
def test_why_it_was_refused(stage: Stage, shops: dict[str, Shop], no: No) -> None:
    order = _order(stage, shops, no)
    (told,) = stage.told(order)
    assert (order.state, told.state, told.error_code) == ("handed", "refused", no.code)
    said = sentence(told.error_code, told.error_params)
    assert no.says in said, said
    page = stage.page(stage.order_page(order))
    assert said in page and not leaks(page)
    letter = stage.page(f"/channels/desk/confirm/{told.pk}/")
    assert said in letter and say("todo.letter.confirm") in letter and not leaks(letter, but=no.code)
    assert not leaks(stage.page(f"/channels/desk/confirm/{told.pk}/", lang="zh-hans"), but=no.code)
    assert order.external_id in stage.page("/channels/desk/?tab=confirm")


def test_the_others_were_taken(stage: Stage, shops: dict[str, Shop]) -> None:
    for shop in shops.values():
        order = stage.order(shop.good["good"])
        assert [one.state for one in stage.told(order)] == ["confirmed"]
    assert "Confirmation refused" in stage.today()


@pytest.mark.parametrize("no", NOS, ids=NAMES)
def test_what_is_offered_helps(stage: Stage, shops: dict[str, Shop], no: No) -> None:
    order, shop = _order(stage, shops, no), shops[no.platform]
    (told,) = stage.told(order)
    if no.right is None:
        stage.post(f"/channels/desk/confirm/{told.pk}/retry")  # nothing has changed: it is refused again
        stage.tell()
        told.refresh_from_db()
        assert (told.state, told.error_code) == ("refused", no.code)
        stage.post(f"/channels/desk/confirm/{told.pk}/drop", status=422, reason="")
        stage.post(f"/channels/desk/confirm/{told.pk}/drop", reason="done by hand there")
        told.refresh_from_db()
        assert told.state == Confirmation.DROPPED
        return
    given = {"carrier": told.carrier, "tracking_number": told.tracking_number} | no.right
    stage.post(f"/channels/desk/confirm/{told.pk}/correct", status=422, carrier="", tracking_number="")
    stage.post(f"/channels/desk/confirm/{told.pk}/correct", **given)
    stage.tell()
    told.refresh_from_db()
    assert (told.state, told.error_code) == ("confirmed", "")
    numbers = [one["tracking_number"] for one in shop.known(order.external_id)["confirmations"]]
    assert numbers == [given["tracking_number"]]
    assert not leaks(stage.page(stage.order_page(order)))


# -- answers to buyers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unsent:
    name: str
    body: str
    code: str
    says: str
    gone: bool = False


UNSENT = [
    Unsent("too long", "word " * 500, "message.too_long", "Shorten it"),
    Unsent("marked up", "Look <a href='x'>here</a>", "ebay.refused", "HTML"),
    Unsent("buyer gone", "Where are you?", "ebay.refused", "RecipientID", gone=True),
]
FINE = ["👩‍👩‍👧‍👦 תודה \u202eabc\u202c 谢谢", '<3 & "quotes" \' ]]>']


@pytest.fixture(scope="module")
def asked(house: Stage) -> tuple[Shop, dict[str, Message]]:
    with tenant_context(ACME):
        shop = house.ebay()
        refs = [one.name for one in UNSENT] + [f"fine{at}" for at in range(len(FINE))]
        plans: list[dict[str, Any]] = [
            {"ref": ref, "order_ref": None, "buyer_id": f"b-{at}", "subject": "?", "body": "When?\u202e 😀",
             "sent_at": ebay_wire.ago(minutes=30)}
            for at, ref in enumerate(refs)
        ]  # fmt: skip
        ids = shop.seller.control("messages", messages=plans)["ids"]
        house.pull(shop, job="messages")
        found = {ref: Message.objects.get(external_id=ids[ref]) for ref in refs}
        bodies = {one.name: one.body for one in UNSENT} | {f"fine{at}": body for at, body in enumerate(FINE)}
        for ref, message in found.items():
            if any(one.gone and one.name == ref for one in UNSENT):
                Conversation.objects.filter(pk=message.conversation_id).update(buyer_id="nobody-any-more")
            path = f"/inbox/{message.conversation_id}/answer"
            house.post(path, body=bodies[ref], key=f"k-{ref}", seen=message.pk)
        house.settle()
        return shop, found


@pytest.mark.parametrize("one", UNSENT, ids=[one.name for one in UNSENT])
def test_an_answer_that_cannot_be_sent(stage: Stage, asked: tuple[Shop, dict[str, Message]], one: Unsent) -> None:
    shop, messages = asked
    answer = Message.objects.get(key=f"k-{one.name}")
    assert (answer.state, answer.error_code, answer.body) == ("failed", one.code, one.body.strip())
    said = sentence(answer.error_code, answer.error_params)
    assert one.says in said, said
    thread = f"/inbox/{answer.conversation_id}/"
    page = stage.page(thread)
    assert said in page and not leaks(page)
    assert not leaks(stage.page(thread, lang="zh-hans"))
    assert not leaks(stage.page("/channels/desk/?tab=message"))
    if one.gone:  # nobody can be told: the conversation is closed
        stage.post(f"{thread}close")
        assert Conversation.objects.get(pk=answer.conversation_id).state == "closed"
        return
    seen = Message.objects.filter(conversation_id=answer.conversation_id).order_by("-pk")[0].pk
    stage.post(f"{thread}answer", body="Tomorrow.", key=f"k2-{one.name}", seen=seen)
    stage.settle()
    assert Message.objects.get(key=f"k2-{one.name}").state == "sent"
    there = next(m for m in shop.seller.known("messages") if m["ref"] == one.name)
    assert [a["body"] for a in there["answers"]] == ["Tomorrow."]


def test_odd_texts_arrive_as_they_are(stage: Stage, asked: tuple[Shop, dict[str, Message]]) -> None:
    shop, messages = asked
    there = {one["ref"]: [a["body"] for a in one["answers"]] for one in shop.seller.known("messages")}
    for at, body in enumerate(FINE):
        answer = Message.objects.get(key=f"k-fine{at}")
        assert answer.state == "sent", (answer.error_code, answer.error_params)
        assert there[f"fine{at}"] == [body]
    thread = f"/inbox/{messages['fine0'].conversation_id}/"
    assert FINE[0] in stage.page(thread) and "When?" in stage.page(thread)
    refused = stage.post(f"{thread}answer", status=400, body="NUL \x00 inside", key="k-nul")
    assert "cannot be read" in refused and not leaks(refused)
