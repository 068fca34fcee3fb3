"""Facts of the other services: the first opens the ticket, the newest wins, any order ends in the same
state."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest

from hotline.facts import CallAcknowledgement, ClassificationState, FollowUpKind
from services.respond.ticket import Action, NotReceivedYet, Status, Ticket
from services.respond.workflow import NotAllowed, apply
from tests.respond.builders import (
    RECEIVED_AT,
    SCREENER,
    TRIAGE,
    answered,
    assigned,
    at,
    classification,
    classify,
    feedback,
    follow_up,
    happen,
    in_progress,
    new_ticket,
    receive,
)

RESTRICTED = classification(restricted=True, code="4.1", decided_at=at("2026-11-18 08:05"))


def test_the_receipt_opens_the_ticket_with_the_promise_the_citizen_was_told() -> None:
    ticket = new_ticket()
    assert ticket.status == Status.RECEIVED
    assert ticket.promise == feedback().promise
    assert ticket.received_at == RECEIVED_AT


def test_a_classification_alone_opens_a_ticket_that_nobody_can_act_on() -> None:
    early = classify(None, classification())
    assert not early.is_received
    with pytest.raises(NotReceivedYet):
        _ = early.text
    with pytest.raises(NotAllowed, match="not_received_yet"):
        apply(early, Action.NOTE, TRIAGE, RECEIVED_AT, note="x")


def test_the_same_or_an_older_fact_changes_nothing() -> None:
    ticket = classify(new_ticket(), classification(), seq=3)
    assert classify(ticket, classification(code="1.1"), seq=3) is ticket
    assert classify(ticket, classification(code="1.1"), seq=2) is ticket
    assert classify(ticket, classification(code="1.1"), seq=4).classification == classification(code="1.1")


def end_state(ticket: Ticket) -> Ticket:
    """Leave out the history, which tells the order of arrival on purpose."""
    return replace(ticket, history=())


FACTS: list[tuple[str, Callable[[Ticket | None], Ticket]]] = [
    ("receipt", lambda t: receive(t, feedback(), seq=0)),
    (
        "more",
        lambda t: receive(t, feedback(follow_ups=(follow_up(FollowUpKind.ADDED, at("2026-11-18 09:00")),)), seq=1),
    ),
    ("first guess", lambda t: classify(t, classification(needs_review=True), seq=0)),
    ("restricted", lambda t: classify(t, RESTRICTED, seq=1)),
]


@pytest.mark.parametrize("order", list(permutations(range(len(FACTS)))), ids=str)
def test_any_order_with_repeats_ends_in_the_same_state(order: tuple[int, ...]) -> None:
    in_turn: Ticket | None = None
    shuffled: Ticket | None = None
    for _, arrive in FACTS:
        in_turn = arrive(in_turn)
    for index in (*order, *order):
        shuffled = FACTS[index][1](shuffled)
    assert in_turn is not None
    assert shuffled is not None
    assert end_state(shuffled) == end_state(in_turn)
    assert shuffled.restricted


def test_a_restricted_classification_takes_effect_at_once_even_on_an_assigned_ticket() -> None:
    ticket = classify(assigned(new_ticket()), RESTRICTED)
    assert (ticket.restricted, ticket.status, ticket.route) == (True, Status.IN_REVIEW, None)
    assert ticket.screening is not None
    assert ticket.screening.due_at == at("2026-11-19 23:59:59")


def test_a_withdrawal_before_the_restriction_does_not_end_it_either() -> None:
    """Luật Tố cáo 2018 Điều 33, whichever fact comes first."""
    withdrawn = feedback(follow_ups=(follow_up(FollowUpKind.WITHDRAWN, at("2026-11-18 08:01")),))
    assert receive(None, withdrawn).status == Status.WITHDRAWN
    assert classify(receive(None, withdrawn), RESTRICTED).status == Status.IN_REVIEW
    assert receive(classify(None, RESTRICTED), withdrawn).status == Status.IN_REVIEW


def test_a_classification_never_lifts_a_restriction() -> None:
    ticket = classify(classify(new_ticket(), RESTRICTED, seq=0), classification(decided_by="reviewer-1"), seq=1)
    assert ticket.restricted


def test_after_the_screener_returned_it_only_a_later_classification_restricts_again() -> None:
    """A person's, or the model's about words that came since: a second denunciation must not slip through."""
    ticket = happen(classify(new_ticket(), RESTRICTED), [(Action.RETURN_TO_DESK, SCREENER, "2026-11-18 14:00")])
    assert not classify(ticket, RESTRICTED, seq=1).restricted
    assert not classify(ticket, replace(RESTRICTED, decided_by="reviewer-1"), seq=1).restricted
    assert classify(ticket, replace(RESTRICTED, decided_at=at("2026-11-18 15:00")), seq=1).restricted


@pytest.mark.parametrize(
    ("said", "entries"),
    [
        (classification(), 1),
        (classification(decided_at=at("2026-11-18 15:00")), 1),
        (classification(decided_at=at("2026-11-18 15:00"), similar=("f7", "f3")), 1),
        (classification(decided_at=at("2026-11-18 15:00"), code="1.1"), 2),
        (classification(decided_at=at("2026-11-18 15:00"), decided_by="reviewer-1"), 2),
    ],
)
def test_the_model_saying_the_same_again_as_after_a_restore_is_nothing_new(
    said: ClassificationState, entries: int
) -> None:
    ticket = classify(classify(new_ticket(), classification()), said, seq=1)
    assert ticket.classification == said
    assert [entry.action for entry in ticket.history].count(Action.CLASSIFY) == entries


def test_an_unsure_classification_waits_for_review() -> None:
    assert classify(new_ticket(), classification(needs_review=True), seq=0).status == Status.IN_REVIEW


def test_a_caller_told_on_the_line_is_acknowledged() -> None:
    said = CallAcknowledgement(by="operator-7", at=at("2026-11-18 08:03"), said="điện lực trả lời trước 27/11")
    ticket = receive(None, feedback(acknowledged_in_call=said))
    assert ticket.acknowledgement is not None
    assert (ticket.acknowledgement.by, ticket.acknowledgement.at) == ("operator-7", said.at)
    assert receive(ticket, feedback(acknowledged_in_call=said), seq=1).acknowledgement == ticket.acknowledgement


def test_follow_ups_are_applied_once_at_their_own_instants() -> None:
    first = follow_up(FollowUpKind.ADDED, at("2026-11-18 09:00"), text="Cả thôn mất điện", by="operator-7")
    second = follow_up(FollowUpKind.WITHDRAWN, at("2026-11-18 09:30"))
    ticket = receive(new_ticket(), feedback(follow_ups=(first,)), seq=1)
    ticket = receive(ticket, feedback(follow_ups=(first, second)), seq=2)
    assert [(e.action, e.at, e.account_id) for e in ticket.history] == [
        (Action.ADD, first.at, "operator-7"),
        (Action.WITHDRAW, second.at, "citizen"),
    ]
    assert ticket.follow_ups_applied == 2


def test_a_rating_and_a_request_to_reopen_after_the_answer() -> None:
    ticket = answered(in_progress(new_ticket()), "2026-11-19 09:00")
    rated = follow_up(FollowUpKind.RATED, at("2026-11-19 10:00"), rating=2)
    asked = follow_up(FollowUpKind.REOPEN_REQUESTED, at("2026-11-19 10:05"), text="Vẫn mất điện")
    ticket = receive(ticket, feedback(follow_ups=(rated, asked)), seq=1)
    assert (ticket.rating, ticket.reopen_requested_at, ticket.status) == (2, asked.at, Status.ANSWERED)


@pytest.mark.parametrize(
    "word",
    [
        follow_up(FollowUpKind.RATED, at("2026-11-19 10:00"), rating=9),
        follow_up(FollowUpKind.REOPEN_REQUESTED, at("2026-11-19 10:00")),
        follow_up(FollowUpKind.ANSWER_TOLD, at("2026-11-19 10:00")),
    ],
    ids=["rating of 9", "nothing to reopen", "nothing to tell"],
)
def test_a_word_the_workflow_does_not_allow_changes_nothing_and_stops_nothing(word: object) -> None:
    ticket = receive(new_ticket(), feedback(follow_ups=(word,)), seq=1)
    assert ticket.history == ()
    assert ticket.follow_ups == (word,)
