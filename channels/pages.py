"""Lists of accounts and of dead letters, and what channels register with the shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels import outs, permissions, queries, queries_page
from channels.tables import AccountTable, LetterTable
from core.errors import BusinessError
from core.permissions import Actor
from core.ui import desk, lists, menu
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.words import say


class AccountsList(lists.ListPage):
    """Accounts are few: all of them on one page, the sick ones first."""

    name = "accounts"
    title = _("Channels")
    search = _("Name or seller id")
    table = AccountTable
    default_tab = "all"
    actions_template = "channels/_list_actions.html"
    export = permissions.EXPORT

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        first = (
            Tab("all", _("All")),
            Tab("sick", _("Need you"), tone="red"),
            Tab("paused", _("Paused"), hide_empty=True),
            Tab("gone", _("Disconnected"), hide_empty=True),
        )
        return lists.counted(first, queries_page.counts(actor))

    def rows(self, actor: Actor, state: State) -> Rows:
        wanted = {"sick": queries_page.SICK, "paused": ("paused",), "gone": ("gone",)}.get(state.tab)
        text = state.text.casefold()
        found = [
            one
            for one in queries.account_health(actor)
            if (one.health in wanted if wanted is not None else one.health != "gone")
            and (not text or text in one.name.casefold() or text in one.external_id.casefold())
        ]
        found.sort(key=lambda one: one.health not in queries_page.SICK)
        due = queries_page.turns([one.id for one in found])
        return Rows(
            [
                {
                    "id": one.id,
                    "health": one,
                    "href": reverse("channels:account", args=[one.id]),
                    "todo": desk.advice(one.code, f"todo.health.{one.health}") if one.health != "ok" else "",
                    "next": _next(one.id, due),
                }
                for one in found
            ]
        )

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return str(row["href"])

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return outs.ACCOUNTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed or state.tab != "all":
            return Empty(_("No account here."), _("Show all accounts"), "?tab=all")
        if not actor.can(permissions.CONNECT):
            return Empty(_("No marketplace account is connected yet. An owner or manager can connect one."))
        return Empty(
            _("Connect a marketplace account: its orders and messages then come in by themselves."),
            _("Connect an account"),
            reverse("channels:connect"),
        )


def _next(account_id: int, due: Mapping[tuple[int, str], queries_page.Turn]) -> Any:
    turn = due.get((account_id, "orders"))
    return None if turn is None or turn.paused else turn.due_at


PIECE, MOST_PIECES = 500, 20  # letters looked through at most when the desk is searched: ten thousand


def _account_choices(actor: Actor) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in queries.accounts(actor).values_list("pk", "name")]


def _holds(letter: desk.Letter, text: str) -> bool:
    """Whether a letter's name, id, account or cause (also as it is said) holds the text."""
    if not text:
        return True
    said = say(letter.code, letter.params) if letter.code else ""
    return any(text in part.casefold() for part in (letter.what, letter.label, letter.place, letter.code, said))


class Desk(lists.ListPage):
    """One list over everything that gave up; a tab for each kind."""

    name = "deadletters"
    title = _("Dead letters")
    search = _("Id, cause, account")
    table = LetterTable
    export = permissions.EXPORT

    def __init__(self, actor: Actor) -> None:
        self._sources = {one.key: one for one in desk.sources(actor)}
        self._counts = {key: one.count(actor) for key, one in self._sources.items()}

    def source(self, state: State) -> desk.Source:
        """Raises BusinessError ``deadletter.not_found`` for a kind that is not there for this person."""
        try:
            return self._sources[state.tab]
        except KeyError:
            raise BusinessError("deadletter.not_found") from None

    def state(self, given: Any, size: str = "") -> State:
        """Without a tab in the address the first one that holds something."""
        made = super().state(given, size)
        if made.tab:
            return made
        full = next((key for key, count in self._counts.items() if count), next(iter(self._sources), ""))
        return replace(made, tab=full)

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        return [Tab(key, one.label, self._counts[key], tone="red") for key, one in self._sources.items()]

    def rows(self, actor: Actor, state: State) -> Rows:
        source = self.source(state)
        before = int(state.after) if state.after.isdecimal() and len(state.after) < 19 else None
        found = self._found(actor, state, before, state.size + 1)
        rows = [queries_page.as_row(one, source.advice) for one in found[: state.size]]
        return Rows(rows, next=str(found[state.size - 1].id) if len(found) > state.size else "")

    def filters(self) -> Sequence[lists.Filter]:
        return (
            lists.Filter("account", _("Account"), _account_choices),
            lists.Filter("cause", _("Cause"), queries_page.causes),
        )

    def _found(self, actor: Actor, state: State, before: int | None, limit: int) -> list[desk.Letter]:
        """Letters that the search and the filters leave. Sources know neither, so they are read in pieces: letters are few."""
        source = self.source(state)
        if not state.narrowed:
            return list(source.page(actor, before, limit))
        names = {str(pk): name for pk, name in queries.accounts(actor).values_list("pk", "name")}
        places = {names.get(pk, "") for pk in state.chosen.get("account", ())}
        causes, text = set(state.chosen.get("cause", ())), state.text.strip().casefold()
        kept: list[desk.Letter] = []
        for _piece in range(MOST_PIECES):
            found = source.page(actor, before, PIECE)
            for one in found:
                if (not places or one.place in places) and (not causes or one.code in causes) and _holds(one, text):
                    kept.append(one)
            if len(found) < PIECE or len(kept) >= limit:
                break
            before = found[-1].id
        return kept[:limit]

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return str(row["href"])

    def bulk(self) -> Sequence[Bulk]:
        return (
            Bulk("retry", _("Try again"), "refresh", "channels:desk_retry", permissions.LETTERS, primary=True),
            Bulk(
                "drop",
                _("Drop"),
                "trash",
                "channels:desk_drop",
                permissions.LETTERS,
                danger=True,
                template="channels/_ask_drop.html",
            ),
        )

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return outs.LETTERS

    def ids(self, actor: Actor, state: State) -> list[int]:
        return [one.id for one in self._found(actor, state, None, lists.ALL_LIMIT)]

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("No dead letter fits."), _("Show all of this tab"), f"?tab={state.tab}")
        return Empty(_("Nothing lies here: everything that came in was read, and everything we had to tell was taken."))


def register() -> None:
    """Called when the app is ready."""
    from channels import desk as letters

    letters.register()
    lists.register("accounts", lambda actor: AccountsList(), url="channels:accounts", operation=permissions.VIEW)
    lists.register("deadletters", Desk, url="channels:deadletters", operation=permissions.LETTERS)
    menu.register(menu.Entry("channels", _("Channels"), "plug", "channels:accounts", 110, permissions.VIEW, _sick))
    menu.register(
        menu.Entry(
            "deadletters", _("Dead letters"), "mail-x", "channels:deadletters", 112, permissions.LETTERS, desk.waiting
        )
    )


def _sick(actor: Actor) -> int:
    return queries.accounts(actor).filter(health__in=queries_page.SICK).count()
