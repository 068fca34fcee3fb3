"""The clocks of a ticket; most tests are named for a defect that other complaint systems shipped."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hotline.facts import Channel, FollowUpKind
from hotline.promises import load_policies, renew
from hotline.working_days import VN, DayNotice, NoticeKind, local_date
from services.respond.clocks import DESK, SCREENER, OnTime, clocks, on_time
from services.respond.ticket import Action, ClockKind, Party
from tests.respond.builders import (
    CALENDAR,
    LEAD,
    OPERATOR,
    OTHER_ROUTE,
    POLICY,
    PROMISED,
    RECEIVED_AT,
    STAFF,
    STRANGER,
    TRIAGE,
    actor,
    answered,
    assigned,
    at,
    attend,
    breached,
    classification,
    classify,
    clock,
    feedback,
    follow_up,
    happen,
    in_progress,
    new_ticket,
    receive,
    response,
    restricted_ticket,
)
from tests.respond.builders import (
    SCREENER as SCREENING_OFFICER,
)

CITIZEN = actor(Party.CITIZEN)


def test_a_holiday_is_no_breach() -> None:
    """24/11/2026 is a day off: received on 18/11, the answer is due on 27/11, not on 26/11."""
    ticket = attend(in_progress(new_ticket()), "2026-11-26 23:59")
    assert ("response", 1, LEAD) not in breached(ticket)
    assert ("response", 1, LEAD) in breached(attend(ticket, "2026-11-28 00:00"))


@pytest.mark.parametrize("received_at", ["2026-11-22T01:00:00+00:00", "2026-11-21T18:30:00+00:00"])
def test_the_time_zone_is_kept_when_the_start_falls_on_a_weekend(received_at: str) -> None:
    ticket = new_ticket(datetime.fromisoformat(received_at))
    assert response(ticket).due_at == datetime(2026, 12, 1, 16, 59, 59, tzinfo=UTC)


def test_a_make_up_saturday_counts_and_may_be_the_last_day() -> None:
    ticket = new_ticket(at("2025-12-31 08:00"))
    assert response(ticket).due_at.astimezone(VN).date() == date(2026, 1, 10)


def test_received_at_23_59_on_the_last_evening_before_tet() -> None:
    ticket = new_ticket(at("2026-02-16 23:59"))
    assert response(ticket).due_at.astimezone(VN).date() == date(2026, 3, 2)
    assert clock(ticket, ClockKind.ACKNOWLEDGEMENT).due_at == at("2026-02-17 23:59")


def test_one_clock_does_not_hide_another() -> None:
    """Zammad's second clock overrode the first."""
    ticket = attend(assigned(new_ticket()), "2026-11-28 00:00")
    assert breached(ticket) == [
        ("acknowledgement", 1, DESK),
        ("agency", 1, LEAD),
        ("response", 1, LEAD),
    ]


def test_every_kind_of_breach_is_really_found() -> None:
    """A release of Zammad hid all escalations: this is the canary, end to end."""
    found = {breach[0] for breach in breached(attend(assigned(new_ticket()), "2026-11-28 00:00"))}
    found |= {breach[0] for breach in breached(attend(restricted_ticket(), "2026-11-20 08:00"))}
    promised = answered(in_progress(new_ticket()), "2026-11-19 09:00", **PROMISED)
    found |= {breach[0] for breach in breached(attend(promised, "2026-12-16 08:00"))}
    assert found == set(ClockKind)


def test_the_clock_stops_when_the_agency_has_answered() -> None:
    ticket = happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-18 09:00")])
    ticket = answered(in_progress(ticket), "2026-11-26 16:00")
    assert response(ticket).stopped_at == at("2026-11-26 16:00")
    assert attend(ticket, "2026-12-10 08:00").breaches == ()


def test_a_late_answer_stays_late_once_given() -> None:
    """Chatwoot's list dropped a late first response as soon as it was answered."""
    ticket = answered(in_progress(new_ticket()), "2026-11-30 09:00")
    late = response(ticket, "2026-12-20 09:00")
    assert late.is_late(at("2026-12-20 09:00"))
    assert late.late_by(at("2026-12-20 09:00")) == at("2026-11-30 09:00") - at("2026-11-27 23:59:59")
    assert ("response", 1, LEAD) in breached(attend(ticket, "2026-12-20 09:00"))


