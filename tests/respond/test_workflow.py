"""The workflow against docs/workflow.md, which is written apart from it, and the rules no row can say."""

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from hotline.errors import Invalid
from hotline.facts import FollowUpKind, Outcome
from services.respond.effects import CONFIRMED
from services.respond.inputs import Inputs
from services.respond.ticket import Action, Actor, ClockKind, Draft, Party, Status, Step, StepKind, Ticket
from services.respond.transitions import TRANSITIONS, Scope
from services.respond.workflow import NotAllowed, allowed, apply, find
from tests.respond.builders import (
    HEAD,
    INSPECTOR,
    LEAD,
    OPERATOR,
    POLICY,
    PROMISED,
    ROUTE,
    SCREENER,
    STAFF,
    STRANGER,
    TRIAGE,
    actor,
    answered,
    assigned,
    at,
    feedback,
    follow_up,
    happen,
    in_progress,
    inputs_for,
    new_ticket,
    original,
    receive,
    restricted_ticket,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "workflow.md"
NOW = at("2026-11-20 09:00")
STEP = Step(
    id="f1:response:1:warning",
    kind=StepKind.WARNING,
    clock=ClockKind.RESPONSE,
    number=1,
    owner=LEAD,
    at=NOW,
    due_at=NOW,
)

Pair = tuple[bool, Status, Action, Party]


def words(cell: str) -> list[str]:
    """Split a cell of the table at its commas."""
    return [word.strip() for word in cell.split(",") if word.strip()]


def documented() -> dict[Pair, tuple[Status, frozenset[str]]]:
    """Read docs/workflow.md: every pair with the status after it and what it needs."""
    found: dict[Pair, tuple[Status, frozenset[str]]] = {}
    is_restricted, statuses = False, []
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if line.startswith("## "):
            is_restricted = line == "## Restricted tickets"
        elif line.startswith("### "):
            title = line.removeprefix("### ")
            statuses = list(Status) if title == "every status" else [Status(word) for word in words(title)]
        elif re.match(r"\| [a-z_]+ \|", line):
            action, who, then, needs = [cell.strip() for cell in line.strip().strip("|").split("|")]
            for status in statuses:
                for party in words(who):
                    pair = (is_restricted, status, Action(action), Party(party))
                    assert pair not in found, f"said twice: {pair}"
                    after = status if then == "-" else Status(then)
                    found[pair] = (after, frozenset(words(needs)))
    return found


TABLE = documented()


SCREENED_AND_ANSWERED = replace(
    restricted_ticket(), answers=answered(in_progress(new_ticket()), "2026-11-19 09:00").answers, route=ROUTE
)


def ready_for(action: Action, status: Status, *, restricted: bool) -> Ticket:
    """Return a ticket in a status on which every condition holds that any row asks for."""
    screening = SCREENED_AND_ANSWERED.screening
    assert screening is not None
    decision = None if action == Action.CONFIRM_RESTRICTED else CONFIRMED
    return replace(
        SCREENED_AND_ANSWERED,
        status=status,
        restricted=restricted,
        policy=replace(POLICY, head_approves=False),
        screening=replace(screening, decision=decision),
        reopen_requested_at=at("2026-11-19 20:00"),
        draft=Draft(text="Đã đóng điện lại.", outcome=Outcome.SETTLED),
        duplicate_of="f0",
    )


def someone(party: Party) -> Actor:
    """Return an actor of a party, of the lead agency where it matters."""
    is_agency = party in {Party.AGENCY_STAFF, Party.AGENCY_HEAD}
    return actor(party, agency_id=LEAD if is_agency else None)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
def test_what_may_happen_is_what_the_document_says(restricted: bool, action: Action) -> None:
    given = {**inputs_for(action, NOW), "step": STEP}
    differing = []
    for status, party in product(Status, Party):
        ticket = ready_for(action, status, restricted=restricted)
        try:
            after = apply(ticket, action, someone(party), NOW, **given).status
        except NotAllowed:
            after = None
        said = TABLE.get((restricted, status, action, party), (None, None))[0]
        if after != said:
            differing.append((status, party, f"the code says {after}, the document {said}"))
    assert differing == []


def test_what_an_action_needs_is_what_the_document_says() -> None:
    given: Inputs = {"agency_has_accounts": False, "original": original()}
    differing = []
    for (restricted, status, action, party), (_, needs) in TABLE.items():
        ticket = ready_for(action, status, restricted=restricted)
        required = find(ticket, action, someone(party), given, NOW)[0].requires
        if frozenset(required) != needs:
            differing.append((restricted, status, action, party, required, needs))
    assert differing == []


def test_every_action_and_status_is_documented() -> None:
    assert {action for _, _, action, _ in TABLE} == set(Action)
    assert {status for _, status, _, _ in TABLE} == set(Status)


def test_rows_moved_by_law_carry_the_article() -> None:
    lawful = {row.action for row in TRANSITIONS if row.law}
    assert {Action.REFUSE, Action.REDIRECT, Action.RESTRICT, Action.CONFIRM_RESTRICTED, Action.WITHDRAW} <= lawful
    withdrawal = next(r for r in TRANSITIONS if r.action == Action.WITHDRAW and r.scope == Scope.RESTRICTED)
    assert "Điều 33" in withdrawal.law


def test_one_ticket_from_receipt_to_close() -> None:
    ticket = happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-18 09:00")])
    ticket = happen(in_progress(ticket), [(Action.DRAFT, STAFF, "2026-11-19 09:00")])
    ticket = happen(ticket, [(Action.SUBMIT, STAFF, "2026-11-19 10:00"), (Action.SIGN, HEAD, "2026-11-19 11:00")])
    ticket = happen(ticket, [(Action.CLOSE, HEAD, "2026-11-20 11:00")])
    assert [entry.after for entry in ticket.history] == [
        Status.RECEIVED,
        Status.ASSIGNED,
        Status.IN_PROGRESS,
        Status.DRAFTED,
        Status.SUBMITTED,
        Status.ANSWERED,
        Status.CLOSED,
    ]
    assert ticket.answer is not None
    assert ticket.answer.number == "12/ĐL"
    assert ticket.answer.agency_id == LEAD
    assert [e.account_id for e in ticket.history][:2] == ["operator", "triage_officer"]


def refused(ticket: Ticket, action: Action, who: Actor, when: str = "2026-11-20 09:00", **inputs: object) -> str:
    """Return why an action may not happen."""
    now = at(when)
    with pytest.raises(NotAllowed) as caught:
        apply(ticket, action, who, now, **{**inputs_for(action, now), **inputs})
    return caught.value.why


def test_acknowledged_once() -> None:
    ticket = happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-18 09:00")])
    assert refused(ticket, Action.ACKNOWLEDGE, TRIAGE) == "not_acknowledged"


def test_staff_do_not_sign_where_the_head_approves() -> None:
    ticket = happen(in_progress(new_ticket()), [(Action.DRAFT, STAFF, "2026-11-19 09:00")])
    assert refused(ticket, Action.SIGN, STAFF) == "policy_waives_head"


def test_another_agency_may_do_nothing() -> None:
    stranger = actor(Party.AGENCY_HEAD, agency_id=STRANGER)
    ticket = in_progress(new_ticket())
    assert refused(ticket, Action.DRAFT, stranger) == "not_yours"
    assert allowed(ticket, stranger, NOW) == ()


def test_an_implementer_works_but_does_not_answer_for_the_lead() -> None:
    implementer = actor(Party.AGENCY_STAFF, agency_id="ubnd-phuong")
    ticket = assigned(new_ticket())
    assert Action.START in allowed(ticket, implementer, NOW)
    assert Action.DRAFT not in allowed(ticket, implementer, NOW)
    assert refused(ticket, Action.DRAFT, implementer) == "answering_agency"


def test_the_lead_records_the_answer_of_a_body_without_accounts() -> None:
    route = replace(ROUTE, answers="cap-nuoc")
    ticket = happen(new_ticket(), [(Action.ASSIGN, TRIAGE, "2026-11-18 10:00")], route=route)
    ticket = answered(ticket, "2026-11-19 09:00")
    assert ticket.answer is not None
    assert ticket.answer.agency_id == "cap-nuoc"


def test_the_desk_records_a_paper_answer_only_for_a_body_without_accounts() -> None:
    ticket = assigned(new_ticket())
    assert refused(ticket, Action.RECORD_ANSWER, TRIAGE, agency_has_accounts=True) == "agency_has_no_accounts"
    assert happen(ticket, [(Action.RECORD_ANSWER, TRIAGE, "2026-11-19 09:00")]).status == Status.ANSWERED


def test_a_declined_ticket_is_assigned_again_by_a_person_only() -> None:
    ticket = happen(assigned(new_ticket()), [(Action.DECLINE, STAFF, "2026-11-19 09:00")])
    assert ticket.status == Status.RECEIVED
    assert ticket.route is None
    assert refused(ticket, Action.ASSIGN, actor(Party.SYSTEM)) == "never_declined"
    assert happen(ticket, [(Action.ASSIGN, TRIAGE, "2026-11-19 10:00")]).status == Status.ASSIGNED


def test_a_citizen_who_cannot_be_reached_is_not_asked() -> None:
    ticket = in_progress(new_ticket(reachable_by=()))
    assert refused(ticket, Action.ASK_CITIZEN, STAFF) == "citizen_can_be_reached"


def test_a_question_waits_and_is_gone_when_the_citizen_answers() -> None:
    asked = happen(in_progress(new_ticket()), [(Action.ASK_CITIZEN, STAFF, "2026-11-19 09:00")])
    assert (asked.status, asked.question) == (Status.AWAITING_CITIZEN, "Nhà ở tổ mấy?")
    words_came = feedback(follow_ups=(follow_up(FollowUpKind.ADDED, at("2026-11-19 15:00")),))
    went_on = receive(asked, words_came, seq=1)
    assert (went_on.status, went_on.question) == (Status.IN_PROGRESS, None)


def test_an_answer_that_promises_work_is_not_closed_by_time() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00", **PROMISED)
    assert refused(ticket, Action.CLOSE, actor(Party.SYSTEM), step=STEP) == "work_not_promised"
    assert happen(ticket, [(Action.CLOSE, HEAD, "2026-12-14 09:00")]).status == Status.CLOSED


def test_reopening_is_bounded_in_number() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    for day in ("20", "23"):
        ticket = happen(ticket, [(Action.REOPEN, TRIAGE, f"2026-11-{day} 09:00")])
        ticket = answered(ticket, f"2026-11-{day} 15:00")
    assert ticket.times_reopened == 2
    assert len(ticket.answers) == 3
    assert refused(ticket, Action.REOPEN, TRIAGE, "2026-11-25 09:00") == "reopen_left"


def test_the_time_for_reopening_counts_from_the_answer_not_from_later_changes() -> None:
    """DIGIT counted from the last edit, so that any note bought more time."""
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.CLOSE, TRIAGE, "2026-12-10 09:00"), (Action.NOTE, TRIAGE, "2026-12-18 09:00")])
    assert happen(ticket, [(Action.REOPEN, TRIAGE, "2026-12-19 09:00")]).status == Status.IN_PROGRESS
    assert refused(ticket, Action.REOPEN, TRIAGE, "2026-12-19 09:01") == "reopen_left"


