"""Pictures of eBay's messages: read, put up, sent; and which addresses are never called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels.adapters.ebay import mapping
from channels.adapters.ebay import media as pictures
from channels.adapters.ebay.adapter import ADAPTER
from channels.canonical import Answer, Media, Message
from channels.protocol import MEDIA, Session
from core.errors import AuthExpired, NotFound, PermissionMissing, Rejected, Throttled, Transient
from core.wire import HttpAnswer
from tests.contract.test_ebay_adapter import seller, session, window
from tests.support.ebay_wire import Seller, ago
from tests.support.pictures import media, png

__all__ = ["seller"]
BASE = "http://127.0.0.1:8900/ebay"


def asked(seller: Seller, at: Session, **plan: Any) -> Message:
    given = {"ref": "m", "order_ref": None, "buyer_id": "b9", "subject": "Broken", "body": "See", "sent_at": ago()}
    seller.control("messages", messages=[{**given, **plan}])
    (item,) = ADAPTER.fetch_messages(at, window(), "").items
    return ADAPTER.parse_message(item.payload)


def test_a_buyers_pictures_are_named_and_read(seller: Seller) -> None:
    at = session(seller)
    found = asked(seller, at, media=[media("front.png", png(1)), media("back & side.png", png(2))])
    assert MEDIA in ADAPTER.capabilities
    assert [one.name for one in found.media] == ["front.png", "back & side.png"]
    assert [ADAPTER.fetch_media(at, one.url) for one in found.media] == [png(1), png(2)]
    (known,) = seller.known("messages")
    assert [one["url"] for one in known["media"]] == [one.url for one in found.media]
    # GetMyMessages names them too, and a message without any has no such element
    mine = seller.call(
        "GetMyMessages",
        "<DetailLevel>ReturnMessages</DetailLevel><ExternalMessageIDs><ExternalMessageID>"
        f"{found.external_id}</ExternalMessageID></ExternalMessageIDs>",
    )
    assert mine.all("Messages/Message/MessageMedia/MediaURL") == [one.url for one in found.media]


def test_reading_a_picture_that_is_gone_or_late(seller: Seller) -> None:
    at = session(seller)
    (one,) = asked(seller, at, media=[media("a.png", png())]).media
    with pytest.raises(NotFound):
        ADAPTER.fetch_media(at, one.url.replace("/z/", "/z/x"))
    for kind, error in (("timeout_before", Transient), ("html503", Transient), ("throttle", Throttled)):
        seller.faults({"kind": kind, "op": "picture"})
        with pytest.raises(error):
            ADAPTER.fetch_media(at, one.url)
    assert ADAPTER.fetch_media(at, one.url) == png()


def test_pictures_go_up_and_out_with_an_answer(seller: Seller) -> None:
    at = session(seller)
    question = asked(seller, at)
    assert question.media == ()
    sent = tuple(Media(f"{n} 图.png", ADAPTER.upload_media(at, f"{n} 图.png", "image/png", png(n))) for n in range(5))
    assert ADAPTER.fetch_media(at, sent[3].url) == png(3)
    ADAPTER.send_answer(at, Answer("k", question.external_id, "b9", "Like this", question.item_ref, media=sent))
    (known,) = seller.known("messages")
    assert known["answers"][0]["media"] == [{"name": one.name, "url": one.url} for one in sent]
    with pytest.raises(Rejected):  # a sixth
        ADAPTER.send_answer(at, Answer("k", question.external_id, "b9", "More", media=(*sent, sent[0])))
    with pytest.raises(Rejected):  # not at EPS
        other = Media("x", "https://i.ebayimg.com/z/nothing/$_57.PNG")
        ADAPTER.send_answer(at, Answer("k", question.external_id, "b9", "Other", media=(other,)))


def test_a_lost_upload_may_be_done_again(seller: Seller) -> None:
    at = session(seller)
    seller.faults({"kind": "timeout_after", "op": "createImageFromFile"})
    with pytest.raises(Transient):
        ADAPTER.upload_media(at, "a.png", "image/png", png())
    assert ADAPTER.upload_media(at, "a.png", "image/png", png()).endswith(".PNG")


def test_refusals_of_the_upload(seller: Seller) -> None:
    at = session(seller)
    with pytest.raises(Rejected) as refused:
        ADAPTER.upload_media(at, "a.png", "image/png", b"<html>")
    assert refused.value.field == "image" and "format" in refused.value.params["reason"]
    seller.faults({"kind": "throttle", "op": "createImageFromFile"})
    with pytest.raises(Throttled) as busy:
        ADAPTER.upload_media(at, "a.png", "image/png", png())
    assert busy.value.retry_after == 2
    with pytest.raises(AuthExpired):
        ADAPTER.upload_media(replace(at, access_token="v^1.1#i^1#nobody"), "a.png", "image/png", png())
    narrow = Seller(str(seller.http.base_url))
    scopes = ["https://api.ebay.com/oauth/api_scope"]
    credentials = {**narrow.credentials, "scopes": scopes}
    body = {"account_id": narrow.id, "site": "US", "credentials": credentials}
    assert narrow.http.post("/_control/ebay/accounts", json=body).status_code == 200
    with pytest.raises(PermissionMissing) as missing:
        ADAPTER.upload_media(session(narrow), "a.png", "image/png", png())
    assert missing.value.scope.endswith("/sell.inventory")


@pytest.mark.parametrize(
    "url",
    [
        "https://i.ebayimg.com/z/abc/$_57.JPG",
        "https://i.ebayimg.com:443/images/g/abc/s-l1600.jpg",
        "https://ebaystatic.com/a.png",
        f"{BASE}/i.ebayimg.com/z/abc/$_57.PNG",
    ],
)
def test_addresses_of_ebay(url: str) -> None:
    assert pictures.ours(url, BASE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://i.ebayimg.com/a.png",
        "https://i.ebayimg.com:8443/a.png",
        "https://i.ebayimg.com.evil.example/a.png",
        "https://evil.example/i.ebayimg.com/a.png",
        "https://notebayimg.com/a.png",
        "https://i.ebayimg.com@evil.example/a.png",
        "https://evil.example\\@i.ebayimg.com/a.png",
        "https://i.ebayimg.com/a b.png",
        "https://i.ebayimg.com/a\r\nHost: x",
        "https://[::1]/a.png",
        "https://[broken/a.png",
        "https://i.ebayimg.com:port/a.png",
        "http://127.0.0.1:8900/_control/ebay/accounts",
        "http://127.0.0.1:8900/ebay/../_control/faults",
        "http://127.0.0.1:8901/ebay/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "//i.ebayimg.com/a.png",
    ],
)
def test_addresses_that_are_never_called(url: str) -> None:
    assert not pictures.ours(url, BASE)
    assert not pictures.ours(url, "")


def test_without_a_base_only_ebay_itself() -> None:
    assert not pictures.ours(f"{BASE}/i.ebayimg.com/z/abc/a.png", "")


class Says:
    """A wire that gives these answers one after the other."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers, self.calls = list(answers), []

    def send(self, method: str, url: str, **more: Any) -> HttpAnswer:
        self.calls.append((method, url, more.get("headers") or {}))
        return self.answers.pop(0)


