"""What holds whatever people, citizens, tickers and facts do to a ticket, in any order."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.errors import Invalid
from hotline.promises import renew
from hotline.roles import Role
from hotline.working_days import VN, DayNotice, NoticeKind, local_date
from services.respond.access import VIEWS
from services.respond.clocks import clocks
from services.respond.steps import next_attention_at, steps_due
from services.respond.ticket import ENDED, SYSTEM, Action, Party, Status, Ticket
from services.respond.transitions import TRANSITIONS
from services.respond.workflow import NotAllowed, allowed, apply
from tests.respond.builders import (
    CALENDAR,
    HEAD,
    INSPECTOR,
    LEAD,
    OPERATOR,
    PAUSING,
    POLICY,
    SCREENER,
    STAFF,
    STRANGER,
    TRIAGE,
    actor,
    attend,
    inputs_for,
    new_ticket,
    session,
)

pytestmark = pytest.mark.slow

ACTORS = [
    TRIAGE,
    TRIAGE,
    STAFF,
    HEAD,
    HEAD,
    OPERATOR,
    INSPECTOR,
    SCREENER,
    SYSTEM,
    actor(Party.CITIZEN),
    actor(Party.COORDINATOR),
    actor(Party.ADMIN),
    actor(Party.AGENCY_HEAD, agency_id=STRANGER),
]
STEPPED = {Action.WARN, Action.BREACH, Action.ESCALATE}
BY_TICKER = "ticker"

# Most moves carry the work on, or no random story would ever get as far as an answer; some try what may be forbidden.
ONWARD = [
    (Action.ASSIGN, TRIAGE),
    (Action.START, STAFF),
    (Action.ASK_CITIZEN, STAFF),
    (Action.ADD, actor(Party.CITIZEN)),
    (Action.DRAFT, STAFF),
    (Action.SIGN, HEAD),
    (Action.TELL, SYSTEM),
    (Action.REQUEST_REOPEN, actor(Party.CITIZEN)),
    (Action.REOPEN, SYSTEM),
    (Action.CONFIRM_RESTRICTED, SCREENER),
    (Action.RETURN_TO_DESK, SCREENER),
    (Action.RESTORE, TRIAGE),
    (BY_TICKER, SYSTEM),
]
gaps = st.sampled_from([timedelta(minutes=7), timedelta(hours=5), timedelta(days=1), timedelta(days=4)])
attempts = st.tuples(
    st.just(False), st.sampled_from([a for a in Action if a not in STEPPED]), st.sampled_from(ACTORS), gaps
)
onward = st.tuples(st.just(True), st.integers(0, len(ONWARD) - 1), st.none(), gaps)
moves = st.one_of(onward, onward, onward, attempts)
starts = st.datetimes(datetime(2026, 1, 5), datetime(2026, 10, 1), timezones=st.just(VN))  # noqa: DTZ001
stories = st.lists(moves, min_size=15, max_size=40)


def renewed(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """Renew the promise on a calendar that closes today's offices."""
    closed = CALENDAR.with_notice(DayNotice(on=local_date(now), kind=NoticeKind.NGHI_DIA_PHUONG, source="bão"))
    return {"promise": renew(ticket.promise, ticket.promises[-1].started_at, POLICY, closed)}


def lived(received_at: datetime, story: Sequence[Any], *, pausing: bool) -> list[tuple[datetime, Ticket]]:
    """Return every state of a ticket to which people tried to do all this; what is not allowed does not
    happen."""
    now, ticket = received_at, new_ticket(received_at, PAUSING if pausing else POLICY)
    states = [(now, ticket)]
    for is_onward, choice, by, later in story:
        now += later
        action, who = onward_move(ticket, choice, now) if is_onward else (choice, by)
        try:
            if action == BY_TICKER:
                ticket = attend(ticket, now)
            else:
                given = renewed(ticket, now) if action == Action.RENEW else inputs_for(action, now)
                ticket = apply(ticket, action, who, now, **given)
        except (NotAllowed, Invalid):
            continue
        states.append((now, ticket))
    return states


def onward_move(ticket: Ticket, choice: int, now: datetime) -> tuple[Any, Any]:
    """Return one of the moves that carry this ticket on now, the ticker's where there is no other."""
    possible = [(a, who) for a, who in ONWARD if a == BY_TICKER or a in allowed(ticket, who, now)]
    return possible[choice % len(possible)]


def is_start_of(before: Sequence[object], after: Sequence[object]) -> bool:
    """Say whether nothing of the earlier sequence was changed or lost."""
    return list(after[: len(before)]) == list(before)


