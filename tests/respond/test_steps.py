"""What the ticker does, once, however late and by however many."""

from datetime import timedelta

import pytest

from hotline.working_days import load_calendar
from services.respond.effects import LATE_DETECTION
from services.respond.steps import due_instants, next_attention_at, steps_due
from services.respond.ticket import Action, ClockKind, Party, Status, StepKind, Ticket
from tests.respond.builders import (
    CALENDAR,
    LEAD,
    OPERATOR,
    PAUSING,
    PROMISED,
    STAFF,
    TRIAGE,
    actor,
    answered,
    assigned,
    at,
    attend,
    classification,
    classify,
    happen,
    in_progress,
    new_ticket,
)


def ids(ticket: Ticket, when: str) -> list[str]:
    """Return the steps due, without the ticket's id."""
    return [step.id.removeprefix("f1:") for step in steps_due(ticket, at(when), CALENDAR)]


def acknowledged() -> Ticket:
    """Return a ticket acknowledged and assigned on its first morning."""
    return assigned(happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-18 09:00")]))


# Assigned on Wednesday 18/11: the agency's five days end on Thursday 26/11, the citizen's six on Friday 27/11.
TIMETABLE = [
    ("2026-11-25 07:59", []),
    ("2026-11-25 08:00", ["agency:1:warning"]),
    ("2026-11-26 08:00", ["agency:1:warning", "response:1:warning"]),
    ("2026-11-27 00:00", ["response:1:warning", "agency:1:breach"]),
    ("2026-11-28 00:00", ["agency:1:breach", "response:1:breach"]),
    ("2026-11-30 08:00", ["agency:1:breach", "response:1:breach", "agency:1:escalation"]),
    ("2026-12-01 08:00", ["agency:1:breach", "response:1:breach", "agency:1:escalation", "response:1:escalation"]),
]


@pytest.mark.parametrize(("when", "expected"), TIMETABLE)
def test_the_timetable_of_an_assigned_ticket(when: str, expected: list[str]) -> None:
    assert ids(acknowledged(), when) == expected


def test_the_desk_is_warned_four_hours_before_the_acknowledgement_is_due() -> None:
    assert ids(new_ticket(), "2026-11-19 03:59") == []
    assert ids(new_ticket(), "2026-11-19 04:00") == ["acknowledgement:1:warning"]
    assert ids(new_ticket(), "2026-11-19 08:01") == ["acknowledgement:1:breach"]


def test_the_due_instant_itself_is_still_in_time() -> None:
    assert ids(new_ticket(), "2026-11-19 08:00") == ["acknowledgement:1:warning"]


def test_a_step_taken_is_never_due_again() -> None:
    once = attend(acknowledged(), "2026-12-01 08:00")
    assert ids(once, "2026-12-01 08:00") == []
    assert attend(once, "2027-01-05 08:00") == once
    assert len(once.breaches) == 2


def test_two_tickers_find_the_same_steps() -> None:
    now = at("2026-12-01 08:00")
    assert steps_due(acknowledged(), now, CALENDAR) == steps_due(acknowledged(), now + timedelta(0), load_calendar())


def test_a_ticker_that_runs_every_hour_and_one_that_was_down_find_the_same_breaches() -> None:
    hourly, now = acknowledged(), at("2026-11-18 10:00")
    while now < at("2026-12-02 08:00"):
        now += timedelta(hours=1)
        hourly = attend(hourly, now)
    once = attend(acknowledged(), "2026-12-02 08:00")
    assert {(b.step_id, b.owner, b.due_at) for b in hourly.breaches} == {
        (b.step_id, b.owner, b.due_at) for b in once.breaches
    }


def test_a_day_without_the_program_is_reported_as_late_detection() -> None:
    """The breach counts from the due instant; that we saw it late is said beside it."""
    in_time = attend(acknowledged(), at("2026-11-27 00:00") + LATE_DETECTION)
    late = attend(acknowledged(), "2026-11-28 09:00")
    assert [b.is_detected_late for b in in_time.breaches] == [False]
    assert [b.is_detected_late for b in late.breaches] == [True, True]
    assert {b.due_at for b in late.breaches} == {at("2026-11-26 23:59:59"), at("2026-11-27 23:59:59")}


def test_a_breach_between_two_ticks_is_found_though_the_answer_came_meanwhile() -> None:
    ticket = answered(acknowledged(), "2026-11-28 07:00")
    assert ids(ticket, "2026-11-28 09:00") == ["agency:1:breach", "response:1:breach"]


def test_no_warning_after_the_due_instant() -> None:
    assert "response:1:warning" not in ids(acknowledged(), "2026-11-28 00:00")


def test_answered_tickets_raise_no_alarm_and_close_when_reopening_is_over() -> None:
    ticket = answered(acknowledged(), "2026-11-19 09:00")
    assert ids(ticket, "2026-12-19 09:00") == []
    assert ids(ticket, "2026-12-19 09:01") == ["response:1:closing"]
    closed = attend(ticket, "2026-12-19 09:01")
    assert closed.status == Status.CLOSED
    assert next_attention_at(closed, at("2026-12-19 09:01"), CALENDAR) is None


def test_an_answer_the_citizen_objected_to_does_not_close_by_itself() -> None:
    ticket = answered(acknowledged(), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.REQUEST_REOPEN, actor(Party.CITIZEN), "2026-11-20 09:00")])
    assert ids(ticket, "2027-01-20 09:00") == []


