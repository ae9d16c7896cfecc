"""Since when a buyer waits: the pure rule, and the SQL that keeps it, over random lives of a conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.models import Account
from core import clock
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from crm.services import deadlines
from crm.waiting import IN, NOTE, OUT, SENT, Said, answer_by, waiting_since

T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("messages", "since"),
    [
        ([], None),
        ([Said(1, IN, at(0)), Said(2, IN, at(5))], at(0)),
        ([Said(1, IN, at(0)), Said(2, IN, at(5)), Said(3, OUT, at(6), SENT, 2)], None),
        # queued or failed is not answered
        ([Said(1, IN, at(0)), Said(2, OUT, at(6), "queued", 1)], at(0)),
        ([Said(1, IN, at(0)), Said(2, OUT, at(6), "failed", 1)], at(0)),
        # an incoming message after an answer starts it anew
        ([Said(1, IN, at(0)), Said(2, OUT, at(6), SENT, 1), Said(3, IN, at(9))], at(9)),
        # sent before the answer, but it came in only after the answer was written
        ([Said(1, IN, at(0)), Said(2, OUT, at(6), SENT, 1), Said(3, IN, at(-4))], at(-4)),
        # it arrived while the answer to the one before was being written
        ([Said(1, IN, at(0)), Said(2, IN, at(5)), Said(3, OUT, at(6), SENT, 1)], at(5)),
        ([Said(1, IN, at(0), "elsewhere"), Said(2, IN, at(5), "dismissed")], None),
        ([Said(1, NOTE, at(0))], None),
    ],
)
def test_examples(messages: list[Said], since: datetime | None) -> None:
    assert waiting_since(messages) == since
    assert answer_by(since, 24) == (since + timedelta(hours=24) if since else None)


@st.composite
def lives(draw: st.DrawFn) -> list[Said]:
    """Messages in the order of storing; times in any order."""
    out: list[Said] = []
    for pk in range(1, draw(st.integers(1, 9)) + 1):
        asked = [said.id for said in out if said.direction == IN]
        direction = draw(st.sampled_from([IN, IN, OUT, NOTE] if asked else [IN, NOTE]))
        state, parent = "", None
        if direction == OUT:
            state, parent = (
                draw(st.sampled_from([SENT, SENT, "queued", "unknown", "failed"])),
                draw(st.sampled_from(asked)),
            )
        elif direction == IN:
            state = draw(st.sampled_from(["", "", "", "elsewhere", "dismissed"]))
        out.append(Said(pk, direction, at(draw(st.integers(0, 6))), state, parent))
    return out


@given(lives())
def test_an_answer_never_makes_anybody_wait_longer_and_a_question_never_shorter(life: list[Said]) -> None:
    last = life[-1]
    before, after = waiting_since(life[:-1]), waiting_since(life)
    if last.direction == OUT:
        assert after is None or before is not None and after >= before
    elif last.direction == IN and not last.state:
        assert after == min(filter(None, [before, last.at]))
    else:
        assert after == before


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives(), closed=st.booleans())
def test_the_kept_clock_is_the_rule(acme: str, life: list[Said], closed: bool) -> None:
    with tenant_context(acme):
        Conversation.objects.all().delete()
        account, _ = Account.objects.get_or_create(
            platform="ebay", external_id="S1", defaults={"name": "s", "created_at": T0}
        )
        held = Conversation.objects.create(
            account=account, thread="t", last_at=T0, created_at=T0, state="closed" if closed else "open"
        )
        other = Conversation.objects.create(account=account, thread="u", last_at=T0, created_at=T0)
        keys: dict[int, int] = {}
        for said in life:
            keys[said.id] = Message.objects.create(
                conversation=held,
                account=account,
                direction=said.direction,
                external_id=f"m{said.id}" if said.direction == IN else None,
                parent_external_id=f"m{said.parent}" if said.parent else "",
                body="x",
                at=said.at,
                state=said.state,
                next_at=clock.now() if said.state in Message.UNDER_WAY else None,
            ).pk
        deadlines.recompute([held.pk, other.pk], 24)
        held.refresh_from_db()
        since = waiting_since(life)
        assert (held.waiting_since, held.answer_by) == (since, answer_by(since, 24))
        assert held.state == ("open" if since else "closed" if closed else "answered")
        assert held.messages_count == sum(1 for said in life if said.direction != NOTE)
        other.refresh_from_db()
        assert (other.waiting_since, other.messages_count, other.last_at) == (None, 0, T0)