@settings(max_examples=80)
@given(starts, stories, st.booleans())
def test_the_record_only_grows_and_no_promise_moves_earlier(
    received_at: datetime, story: list[Any], pausing: bool
) -> None:
    states = lived(received_at, story, pausing=pausing)
    for (_, before), (_, after) in itertools.pairwise(states):
        assert is_start_of(before.history, after.history)
        assert is_start_of(before.breaches, after.breaches)
        assert is_start_of([a.number for a in before.answers], [a.number for a in after.answers])
        assert is_start_of([t.assigned_at for t in before.assignments], [t.assigned_at for t in after.assignments])
        for old, new in zip(before.promises, after.promises, strict=False):
            assert new.promise.response_due_at >= old.promise.response_due_at
            assert new.promise.acknowledgement_due_at >= old.promise.acknowledgement_due_at


@settings(max_examples=80)
@given(starts, stories, st.booleans())
def test_the_history_tells_how_the_ticket_got_where_it_stands(
    received_at: datetime, story: list[Any], pausing: bool
) -> None:
    ticket = lived(received_at, story, pausing=pausing)[-1][1]
    statuses = [Status.RECEIVED, *(entry.after for entry in ticket.history)]
    assert [entry.before for entry in ticket.history] == statuses[:-1]
    assert ticket.status == statuses[-1]
    assert (ticket.status == Status.AWAITING_CITIZEN) == (ticket.question is not None)
    assert all(turn.ended_at is not None for turn in ticket.assignments[:-1])
    assert len(ticket.promises) == 1 + ticket.times_reopened <= 1 + POLICY.reopen_limit


@settings(max_examples=80)
@given(starts, stories, st.booleans())
def test_every_step_is_taken_once_and_the_ticker_comes_to_rest(
    received_at: datetime, story: list[Any], pausing: bool
) -> None:
    now, ticket = lived(received_at, story, pausing=pausing)[-1]
    ticket = attend(ticket, now)
    for _ in range(60):
        if (attention_at := next_attention_at(ticket, now, CALENDAR)) is None:
            break
        now = max(now, attention_at)
        assert steps_due(ticket, now, CALENDAR)
        ticket = attend(ticket, now)
    taken = [entry.subject for entry in ticket.history if entry.action in STEPPED]
    assert len(taken) == len(set(taken))
    assert next_attention_at(ticket, now, CALENDAR) is None


@settings(max_examples=50)
@given(starts, stories, st.booleans())
def test_a_breach_on_the_register_was_really_late(received_at: datetime, story: list[Any], pausing: bool) -> None:
    now, ticket = lived(received_at, story, pausing=pausing)[-1]
    for breach in attend(ticket, now).breaches:
        assert breach.detected_at > breach.due_at
    for clock in clocks(ticket, now, CALENDAR):
        assert clock.started_at < clock.due_at
        assert clock.late_by(now) >= timedelta(0)
        assert not (clock.is_void and clock.stopped_at is None)


@settings(max_examples=50)
@given(starts, stories, st.booleans())
def test_a_restricted_ticket_is_seen_by_screeners_and_inspectors_alone(
    received_at: datetime, story: list[Any], pausing: bool
) -> None:
    others = [Role.OPERATOR, Role.TRIAGE_OFFICER, Role.AGENCY_STAFF, Role.AGENCY_HEAD, Role.COORDINATOR, Role.ADMIN]
    for _, ticket in lived(received_at, story, pausing=pausing):
        if ticket.restricted:
            assert ticket.route is None
            assert not any(view(session(role, agency_id=LEAD), ticket) for view in VIEWS for role in others)
            assert ticket.status not in {Status.ASSIGNED, Status.IN_PROGRESS, Status.WITHDRAWN}


@settings(max_examples=50)
@given(starts, stories, st.booleans())
def test_every_button_shown_works(received_at: datetime, story: list[Any], pausing: bool) -> None:
    now, ticket = lived(received_at, story, pausing=pausing)[-1]
    for who in ACTORS:
        for action in allowed(ticket, who, now):
            if action not in STEPPED and not (who is SYSTEM and action in {Action.RESUME, Action.CLOSE}):
                assert apply(ticket, action, who, now, **inputs_for(action, now)).history[-1].action == action


@settings(max_examples=50)
@given(starts, stories, st.booleans())
def test_a_stored_ticket_reads_back_as_it_was(received_at: datetime, story: list[Any], pausing: bool) -> None:
    ticket = lived(received_at, story, pausing=pausing)[-1][1]
    stored = msgspec.json.encode(ticket)
    assert msgspec.json.encode(msgspec.json.decode(stored, type=Ticket)) == stored


def test_no_row_leads_out_of_an_ending_but_restoring_restricting_and_a_carried_answer() -> None:
    leaving = {r.action for r in TRANSITIONS if r.before & ENDED and r.after is not None and r.after not in ENDED}
    assert leaving == {Action.RESTORE, Action.RESTRICT, Action.CARRY_ANSWER}