def test_lateness_is_never_negative() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    assert response(ticket).late_by(at("2026-12-20 09:00")) == timedelta(0)


def test_an_answer_in_the_last_second_is_in_time() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-27 23:59:59")
    assert not response(ticket).is_late(at("2026-12-20 09:00"))


def test_a_late_acknowledgement_stays_on_the_register() -> None:
    ticket = happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-19 08:30")])
    assert breached(attend(ticket, "2026-11-19 09:00")) == [("acknowledgement", 1, DESK)]


def test_an_automatic_receipt_does_not_stop_the_acknowledgement_clock_but_an_answer_does() -> None:
    assert clock(assigned(new_ticket()), ClockKind.ACKNOWLEDGEMENT).stopped_at is None
    quick = answered(in_progress(new_ticket()), "2026-11-18 15:00")
    assert clock(quick, ClockKind.ACKNOWLEDGEMENT).stopped_at == at("2026-11-18 15:00")


@pytest.mark.parametrize(
    ("reachable_by", "channel", "is_reached"),
    [
        (("page",), Channel.HOTLINE, True),
        (("email", "phone"), Channel.HOTLINE, True),
        (("phone",), Channel.WEB, True),
        (("phone",), Channel.HOTLINE, False),
        ((), Channel.BOX, True),
    ],
)
def test_the_answer_counts_when_it_has_reached_the_citizen(
    reachable_by: tuple[str, ...], channel: Channel, is_reached: bool
) -> None:
    ticket = new_ticket(reachable_by=reachable_by, channel=channel)
    ticket = answered(in_progress(ticket), "2026-11-26 16:00")
    assert (response(ticket).stopped_at is not None) is is_reached


def test_with_a_phone_alone_the_clock_stops_when_a_person_told_the_answer() -> None:
    by_phone: dict[str, Any] = {"reachable_by": ("phone",), "channel": Channel.HOTLINE}
    ticket = answered(in_progress(new_ticket(**by_phone)), "2026-11-26 16:00")
    told = follow_up(FollowUpKind.ANSWER_TOLD, at("2026-11-30 10:00"), by="operator-7")
    ticket = receive(ticket, feedback(**by_phone, follow_ups=(told,)), seq=1)
    assert ticket.told_at == at("2026-11-30 10:00")
    assert response(ticket).stopped_at == at("2026-11-30 10:00")
    assert response(ticket).is_late(at("2026-12-20 09:00"))
    assert not clock(ticket, ClockKind.AGENCY).is_late(at("2026-12-20 09:00"))


def test_a_duplicate_is_not_overdue() -> None:
    """Austin counted 31 duplicates as overdue."""
    ticket = attend(new_ticket(), "2026-11-18 12:00")
    ticket = happen(ticket, [(Action.MARK_DUPLICATE, TRIAGE, "2026-12-07 09:00")])
    assert attend(ticket, "2026-12-20 09:00").breaches == ()
    assert on_time(clocks(ticket, at("2026-12-20 09:00"), CALENDAR), at("2026-12-20 09:00")).rate is None


@pytest.mark.parametrize("action", [Action.REFUSE, Action.REDIRECT, Action.MARK_DUPLICATE])
def test_what_ended_in_time_raises_no_alarm(action: Action) -> None:
    ticket = happen(new_ticket(), [(action, TRIAGE, "2026-11-18 12:00")])
    assert attend(ticket, "2027-01-20 09:00") == ticket


def test_refusing_late_does_not_undo_the_missed_promise() -> None:
    ticket = happen(new_ticket(), [(Action.REFUSE, TRIAGE, "2026-12-07 09:00")])
    assert ("response", 1, DESK) in breached(attend(ticket, "2026-12-08 09:00"))


def test_a_restored_ticket_runs_on_from_its_receipt() -> None:
    ticket = happen(new_ticket(), [(Action.MARK_DUPLICATE, TRIAGE, "2026-11-18 12:00")])
    ticket = happen(ticket, [(Action.RESTORE, TRIAGE, "2026-11-30 12:00")])
    assert response(ticket).stopped_at is None
    assert response(ticket, "2026-11-30 12:00").is_late(at("2026-11-30 12:00"))