def test_a_slow_desk_cannot_let_the_citizens_time_run_out() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.REQUEST_REOPEN, actor(Party.CITIZEN), "2026-12-18 22:00")])
    assert happen(ticket, [(Action.REOPEN, TRIAGE, "2027-01-20 09:00")]).status == Status.IN_PROGRESS


def test_asking_again_does_not_undo_that_the_first_request_was_in_time() -> None:
    citizen = actor(Party.CITIZEN)
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.REQUEST_REOPEN, citizen, "2026-12-18 22:00")])
    ticket = happen(ticket, [(Action.REQUEST_REOPEN, citizen, "2027-01-05 08:00")])
    assert happen(ticket, [(Action.REOPEN, TRIAGE, "2027-01-20 09:00")]).status == Status.IN_PROGRESS


def test_closing_settles_a_request_to_reopen_and_the_citizen_may_ask_again_in_time() -> None:
    citizen = actor(Party.CITIZEN)
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.REQUEST_REOPEN, citizen, "2026-11-20 22:00")])
    ticket = happen(ticket, [(Action.CLOSE, TRIAGE, "2026-11-23 09:00")])
    assert ticket.reopen_requested_at is None
    assert happen(ticket, [(Action.REQUEST_REOPEN, citizen, "2026-12-18 22:00")]).reopen_requested_at is not None
    assert refused(ticket, Action.REQUEST_REOPEN, citizen, "2026-12-20 22:00") == "reopen_left"


