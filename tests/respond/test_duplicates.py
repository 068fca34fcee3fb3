"""What the rules say of a ticket merged with another: it waits, gets the other's answer, or comes back to the desk."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.facts import Attachment, Channel
from services.respond.clocks import DESK, OnTime, clocks, on_time
from services.respond.duplicates import GIVEN_BACK, Fate, fate_of, followed
from services.respond.ticket import CITIZEN, SYSTEM, Action, Actor, ClockKind, Status, Ticket
from services.respond.workflow import NotAllowed, apply
from tests.respond.builders import (
    CALENDAR,
    LEAD,
    OPERATOR,
    OTHER_ROUTE,
    PROMISED,
    ROUTE,
    SCREENER,
    STAFF,
    STRANGER,
    TRIAGE,
    answered,
    assigned,
    at,
    attend,
    breached,
    clock,
    happen,
    in_progress,
    inputs_for,
    new_ticket,
    original,
    response,
    restricted_ticket,
)

LETTER = Attachment(file_id="a" * 64, media_type="application/pdf", size_bytes=9, name="tra loi.pdf")
OPEN_ORIGINAL = replace(in_progress(new_ticket()), feedback_id="f0")


def merged(when: str = "2026-11-18 12:00", ticket: Ticket | None = None, **received: Any) -> Ticket:
    """Return a ticket that was merged with f0."""
    return happen(ticket or new_ticket(**received), [(Action.MARK_DUPLICATE, TRIAGE, when)])


def carried(when: str, ticket: Ticket | None = None, **draft: Any) -> Ticket:
    """Return a merged ticket that the answer of f0 came to."""
    return followed(ticket or merged(), original(**draft), at(when))


def given_back(when: str) -> Ticket:
    """Return a merged ticket whose original came to nothing."""
    return followed(merged(), None, at(when))


def ended(*happened: tuple[Action, Actor]) -> Ticket:
    """Return f0 after what people did to it on one afternoon."""
    return happen(OPEN_ORIGINAL, [(action, who, "2026-11-19 14:00") for action, who in happened])


REOPENED = [(Action.REOPEN, TRIAGE, "2026-11-20 09:00")]
SHUT_AND_ANSWERED = [
    (Action.CONFIRM_RESTRICTED, SCREENER, "2026-11-18 10:00"),
    (Action.RECORD_ANSWER, SCREENER, "2026-11-19 10:00"),
]

# What somebody did to the original, and what that means for those merged with it.
FATES: dict[str, tuple[Ticket | None, Fate]] = {
    "received": (new_ticket(), Fate.OPEN),
    "worked on": (OPEN_ORIGINAL, Fate.OPEN),
    "waits for its citizen": (ended((Action.ASK_CITIZEN, STAFF)), Fate.OPEN),
    "merged in its turn": (merged(), Fate.OPEN),
    "answered": (original(), Fate.ANSWERED),
    "closed": (happen(original(), [(Action.CLOSE, TRIAGE, "2026-11-20 09:00")]), Fate.ANSWERED),
    "reopened": (happen(original(), REOPENED), Fate.OPEN),
    "refused": (happen(new_ticket(), [(Action.REFUSE, TRIAGE, "2026-11-19 09:00")]), Fate.GONE),
    "redirected": (happen(assigned(new_ticket()), [(Action.REDIRECT, TRIAGE, "2026-11-19 09:00")]), Fate.GONE),
    "withdrawn": (ended((Action.WITHDRAW, CITIZEN)), Fate.GONE),
    "restricted": (ended((Action.RESTRICT, TRIAGE)), Fate.GONE),
    "answered, then restricted": (happen(original(), [(Action.RESTRICT, TRIAGE, "2026-11-20 09:00")]), Fate.GONE),
    "answered while restricted": (happen(restricted_ticket(), SHUT_AND_ANSWERED), Fate.GONE),
    "open again, with the answer of then": (
        replace(happen(restricted_ticket(), SHUT_AND_ANSWERED), restricted=False),
        Fate.GONE,
    ),
    "erased": (None, Fate.GONE),
}


@pytest.mark.parametrize("case", FATES)
def test_what_an_original_means_for_its_duplicates(case: str) -> None:
    ticket, fate = FATES[case]
    assert fate_of(ticket) is fate


@pytest.mark.parametrize("case", FATES)
def test_a_duplicate_waits_or_has_the_answer_or_is_back_at_the_desk(case: str) -> None:
    ticket, fate = FATES[case]
    first = replace(ticket, feedback_id="f0") if ticket else None
    after = followed(merged(), first, at("2026-11-23 09:00"))
    expected = {Fate.OPEN: Status.DUPLICATE, Fate.ANSWERED: Status.ANSWERED, Fate.GONE: Status.RECEIVED}
    assert after.status is expected[fate]
    assert followed(after, first, at("2026-11-23 10:00")) is after
    assert len(after.answers) == (fate is Fate.ANSWERED)


class TestCarried:
    """The second citizen has the answer that the first one got."""

    def test_it_is_the_same_answer_as_of_now_and_nobody_told_it_yet(self) -> None:
        first = original(files=(LETTER,), text="Đã đóng điện lại lúc 9 giờ.")
        told = happen(first, [(Action.TELL, OPERATOR, "2026-11-19 10:00")])
        after = followed(merged(), told, at("2026-11-20 09:00"))
        assert told.answer is not None and told.answer.told_at is not None
        assert after.answer == replace(told.answer, answered_at=at("2026-11-20 09:00"), told_at=None, is_carried=True)
        assert after.answer.files == (LETTER,)

    def test_it_is_the_newest_answer(self) -> None:
        again = answered(happen(original(), REOPENED), "2026-11-21 09:00", text="Đã thay cả máy biến áp.")
        after = followed(merged(), again, at("2026-11-23 09:00"))
        assert [answer.text for answer in after.answers] == ["Đã thay cả máy biến áp."]

    def test_nothing_else_of_the_original_goes_with_it(self) -> None:
        first = original()
        assert first.feedback is not None
        after = carried("2026-11-20 09:00")
        before = merged()
        kept = ("feedback", "classification", "promises", "acknowledgement", "follow_ups_applied", "rating", "urgent")
        assert {name: getattr(after, name) for name in kept} == {name: getattr(before, name) for name in kept}

    def test_it_keeps_with_which_it_was_merged_and_takes_over_the_route(self) -> None:
        elsewhere = happen(new_ticket(), [(Action.ASSIGN, TRIAGE, "2026-11-18 10:00")], route=OTHER_ROUTE)
        assert elsewhere.route is not None and elsewhere.route.agency_id == STRANGER
        after = carried("2026-11-20 09:00", merged(ticket=elsewhere))
        assert (after.duplicate_of, after.route) == ("f0", ROUTE)
        entry = after.history[-1]
        assert (entry.action, entry.subject, entry.note) == (Action.CARRY_ANSWER, "f0", "")

    def test_reopened_it_goes_to_the_agency_that_answered(self) -> None:
        after = happen(carried("2026-11-20 09:00"), [(Action.REOPEN, TRIAGE, "2026-11-23 09:00")])
        assert (after.status, after.assignments[-1].agency_id) == (Status.IN_PROGRESS, LEAD)
        assert response(after, "2026-11-24 09:00", 2).owner == LEAD

    def test_only_the_one_that_it_was_merged_with_answers_it(self) -> None:
        other = replace(original(), feedback_id="f9")
        with pytest.raises(NotAllowed) as refused:
            apply(merged(), Action.CARRY_ANSWER, SYSTEM, at("2026-11-20 09:00"), original=other)
        assert refused.value.why == "original_is_answered"


class TestClocksOfACarriedAnswer:
    """While it waits nothing counts; with the answer the citizen's own promise does."""

    def test_while_it_waits_nothing_counts_warns_or_escalates(self) -> None:
        assert attend(merged(), "2027-01-20 09:00") == merged()

    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            ("2026-11-20 09:00", OnTime(on_time=1, late=0, open_overdue=0)),
            ("2026-11-27 23:59", OnTime(on_time=1, late=0, open_overdue=0)),
            ("2026-11-28 00:01", OnTime(on_time=0, late=1, open_overdue=0)),
        ],
    )
    def test_it_is_kept_or_late_by_the_second_citizens_own_promise(self, when: str, expected: OnTime) -> None:
        after = carried(when)
        assert response(after).stopped_at == at(when)
        assert on_time([response(after, "2026-12-20 09:00")], at("2026-12-20 09:00")) == expected

    def test_a_late_one_stands_on_the_register_of_who_answered_and_was_not_seen_late(self) -> None:
        after = attend(carried("2026-12-07 09:00"), "2026-12-07 09:01")
        assert breached(after) == [("response", 1, LEAD)]
        assert not after.breaches[0].is_detected_late
        assert attend(after, "2026-12-20 09:00") == after

    def test_what_was_missed_before_it_was_merged_stays_with_who_missed_it(self) -> None:
        after = attend(carried("2026-12-07 09:00", merged("2026-12-01 09:00")), "2026-12-07 09:01")
        assert ("response", 1, DESK) in breached(after)

    def test_with_a_phone_alone_it_counts_until_a_person_has_told_it(self) -> None:
        after = carried("2026-11-20 09:00", merged(channel=Channel.HOTLINE, reachable_by=("phone",)))
        assert response(after).is_running()
        told = happen(after, [(Action.TELL, OPERATOR, "2026-11-23 09:00")])
        assert response(told).stopped_at == at("2026-11-23 09:00")

    def test_merged_in_time_the_acknowledgement_stays_void(self) -> None:
        acknowledgement = clock(carried("2026-11-25 09:00"), ClockKind.ACKNOWLEDGEMENT)
        assert (acknowledgement.is_void, acknowledgement.is_running()) == (True, False)

    def test_told_before_or_missed_before_it_was_merged_the_acknowledgement_counts(self) -> None:
        said = happen(new_ticket(), [(Action.ACKNOWLEDGE, OPERATOR, "2026-11-18 09:00")])
        kept = clock(carried("2026-11-25 09:00", merged(ticket=said)), ClockKind.ACKNOWLEDGEMENT)
        missed = clock(carried("2026-11-25 09:00", merged("2026-11-20 09:00")), ClockKind.ACKNOWLEDGEMENT)
        assert (kept.is_void, kept.stopped_at) == (False, at("2026-11-18 09:00"))
        assert (missed.is_void, missed.is_late(at("2026-11-26 09:00"))) == (False, True)

    def test_it_closes_by_itself_when_its_own_time_to_reopen_is_over(self) -> None:
        after = carried("2026-11-25 09:00")
        assert attend(after, "2026-12-25 09:00").status is Status.ANSWERED
        assert attend(after, "2026-12-25 09:01").status is Status.CLOSED

    def test_promised_work_is_told_to_this_citizen_too_and_watched_at_the_original_alone(self) -> None:
        """A late report of work that was done in time must not count as a promise broken."""
        after = carried("2026-11-25 09:00", **PROMISED)
        assert after.answers[-1].promised_on == original(**PROMISED).answers[-1].promised_on
        assert ClockKind.PROMISED_WORK in {
            one.kind for one in clocks(original(**PROMISED), at("2026-11-25 09:00"), CALENDAR)
        }
        assert ClockKind.PROMISED_WORK not in {one.kind for one in clocks(after, at("2026-12-16 09:00"), CALENDAR)}
        assert attend(after, "2026-12-26 09:00").status is Status.CLOSED

    def test_whoever_withdraws_while_it_waits_has_withdrawn(self) -> None:
        withdrawn = happen(merged(), [(Action.WITHDRAW, CITIZEN, "2026-11-19 09:00")])
        assert withdrawn.status is Status.WITHDRAWN
        assert followed(withdrawn, original(), at("2026-11-25 09:00")) is withdrawn