def test_a_word_of_the_citizen_resets_nothing() -> None:
    """DIGIT's comment by the citizen reset the escalation."""
    ticket = in_progress(new_ticket())
    before = response(ticket)
    ticket = happen(ticket, [(Action.ADD, CITIZEN, "2026-11-27 20:00")])
    assert response(ticket) == before


def test_a_ticket_nobody_has_taken_escalates_too() -> None:
    """DIGIT never escalated what was assigned to nobody."""
    ticket = attend(new_ticket(), "2026-12-02 09:00")
    assert ("response", 1, DESK) in breached(ticket)
    assert Action.ESCALATE in [entry.action for entry in ticket.history]


def test_passing_a_ticket_on_does_not_restart_the_citizens_clock() -> None:
    ticket = assigned(new_ticket())
    first = response(ticket).due_at
    for day in range(19, 27):
        ticket = happen(ticket, [(Action.DECLINE, STAFF, f"2026-11-{day} 09:00")])
        ticket = assigned(ticket, f"2026-11-{day} 10:00")
    assert response(ticket).due_at == first
    assert len(ticket.assignments) == 9


def test_each_agency_has_its_own_clock_and_the_one_handed_on_in_time_does_not_count() -> None:
    ticket = assigned(new_ticket())
    ticket = happen(ticket, [(Action.REASSIGN, TRIAGE, "2026-11-20 09:00")])
    first, second = (clock(ticket, ClockKind.AGENCY, number=n) for n in (1, 2))
    assert (first.owner, first.is_void, first.stopped_at) == (LEAD, True, at("2026-11-20 09:00"))
    assert (second.owner, second.is_void) == (STRANGER, False)
    assert local_date(second.due_at) == date(2026, 11, 30)


def test_a_breach_stays_with_the_agency_that_held_the_ticket_then() -> None:
    """Passed on after the due day, and seen only later: the breach is still the first agency's."""
    ticket = assigned(new_ticket())
    ticket = happen(ticket, [(Action.REASSIGN, TRIAGE, "2026-12-01 09:00")])
    assert ticket.route == OTHER_ROUTE
    assert breached(attend(ticket, "2026-12-01 10:00")) == [
        ("acknowledgement", 1, DESK),
        ("agency", 1, LEAD),
        ("response", 1, LEAD),
    ]


def test_a_change_of_policy_leaves_the_promise() -> None:
    """The policy lies on the ticket: a changed or deleted one is not looked up again."""
    ticket = in_progress(new_ticket())
    changed = receive(ticket, feedback(), seq=1, policy=load_policies().by_id("da-nang-1022"))
    assert changed.policy == POLICY
    assert response(changed).due_at == response(ticket).due_at


def test_a_late_calendar_notice_moves_the_promise_later_never_earlier() -> None:
    ticket = in_progress(new_ticket())
    closed, worked = (
        CALENDAR.with_notice(DayNotice(on=on, kind=kind, source="thử"))
        for on, kind in [(date(2026, 11, 23), NoticeKind.NGHI_HOAN_DOI), (date(2026, 11, 21), NoticeKind.LAM_BU)]
    )
    later = renew(ticket.promise, RECEIVED_AT, POLICY, closed)
    ticket = happen(ticket, [(Action.RENEW, actor(Party.SYSTEM), "2026-11-20 09:00")], promise=later)
    assert local_date(response(ticket).due_at) == date(2026, 11, 30)
    earlier = renew(later, RECEIVED_AT, POLICY, worked)
    ticket = happen(ticket, [(Action.RENEW, actor(Party.SYSTEM), "2026-11-20 10:00")], promise=earlier)
    assert local_date(response(ticket).due_at) == date(2026, 11, 30)