def test_a_restricted_ticket_is_taken_away_from_the_agency_at_once() -> None:
    ticket = happen(in_progress(new_ticket()), [(Action.RESTRICT, STAFF, "2026-11-19 09:00")])
    assert (ticket.restricted, ticket.status, ticket.route) == (True, Status.IN_REVIEW, None)
    assert ticket.assignments[-1].ended_by == Action.RESTRICT
    for who in (STAFF, HEAD, TRIAGE, OPERATOR, actor(Party.COORDINATOR), actor(Party.ADMIN)):
        assert allowed(ticket, who, NOW) == ()
    assert Action.CONFIRM_RESTRICTED in allowed(ticket, SCREENER, NOW)
    assert Action.CONFIRM_RESTRICTED not in allowed(ticket, INSPECTOR, NOW)


def test_a_withdrawal_never_closes_a_restricted_ticket() -> None:
    """Luật Tố cáo 2018 Điều 33."""
    citizen = actor(Party.CITIZEN)
    still = happen(restricted_ticket(), [(Action.WITHDRAW, citizen, "2026-11-19 09:00")])
    assert still.status == Status.IN_REVIEW
    assert still.history[-1].action == Action.WITHDRAW
    assert happen(new_ticket(), [(Action.WITHDRAW, citizen, "2026-11-19 09:00")]).status == Status.WITHDRAWN


