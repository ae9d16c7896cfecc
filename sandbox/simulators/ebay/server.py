"""The eBay simulator put together: OAuth, the Trading API, notifications, and their control interface."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Route

from ..base.faults import Faults
from ..base.limits import Limiter
from ..base.platform import Platform
from ..base.store import Store
from . import complete_sale, get_orders, messages, user_calls
from .accounts import Accounts
from .acts import Acts
from .book import Book
from .control import Control
from .deletion import Deletion
from .edge import Edge
from .notify import Notifier
from .oauth import Identity
from .pictures import SCHEMA as PICTURES
from .pictures import Pictures
from .planned import Numbers
from .schema import SCHEMA
from .trading import Call, Trading


class Ebay(Platform):
    """``/ebay/identity/v1/oauth2/token``, ``/ebay/ws/api.dll``, ``/ebay/commerce/…`` (media, public keys)."""

    name = "ebay"

    def __init__(self, data: Path, faults: Faults, limiter: Limiter) -> None:
        super().__init__(data, faults, limiter)
        store = Store(data / "ebay.sqlite3", SCHEMA + PICTURES)
        numbers = Numbers(store)
        edge = Edge(faults)
        accounts = Accounts(store, limiter)
        book = Book(store, numbers)
        self.pictures = Pictures(store, accounts, edge)
        mail = messages.Messages(store, book, numbers, faults, self.pictures)
        self.notifier = Notifier(store, book, mail, faults)
        self.deletion = Deletion(store, accounts)
        self.identity = Identity(accounts, edge)
        users = user_calls.UserCalls(accounts)
        sale = complete_sale.CompleteSale(book, faults, self.notifier.announce)
        self.trading = Trading(
            accounts,
            edge,
            {
                "GetOrders": Call(get_orders.GRAMMAR, get_orders.GetOrders(book, faults), pages=True),
                "CompleteSale": Call(complete_sale.GRAMMAR, sale),
                "GetMemberMessages": Call(messages.MEMBER_GRAMMAR, mail.member, pages=True),
                "AddMemberMessageRTQ": Call(messages.REPLY_GRAMMAR, mail.reply),
                "GetMyMessages": Call(messages.MINE_GRAMMAR, mail.mine, pages=True),
                "GetUser": Call(user_calls.USER_GRAMMAR, users.user),
                "GeteBayOfficialTime": Call({}, users.official_time),
                "GetNotificationPreferences": Call(user_calls.GET_GRAMMAR, users.get_preferences),
                "SetNotificationPreferences": Call(user_calls.SET_GRAMMAR, users.set_preferences),
            },
        )
        acts = Acts(book, self.notifier.announce)
        self.desk = Control(accounts, book, acts, mail, self.notifier, self.deletion)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/identity/v1/oauth2/token", self.identity.__call__, methods=["POST"]),
            Route("/ws/api.dll", self.trading.__call__, methods=["POST"]),
            Route("/commerce/media/v1_beta/image/create_image_from_file", self.pictures.create, methods=["POST"]),
            Route("/commerce/media/v1_beta/image/{image_id}", self.pictures.details, methods=["GET"]),
            Route("/i.ebayimg.com/z/{key}/{name}", self.pictures.show, methods=["GET"]),
            Route("/commerce/notification/v1/public_key/{kid}", self.deletion.public_key, methods=["GET"]),
        ]

    def control(self) -> list[BaseRoute]:
        return self.desk.routes()

    async def startup(self) -> None:
        self.notifier.start()

    async def shutdown(self) -> None:
        await self.notifier.stop()
