"""Waiting for the citizen: what a pause buys, and that it never buys more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hotline.working_days import VN, local_date
from services.respond.clocks import pauses
from services.respond.ticket import Action, Party, Status
from tests.respond.builders import (
    PAUSING,
    STAFF,
    actor,
    at,
    attend,
    breached,
    feedback,
    happen,
    in_progress,
    new_ticket,
    receive,
    response,
)

CITIZEN = actor(Party.CITIZEN)


def test_waiting_for_the_citizen_does_not_stop_the_citizens_clock_unless_the_policy_says_so() -> None:
    waiting = happen(in_progress(new_ticket()), [(Action.ASK_CITIZEN, STAFF, "2026-11-19 09:00")])
    assert not response(waiting).is_paused
    assert response(waiting, "2026-11-28 00:00").is_late(at("2026-11-28 00:00"))


def test_a_pause_over_a_weekend_buys_one_working_day_not_three() -> None:
    """GLPI and Frappe add the pause as wall time to a working calendar."""
    asked = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    went_on = happen(asked, [(Action.ADD, CITIZEN, "2026-11-23 09:00")])
    assert local_date(response(went_on).due_at) == date(2026, 11, 30)
    assert local_date(response(in_progress(new_ticket(policy=PAUSING))).due_at) == date(2026, 11, 27)


def test_a_question_in_the_evening_answered_that_night_buys_nothing() -> None:
    asked = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    went_on = happen(asked, [(Action.ADD, CITIZEN, "2026-11-20 21:00")])
    assert local_date(response(went_on).due_at) == date(2026, 11, 27)


def test_while_the_pause_shows_the_clock_really_stands_still() -> None:
    """Frappe and osTicket show "waiting" and let the clock run."""
    waiting = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    now = "2026-12-02 09:00"
    assert response(waiting, now).is_paused
    assert not response(waiting, now).is_late(at(now))
    assert "response" not in [kind for kind, _, _ in breached(attend(waiting, now))]


def test_a_wait_is_no_longer_than_the_policys_limit() -> None:
    policy = replace(PAUSING, pause_limit_working_days=3)
    waiting = happen(in_progress(new_ticket(policy=policy)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    after = attend(waiting, "2026-11-27 08:00")
    assert after.status == Status.IN_PROGRESS
    assert local_date(response(after, "2026-11-30 08:00").due_at) == date(2026, 12, 2)


def test_a_question_asked_when_the_answer_is_late_already_buys_nothing() -> None:
    late = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-30 09:00")])
    went_on = happen(late, [(Action.ADD, CITIZEN, "2026-12-04 09:00")])
    assert {local_date(response(ticket).due_at) for ticket in (late, went_on)} == {date(2026, 11, 27)}
    assert response(late, "2026-12-01 09:00").is_late(at("2026-12-01 09:00"))


def test_a_citizen_who_cannot_be_reached_never_pauses_a_clock() -> None:
    ticket = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    unreachable = receive(ticket, feedback(reachable_by=()), seq=1)
    assert pauses(unreachable) == ()
    assert not response(unreachable, "2026-12-02 09:00").is_paused


def test_pauses_are_read_off_the_history_each_time() -> None:
    ticket = in_progress(new_ticket(policy=PAUSING))
    for day in ("19", "23"):
        ticket = happen(ticket, [(Action.ASK_CITIZEN, STAFF, f"2026-11-{day} 09:00")])
        ticket = happen(ticket, [(Action.ADD, CITIZEN, f"2026-11-{int(day) + 1} 09:00")])
    assert [p.started_at for p in pauses(ticket)] == [at("2026-11-19 09:00"), at("2026-11-23 09:00")]
    # From Thursday to Friday is one working day; from Monday to the holiday of 24/11 none.
    assert local_date(response(ticket).due_at) == date(2026, 11, 30)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.lists(st.integers(1, 60), max_size=4))
def test_a_pause_never_makes_an_answer_due_earlier(received_at: datetime, hours: list[int]) -> None:
    now = received_at.astimezone(VN).replace(second=0, microsecond=0)
    ticket = in_progress(new_ticket(now, PAUSING), now.strftime("%Y-%m-%d %H:%M"))
    due = [ticket.promise.response_due_at]
    for index, hour in enumerate(hours):
        now += timedelta(hours=hour)
        action, who = (Action.ASK_CITIZEN, STAFF) if index % 2 == 0 else (Action.ADD, CITIZEN)
        ticket = happen(ticket, [(action, who, now.strftime("%Y-%m-%d %H:%M"))])
        due.append(response(ticket, now.strftime("%Y-%m-%d %H:%M")).due_at)
    assert due == sorted(due)