def test_nothing_is_decided_on_a_restricted_ticket_before_the_screener() -> None:
    ticket = restricted_ticket()
    assert refused(ticket, Action.REDIRECT, INSPECTOR) == "screened"
    confirmed = happen(ticket, [(Action.CONFIRM_RESTRICTED, SCREENER, "2026-11-19 09:00")])
    handed_over = happen(confirmed, [(Action.REDIRECT, INSPECTOR, "2026-11-19 10:00")])
    assert (handed_over.status, handed_over.destination) == (Status.REDIRECTED, "Thanh tra tỉnh")


def test_the_screener_returns_what_is_no_denunciation() -> None:
    ticket = happen(restricted_ticket(), [(Action.RETURN_TO_DESK, SCREENER, "2026-11-19 09:00")])
    assert (ticket.restricted, ticket.status) == (False, Status.RECEIVED)
    assert ticket.screening is not None
    assert ticket.screening.decision == "returned"


def test_what_is_no_text_at_all_counts_as_missing() -> None:
    with pytest.raises(Invalid) as caught:
        apply(new_ticket(), Action.REDIRECT, TRIAGE, NOW, note=" \u200b ", destination="")
    assert [(e.field, e.code) for e in caught.value.errors] == [
        ("note", "note_required"),
        ("destination", "destination_required"),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signed_on": date(2026, 11, 21)}, "signed_on_in_future"),
        ({"signed_on": date(2026, 11, 17)}, "signed_on_before_receipt"),
        ({"number": ""}, "number_required"),
        ({"signatory": "x" * 201}, "input_too_long"),
    ],
)
def test_a_signature_says_number_day_and_name(changes: dict[str, object], code: str) -> None:
    ticket = happen(in_progress(new_ticket()), [(Action.DRAFT, STAFF, "2026-11-19 09:00")])
    with pytest.raises(Invalid) as caught:
        happen(ticket, [(Action.SIGN, HEAD, "2026-11-20 09:00")], **changes)
    assert [error.code for error in caught.value.errors] == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome": Outcome.PROMISED}, "promised_on_required"),
        ({"outcome": Outcome.PROMISED, "promised_on": date(2026, 11, 18)}, "promised_on_past"),
        ({"outcome": Outcome.SETTLED, "promised_on": date(2026, 12, 1)}, "promised_on_not_promised"),
        ({"text": "x" * 20_001}, "input_too_long"),
    ],
)
def test_an_answer_that_promises_says_by_when(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        happen(in_progress(new_ticket()), [(Action.DRAFT, STAFF, "2026-11-19 09:00")], **changes)
    assert [error.code for error in caught.value.errors] == [code]


def test_a_ticket_is_not_its_own_duplicate() -> None:
    with pytest.raises(Invalid) as caught:
        happen(new_ticket(), [(Action.MARK_DUPLICATE, TRIAGE, "2026-11-19 09:00")], duplicate_of="f1")
    assert caught.value.errors[0].code == "duplicate_of_itself"


def test_a_reopened_ticket_keeps_the_answers_given_and_is_promised_anew() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    ticket = happen(ticket, [(Action.REOPEN, TRIAGE, "2026-11-25 09:00")])
    assert len(ticket.answers) == 1
    assert len(ticket.promises) == 2
    assert ticket.promises[1].started_at - ticket.promises[0].started_at > timedelta(days=7)