def saying(seller: Seller, *answers: HttpAnswer) -> tuple[Session, Says]:
    wire = Says(*answers)
    return replace(session(seller, "tok"), http=wire, settings={}), wire


def test_a_redirect_is_not_followed_and_no_token_goes_to_pictures(seller: Seller) -> None:
    at, wire = saying(seller, HttpAnswer(302, {"location": "http://10.0.0.1/"}, b""))
    with pytest.raises(Rejected) as refused:
        ADAPTER.fetch_media(at, "https://i.ebayimg.com/a.png")
    assert refused.value.code == "media.redirected" and len(wire.calls) == 1
    assert "authorization" not in wire.calls[0][2]
    at, wire = saying(seller)
    with pytest.raises(Rejected):
        ADAPTER.fetch_media(at, "http://169.254.169.254/")
    assert wire.calls == []
    at, wire = saying(seller, HttpAnswer(200, {}, b"\x89PNG\r\n\x1a\n" + bytes(pictures.BYTES)))
    with pytest.raises(Rejected) as large:
        ADAPTER.fetch_media(at, "https://i.ebayimg.com/a.png")
    assert large.value.code == "media.too_large"


def test_where_only_the_location_is_told_the_picture_is_asked_for(seller: Seller) -> None:
    created = HttpAnswer(201, {"location": "https://evil.example/commerce/media/v1_beta/image/abc_1"}, b"")
    shown = HttpAnswer(200, {}, b'{"imageUrl": "https://i.ebayimg.com/z/1/a.PNG"}')
    at, wire = saying(seller, created, shown)
    assert ADAPTER.upload_media(at, 'a"\r\n图.png', "image/png", png()) == "https://i.ebayimg.com/z/1/a.PNG"
    assert [url for _, url, _ in wire.calls] == [
        "https://apim.ebay.com/commerce/media/v1_beta/image/create_image_from_file",
        "https://apim.ebay.com/commerce/media/v1_beta/image/abc_1",  # the token stays at eBay, whatever is told
    ]
    at, _ = saying(seller, HttpAnswer(201, {}, b"[]"))
    with pytest.raises(Transient):
        ADAPTER.upload_media(at, "a.png", "image/png", png())


def test_the_questions_own_pictures_come_before_the_exchanges() -> None:
    def exchange(inner: str) -> str:
        head = "<MemberMessageExchange><Item><ItemID>1</ItemID></Item><Question><SenderID>b</SenderID><MessageID>7"
        return f"{head}</MessageID>{inner}<CreationDate>2026-11-01T00:00:00Z</CreationDate></MemberMessageExchange>"

    def one(name: str, url: str) -> str:
        return f"<MessageMedia><MediaName>{name}</MediaName><MediaURL>{url}</MediaURL></MessageMedia>"

    both = exchange(one("mine", "u1") + "</Question>" + one("seller's", "u2"))
    assert mapping.parse_message(both).media == (Media("mine", "u1"),)
    twice = exchange("</Question>" + one("a", "u1") + one("b", "u1") + one("", "") + one("", "u3"))
    assert mapping.parse_message(twice).media == (Media("a", "u1"), Media("", "u3"))
