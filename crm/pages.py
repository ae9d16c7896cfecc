"""The inbox in the grammar of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import desk, lists
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from crm import palette, permissions, queries, queries_page
from crm.outs import OUTS
from crm.services import answers
from crm.tables import ConversationTable

TABS = (
    Tab("open", _("Waiting")),
    Tab("overdue", _("Overdue"), tone="red"),
    Tab("near", _("Due soon"), tone="amber", hide_empty=True),
    Tab("mine", _("Mine")),
    Tab("unassigned", _("Nobody's")),
    Tab("failed", _("Not sent"), tone="red", hide_empty=True),
    Tab("answered", _("Answered")),
    Tab("closed", _("Closed")),
    Tab("all", _("All")),
)


# What the order beside a conversation waits for; its page does it.
NEXT_ACTS = {
    "unmatched": _("Match its listing"),
    "address": _("Correct its address"),
    "held": _("Let it go"),
    "short": _("See what is missing"),
    "failed": _("Mend its booking"),
    "ready": _("Book it"),
    "booked": _("Weigh and hand over"),
    "packed": _("Hand it over"),
    "handed": _("See where it is"),
}


def filter_of(state: State) -> queries.Filter:
    return queries.Filter(
        tab=state.tab if state.tab in queries.TABS else "open",
        accounts=state.number("account"),
        platforms=state.chosen.get("platform", ()),
        text=state.text,
        assignees=state.number("assignee"),
        orders=state.chosen.get("order", ()),
    )


class InboxList(lists.ListPage):
    name = "inbox"
    title = _("Inbox")
    search = _("Order, buyer, subject")
    table = ConversationTable
    default_tab = "open"
    export = permissions.EXPORT
    actions_template = "crm/_list_actions.html"

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        counts = queries.counts(actor)
        return [Tab(tab.key, tab.label, counts.get(tab.key), tab.tone, tab.hide_empty) for tab in TABS]

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("account", _("Channel"), queries_page.accounts),
            Chip(
                "assignee",
                _("Assigned to"),
                lambda actor: [(str(pk), name) for pk, name in queries_page.colleagues(actor)],
            ),
            Chip(
                "order",
                _("Order"),
                lambda actor: [("with", gettext("with an order")), ("without", gettext("without an order"))],
            ),
        )

    def bulk(self) -> Sequence[Bulk]:
        return (
            Bulk("mine", _("Take over"), "user-check", "crm:bulk_take", permissions.ANSWER),
            Bulk("assign", _("Assign"), "user", "crm:bulk_assign", permissions.ANSWER, template="crm/_ask_assign.html"),
            Bulk("done", _("Needs no answer"), "archive", "crm:bulk_close", permissions.ANSWER),
        )

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries.ids(actor, filter_of(state), lists.ALL_LIMIT)

    def rows(self, actor: Actor, state: State) -> Rows:
        found = queries.inbox(actor, filter_of(state), after=state.after, limit=state.size)
        for row in found.rows:
            row["href"] = self.href(row, state)
        return Rows(found.rows, found.next)

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return f"{reverse('crm:show', args=[row['id']])}?{state.query()}"

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.tab == "open" and not state.narrowed:
            return Empty(_("Nobody waits for an answer. Buyers' messages of all accounts come in here by themselves."))
        if state.tab == "unassigned" and not state.narrowed:
            return Empty(_("Every conversation that waits has somebody."))
        return Empty(_("No conversation here."), _("Show those that wait"), "?tab=open")


def _retry(actor: Actor, ids: Sequence[int]) -> int:
    for pk in ids:
        answers.retry(actor=actor, message_id=pk)
    return len(ids)


def register() -> None:
    """Called when the app is ready: answers that could not be sent lie on the dead-letter desk."""
    palette.register()
    lists.register("inbox", lambda actor: InboxList(), url="crm:index", operation=permissions.VIEW)
    desk.register(
        desk.Source(
            key="message",
            label=_("Answer not sent"),
            position=50,
            operation=permissions.ANSWER,
            advice="todo.letter.message",
            count=lambda actor: queries_page.unsent_count(actor),
            page=queries_page.unsent,
            retry=_retry,
        )
    )