def test_promised_work_is_breached_and_not_closed() -> None:
    ticket = answered(acknowledged(), "2026-11-19 09:00", **PROMISED)
    assert ids(ticket, "2026-12-16 00:00") == ["promised_work:1:breach"]


def test_a_reopened_ticket_has_steps_of_its_own() -> None:
    ticket = attend(answered(acknowledged(), "2026-11-30 09:00"), "2026-11-30 10:00")
    ticket = happen(ticket, [(Action.REOPEN, TRIAGE, "2026-12-01 09:00")])
    taken = ids(ticket, "2026-12-10 00:00")
    assert taken == ["response:2:breach"] or taken == ["agency:2:breach", "response:2:breach"]


def test_an_endless_wait_ends_at_the_limit() -> None:
    waiting = happen(in_progress(new_ticket(policy=PAUSING)), [(Action.ASK_CITIZEN, STAFF, "2026-11-20 16:00")])
    due = [s for s in steps_due(waiting, at("2026-12-08 00:00"), CALENDAR) if s.kind == StepKind.PAUSE_LIMIT]
    assert [s.at for s in due] == [at("2026-12-07 23:59:59")]


@pytest.mark.parametrize(
    ("when", "attention"),
    [("2026-11-18 10:00", "2026-11-25 08:00"), ("2026-11-25 08:00", "2026-11-26 08:00")],
)
def test_when_the_ticker_must_look_again(when: str, attention: str) -> None:
    assert next_attention_at(attend(acknowledged(), when), at(when), CALENDAR) == at(attention)


def test_every_kind_of_clock_that_runs_is_due_at_its_earliest_instant() -> None:
    now = at("2026-11-18 10:00")
    assert due_instants(new_ticket(), now, CALENDAR) == {
        ClockKind.ACKNOWLEDGEMENT: at("2026-11-19 08:00"),
        ClockKind.RESPONSE: at("2026-11-27 23:59:59"),
    }
    assert due_instants(acknowledged(), now, CALENDAR) == {
        ClockKind.RESPONSE: at("2026-11-27 23:59:59"),
        ClockKind.AGENCY: at("2026-11-26 23:59:59"),
    }
    assert due_instants(answered(acknowledged(), "2026-11-19 09:00"), now, CALENDAR) == {}


def test_nothing_is_due_before_the_receipt_has_come() -> None:
    early = classify(None, classification())
    assert next_attention_at(early, at("2027-01-01 08:00"), CALENDAR) is None
    assert due_instants(early, at("2027-01-01 08:00"), CALENDAR) == {}


def test_ids_are_derived_from_ticket_clock_number_and_step() -> None:
    step = steps_due(acknowledged(), at("2026-11-25 08:00"), CALENDAR)[0]
    assert step.id == "f1:agency:1:warning"
    assert step.owner == LEAD