def test_no_renewal_however_computed_brings_a_promise_forward() -> None:
    ticket = in_progress(new_ticket())
    earlier = structs.replace(
        ticket.promise,
        response_due_at=at("2026-11-20 23:59:59"),
        acknowledgement_due_at=at("2026-11-18 09:00"),
    )
    renewed = happen(ticket, [(Action.RENEW, actor(Party.SYSTEM), "2026-11-20 09:00")], promise=earlier)
    assert renewed.promise.response_due_at == ticket.promise.response_due_at
    assert renewed.promise.acknowledgement_due_at == ticket.promise.acknowledgement_due_at


def test_a_reopened_ticket_has_a_second_promise_and_keeps_the_first_result() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-30 09:00")
    ticket = happen(ticket, [(Action.REOPEN, TRIAGE, "2026-12-01 09:00")])
    now = at("2026-12-02 09:00")
    first, second = (response(ticket, "2026-12-02 09:00", n) for n in (1, 2))
    assert first.is_late(now)
    assert local_date(second.due_at) == date(2026, 12, 9)
    assert second.is_running()
    ticket = answered(ticket, "2026-12-03 09:00")
    assert response(ticket, number=1).stopped_at == at("2026-11-30 09:00")
    assert response(ticket, number=2).stopped_at == at("2026-12-03 09:00")


def test_a_screener_looks_within_one_working_day() -> None:
    ticket = restricted_ticket()
    look = clock(ticket, ClockKind.SCREENING)
    assert (local_date(look.due_at), look.owner) == (date(2026, 11, 19), SCREENER)
    confirmed = happen(ticket, [(Action.CONFIRM_RESTRICTED, SCREENING_OFFICER, "2026-11-19 09:00")])
    assert clock(confirmed, ClockKind.SCREENING).stopped_at == at("2026-11-19 09:00")


def test_a_promised_day_is_watched_until_the_work_is_done() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00", **PROMISED)
    assert clock(ticket, ClockKind.PROMISED_WORK).is_running()
    done = happen(ticket, [(Action.CLOSE, TRIAGE, "2026-12-14 09:00")])
    assert clock(done, ClockKind.PROMISED_WORK).stopped_at == at("2026-12-14 09:00")
    assert ("promised_work", 1, LEAD) in breached(attend(ticket, "2026-12-16 09:00"))


def test_the_on_time_rate_counts_what_is_still_open_and_overdue() -> None:
    """Answered only, it would be 100 % beside a pile of overdue tickets."""
    now = at("2026-12-20 09:00")
    in_time = answered(in_progress(new_ticket()), "2026-11-26 09:00")
    late = answered(in_progress(new_ticket()), "2026-11-30 09:00")
    overdue = in_progress(new_ticket())
    fresh = new_ticket(at("2026-12-18 09:00"))
    duplicate = happen(new_ticket(), [(Action.MARK_DUPLICATE, TRIAGE, "2026-12-10 09:00")])
    counted = [response(t, "2026-12-20 09:00") for t in (in_time, late, overdue, overdue, fresh, duplicate)]
    assert on_time(counted, now) == OnTime(on_time=1, late=1, open_overdue=2)
    assert on_time(counted, now).rate == 0.25
    assert on_time([], now).rate is None


def test_a_classification_that_came_before_the_receipt_has_no_clock_yet() -> None:
    early = classify(None, classification())
    assert clocks(early, at("2026-11-18 08:05"), CALENDAR) == ()
    assert local_date(response(receive(early, feedback())).due_at) == date(2026, 11, 27)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_reminders_and_escalations_go_out_in_working_hours(received_at: datetime) -> None:
    """Zammad mailed them at midnight and on Sundays. An acknowledgement's warning alone goes to people on
    duty."""
    ticket = happen(
        new_ticket(received_at),
        [(Action.ASSIGN, TRIAGE, (received_at.astimezone(VN) + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M"))],
    )
    for running in clocks(ticket, received_at, CALENDAR):
        times = [running.escalate_at]
        times += [running.warn_at] if running.warn_at and running.kind != ClockKind.ACKNOWLEDGEMENT else []
        assert all(t.astimezone(VN).strftime("%H:%M") == "08:00" for t in times)
        assert all(CALENDAR.is_working_day(local_date(t)) for t in times)
        assert running.warn_at is None or running.started_at < running.warn_at < running.due_at < running.escalate_at