class TestGivenBack:
    """The original came to nothing: the second citizen waits at the desk again, as from the first day."""

    def test_the_first_promise_runs_on(self) -> None:
        after = given_back("2026-11-20 09:00")
        assert after.promises == new_ticket().promises
        assert (response(after).due_at, response(after).is_running()) == (response(new_ticket()).due_at, True)
        assert (after.duplicate_of, after.route) == (None, None)

    def test_the_words_are_the_same_whatever_happened(self) -> None:
        gone = [replace(ticket, feedback_id="f0") for ticket, fate in FATES.values() if ticket and fate is Fate.GONE]
        notes = {followed(merged(), ticket, at("2026-11-23 09:00")).history[-1].note for ticket in (*gone, None)}
        assert notes == {GIVEN_BACK}

    def test_what_ran_out_meanwhile_is_missed_and_was_not_seen_late(self) -> None:
        after = attend(given_back("2026-12-07 09:00"), "2026-12-07 09:01")
        assert ("response", 1, DESK) in breached(after)
        assert not any(breach.is_detected_late for breach in after.breaches)

    def test_only_a_person_assigns_it_then(self) -> None:
        after, now = given_back("2026-11-20 09:00"), at("2026-11-20 10:00")
        with pytest.raises(NotAllowed) as refused:
            apply(after, Action.ASSIGN, SYSTEM, now, **inputs_for(Action.ASSIGN, now))
        assert refused.value.why == "never_given_back"
        assert assigned(after, "2026-11-20 10:00").status is Status.ASSIGNED

    def test_a_person_who_restores_one_lets_the_rules_assign_it(self) -> None:
        by_hand, now = happen(merged(), [(Action.RESTORE, TRIAGE, "2026-11-20 09:00")]), at("2026-11-20 10:00")
        after = apply(by_hand, Action.ASSIGN, SYSTEM, now, **inputs_for(Action.ASSIGN, now))
        assert after.status is Status.ASSIGNED

    def test_merged_again_with_another_it_gets_that_ones_answer(self) -> None:
        again = happen(given_back("2026-11-20 09:00"), [(Action.MARK_DUPLICATE, TRIAGE, "2026-11-20 10:00")])
        after = followed(again, original(), at("2026-11-23 09:00"))
        assert after.status is Status.ANSWERED
        assert breached(attend(after, "2026-11-23 09:01")) == [("acknowledgement", 1, DESK)]
