"""Questions of buyers: GetMemberMessages, AddMemberMessageRTQ, and the same messages in GetMyMessages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from lxml import etree

from ..base import clock
from ..base.faults import Faults
from ..base.store import Store, dumps, loads
from .book import Book
from .errors import invalid
from .get_orders import pagination
from .pictures import MOST_OF_A_MESSAGE, Pictures, render
from .planned import BadPlan, Numbers, cleaned, item_number
from .times import seconds, stamp
from .wire import boolean, fragment, moment, sub

MEMBER_GRAMMAR: dict[str, Any] = {
    "DisplayToPublic": None,
    "EndCreationTime": None,
    "ItemID": None,
    "MailMessageType": None,
    "MemberMessageID": None,
    "MessageStatus": None,
    "Pagination": {"EntriesPerPage": None, "PageNumber": None},
    "SenderID": None,
    "StartCreationTime": None,
}
REPLY_GRAMMAR: dict[str, Any] = {
    "ItemID": None,
    "MemberMessage": {
        "Body": None,
        "DisplayToPublic": None,
        "EmailCopyToSender": None,
        "MessageMedia*": {"MediaName": None, "MediaURL": None},
        "ParentMessageID": None,
        "RecipientID*": None,
    },
}
MINE_GRAMMAR: dict[str, Any] = {
    "EndTime": None,
    "ExternalMessageIDs": {"ExternalMessageID*": None},
    "FolderID": None,
    "IncludeHighPriorityMessageOnly": None,
    "MessageIDs": {"MessageID*": None},
    "Pagination": {"EntriesPerPage": None, "PageNumber": None},
    "StartTime": None,
}
KINDS = ("AskSellerQuestion", "ContactEbayMember", "ContactTransactionPartner", "ResponseToASQQuestion")
PAGE_SIZES = (25, 50, 100, 200)
MOST_BODY = 2000


@dataclass
class Messages:
    store: Store
    book: Book
    numbers: Numbers
    faults: Faults
    pictures: Pictures

    # -- control -------------------------------------------------------------------------------------------------

    def plan(
        self, account: sqlite3.Row, plans: Iterable[dict[str, Any]], where: str
    ) -> tuple[dict[str, str], list[str]]:
        """Take planned messages in, once per ref: (message ids by ref, the new ones). Raises BadPlan.

        ``where``: this simulator's address, under which the pictures of ``media`` are shown.
        """
        ids: dict[str, str] = {}
        new: list[str] = []
        with self.store.transaction():
            for plan in plans:
                ref = str(plan["ref"])
                sql = "SELECT message_id FROM messages WHERE account_id = ? AND ref = ?"
                known = self.store.one(sql, account["account_id"], ref)
                ids[ref] = known["message_id"] if known is not None else self._add(account, ref, plan, where)
                if known is None:
                    new.append(ids[ref])
        return ids, new

    def _add(self, account: sqlite3.Row, ref: str, plan: dict[str, Any], where: str) -> str:
        plan = cleaned(plan)
        order_id, item_id, title = None, plan.get("item_id"), plan.get("item_title") or "Listing"
        if plan.get("order_ref"):
            sql = "SELECT order_id, doc FROM orders WHERE account_id = ? AND ref = ?"
            row = self.store.one(sql, account["account_id"], plan["order_ref"])
            doc = loads(row["doc"]) if row is not None else None
            if row is None or doc is None:
                raise BadPlan(f"{ref}: no order has the ref {plan['order_ref']!r}")
            order_id = doc.get("combined_into") or row["order_id"]
            item_id, title = doc["lines"][0]["item_id"], doc["lines"][0]["title"]
        kind = plan.get("type", "AskSellerQuestion")
        if kind not in KINDS:
            raise BadPlan(f"{ref}: unknown message type {kind!r}")
        sent, now = seconds(plan["sent_at"]) if plan.get("sent_at") else clock.epoch(), clock.epoch()
        visible = seconds(plan["visible_at"]) if plan.get("visible_at") else 0.0
        # A pull that has passed a moment never finds a message of before that moment.
        created = max(sent, visible) if max(sent, visible) > account["messages_read_to"] else now
        message_id = self.numbers.message_id()
        media = self.pictures.planned(account["account_id"], where, plan.get("media") or [])
        body = {"subject": plan.get("subject") or "", "body": plan.get("body") or "", "title": title, "media": media}
        self.store.run(
            "INSERT INTO messages (account_id, message_id, ref, order_id, doc, kind, status, sender, item_id, created,"
            " visible) VALUES (?, ?, ?, ?, ?, ?, 'Unanswered', ?, ?, ?, ?)",
            account["account_id"],
            message_id,
            ref,
            order_id,
            dumps(body),
            kind,
            str(plan["buyer_id"]),
            item_id or item_number(account["account_id"], "question"),
            created,
            visible,
        )
        return message_id

    def listed(self, account_id: str) -> list[dict[str, Any]]:
        """Everything the platform knows of the account's messages, for reconciling."""
        return [
            {
                "external_id": row["message_id"],
                "ref": row["ref"],
                "order_external_id": row["order_id"],
                "item_id": row["item_id"],
                "buyer_id": row["sender"],
                "subject": loads(row["doc"])["subject"],
                "body": loads(row["doc"])["body"],
                "media": loads(row["doc"]).get("media", []),
                "sent_at": stamp(row["created"]),
                "status": row["status"],
                "answers": loads(row["answers"]),
                "answer_calls": row["answer_calls"],
            }
            for row in self.store.all("SELECT * FROM messages WHERE account_id = ? ORDER BY seq", account_id)
        ]

    # -- GetMemberMessages -----------------------------------------------------------------------------------------

    def member(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        per_page, page = pagination(request.get("Pagination") or {}, default=25, most=200, sizes=PAGE_SIZES)
        where, args = self._filter(account, request)
        total = self.store.one(f"SELECT COUNT(*) AS n FROM messages WHERE {where}", *args)
        assert total is not None
        sql = f"SELECT * FROM messages WHERE {where} ORDER BY created, seq LIMIT ? OFFSET ?"
        rows = self.store.all(sql, *args, per_page, (page - 1) * per_page)
        if page > 1 and self.faults.draw(("repeat",), op="GetMemberMessages", account=account["account_id"]):
            rows = self.store.all(sql, *args, 1, (page - 1) * per_page - 1) + rows
        if self.faults.draw(("reorder",), op="GetMemberMessages", account=account["account_id"]):
            self.faults.shuffle(rows)
        pages = -(-total["n"] // per_page)
        exchanges = "".join(self.exchange(row, account) for row in rows)
        content = f"<MemberMessage>{exchanges}</MemberMessage>" if rows else ""
        result = etree.Element("PaginationResult")
        sub(result, "TotalNumberOfPages", pages)
        sub(result, "TotalNumberOfEntries", total["n"])
        return f"{content}{fragment(result)}<HasMoreItems>{'true' if page < pages else 'false'}</HasMoreItems>"

    def _filter(self, account: sqlite3.Row, request: dict[str, Any]) -> tuple[str, list[Any]]:
        where, args = ["account_id = ?", "visible <= ?"], [account["account_id"], clock.epoch()]
        kind = request.get("MailMessageType")
        if kind not in ("All", *KINDS):
            raise invalid("MailMessageType")
        if kind != "All":
            where.append("kind = ?")
            args.append(kind)
        status = request.get("MessageStatus")
        if status:
            if status not in ("Answered", "Unanswered"):
                raise invalid("MessageStatus")
            where.append("status = ?")
            args.append(status)
        if "DisplayToPublic" in request:
            boolean(request["DisplayToPublic"], "DisplayToPublic")
        for tag, column in {"ItemID": "item_id", "SenderID": "sender", "MemberMessageID": "message_id"}.items():
            if request.get(tag):
                where.append(f"{column} = ?")
                args.append(request[tag])
        ends = [tag for tag in ("StartCreationTime", "EndCreationTime") if request.get(tag)]
        if len(ends) == 1:
            raise invalid(ends[0], "StartCreationTime and EndCreationTime go together.")
        if ends:
            since, until = (moment(request[tag], tag) for tag in ends)
            if since > until:
                raise invalid("StartCreationTime", "The range starts after its end.")
            where.append("created >= ? AND created <= ?")
            args.extend((since, until))
            sql = "UPDATE accounts SET messages_read_to = MAX(messages_read_to, ?) WHERE account_id = ?"
            self.store.run(sql, min(until, clock.epoch()), account["account_id"])
        elif not (request.get("ItemID") or request.get("MemberMessageID")):
            raise invalid("StartCreationTime", "Give a creation time range, an ItemID or a MemberMessageID.")
        return " AND ".join(where), args

    def exchange(self, row: sqlite3.Row, account: sqlite3.Row) -> str:
        doc, node = loads(row["doc"]), etree.Element("MemberMessageExchange")
        item = sub(node, "Item")
        sub(item, "ItemID", row["item_id"])
        sub(item, "Title", doc["title"])
        question = sub(node, "Question")
        sub(question, "MessageType", row["kind"])
        sub(question, "QuestionType", "Shipping" if row["order_id"] else "General")
        sub(question, "DisplayToPublic", "false")
        sub(question, "SenderID", row["sender"])
        sub(question, "SenderEmail", f"{row['message_id']}@members.ebay.com")
        sub(question, "RecipientID", account["user_id"])
        sub(question, "Subject", doc["subject"])
        sub(question, "Body", doc["body"])
        sub(question, "MessageID", row["message_id"])
        answers = loads(row["answers"])
        for answer in answers:
            sub(node, "Response", answer["body"])
        sub(node, "MessageStatus", row["status"])
        sub(node, "CreationDate", stamp(row["created"]))
        sub(node, "LastModifiedDate", answers[-1]["at"] if answers else stamp(row["created"]))
        render(node, doc.get("media", []))
        return fragment(node)

    # -- AddMemberMessageRTQ ---------------------------------------------------------------------------------------

    def reply(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        given = request.get("MemberMessage") or {}
        parent, recipients, body = given.get("ParentMessageID"), given.get("RecipientID") or [], given.get("Body") or ""
        row = self.find(account, parent or "")
        if not parent or row is None:
            raise invalid("ParentMessageID", "It is not a question to this seller.")
        if recipients != [row["sender"]]:
            raise invalid("RecipientID", "It must be the sender of the parent message.")
        if request.get("ItemID") not in (None, "", row["item_id"]):
            raise invalid("ItemID", "The parent message is about another item.")
        for tag in ("DisplayToPublic", "EmailCopyToSender"):
            if tag in given:
                boolean(given[tag], tag)
        if not body or len(body) > MOST_BODY:
            raise invalid("Body", f"1 to {MOST_BODY} characters of plain text.")
        if any(mark in body.lower() for mark in ("<html", "<body", "<br", "<p>", "<div", "<script", "<a ")):
            raise invalid("Body", "HTML is not allowed.")
        media = self._given_media(given.get("MessageMedia") or [])
        answers = loads(row["answers"])
        answers.append({"body": body, "at": clock.iso(millis=True), "id": self.numbers.message_id(), "media": media})
        sql = "UPDATE messages SET answers = ?, answer_calls = answer_calls + 1, status = 'Answered' WHERE seq = ?"
        self.store.run(sql, dumps(answers), row["seq"])
        return ""

    def _given_media(self, given: list[dict[str, Any]]) -> list[dict[str, str]]:
        """Only pictures that stand at EPS, and at most five. Raises error 37."""
        if len(given) > MOST_OF_A_MESSAGE:
            raise invalid("MessageMedia", f"At most {MOST_OF_A_MESSAGE} pictures.")
        for one in given:
            if not self.pictures.known(one.get("MediaURL") or ""):
                raise invalid("MediaURL", "There is no such picture at eBay Picture Services.")
        return [{"name": one.get("MediaName") or "", "url": one["MediaURL"]} for one in given]

    def find(self, account: sqlite3.Row, message_id: str) -> sqlite3.Row | None:
        sql = "SELECT * FROM messages WHERE account_id = ? AND message_id = ? AND visible <= ?"
        return self.store.one(sql, account["account_id"], message_id, clock.epoch())

    # -- GetMyMessages ---------------------------------------------------------------------------------------------

    def mine(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        """Headers, or up to ten bodies. Its MessageID is another number; ExternalMessageID is the one above."""
        level = (request.get("DetailLevel") or [""])[0]
        if level not in ("ReturnHeaders", "ReturnMessages", "ReturnSummary"):
            raise invalid("DetailLevel")
        where, args = ["account_id = ?", "visible <= ?"], [account["account_id"], clock.epoch()]
        own = (request.get("MessageIDs") or {}).get("MessageID", [])
        external = (request.get("ExternalMessageIDs") or {}).get("ExternalMessageID", [])
        if len(own) + len(external) > 10 or (level == "ReturnMessages" and not own + external):
            raise invalid("MessageIDs", "Give one to ten ids.")
        if own or external:
            marks = ",".join("?" * len(own + external))
            where.append(f"message_id IN ({marks})")
            args.extend([value.removeprefix("9") for value in own] + external)
        for tag, sign in (("StartTime", ">="), ("EndTime", "<=")):
            if request.get(tag):
                where.append(f"created {sign} ?")
                args.append(moment(request[tag], tag))
        per_page, page = pagination(request.get("Pagination") or {}, default=200, most=200)
        condition = " AND ".join(where)
        if level == "ReturnSummary":
            found = self.store.one(f"SELECT COUNT(*) AS n FROM messages WHERE {condition}", *args)
            assert found is not None
            summary = etree.Element("Summary")
            sub(summary, "TotalMessageCount", found["n"])
            return fragment(summary)
        sql = f"SELECT * FROM messages WHERE {condition} ORDER BY created DESC, seq DESC LIMIT ? OFFSET ?"
        rows = self.store.all(sql, *args, per_page, (page - 1) * per_page)
        texts = [self._my_message(row, account, level == "ReturnMessages") for row in rows]
        return f"<Messages>{''.join(texts)}</Messages>"

    def _my_message(self, row: sqlite3.Row, account: sqlite3.Row, full: bool) -> str:
        doc, node = loads(row["doc"]), etree.Element("Message")
        sub(node, "Sender", row["sender"])
        sub(node, "RecipientUserID", account["user_id"])
        sub(node, "Subject", doc["subject"])
        sub(node, "MessageID", f"9{row['message_id']}")
        sub(node, "ExternalMessageID", row["message_id"])
        sub(node, "Flagged", "false")
        sub(node, "Read", "false")
        sub(node, "ReceiveDate", stamp(row["created"]))
        sub(node, "ItemID", row["item_id"])
        sub(node, "Replied", "true" if row["status"] == "Answered" else "false")
        if full:
            render(node, doc.get("media", []))
            sub(node, "Text", f"<html><body><p>{escape(doc['body'])}</p></body></html>")
        return fragment(node)
