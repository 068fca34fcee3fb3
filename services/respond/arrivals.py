"""Decides what the arrival of another service's fact does to a ticket.

`actions` calls it from the consumer, with the fact unsealed. The first fact to arrive opens the ticket,
whichever it is; a fact no newer than the one applied changes nothing (the same object comes back), so any
order, with repeats, ends in the same status. It chooses no agency: `settling` does.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from hotline.errors import Invalid
from hotline.facts import ClassificationState, Fact, FeedbackState, FollowUp, FollowUpKind
from hotline.promises import SlaPolicy
from hotline.working_days import WorkingCalendar
from services.respond.clocks import screening_due_at
from services.respond.effects import RETURNED
from services.respond.inputs import Inputs
from services.respond.ticket import CITIZEN, SYSTEM, Action, Actor, Party, PromiseRun, Status, Ticket
from services.respond.workflow import NotAllowed, apply

MODEL = "model"
RESTRICTED_BY_CLASSIFICATION = "Phân loại: cần bảo mật, chờ người sàng lọc xem"

FOLLOW_UP_ACTIONS: Mapping[FollowUpKind, Action] = {
    FollowUpKind.ADDED: Action.ADD,
    FollowUpKind.RATED: Action.RATE,
    FollowUpKind.REOPEN_REQUESTED: Action.REQUEST_REOPEN,
    FollowUpKind.WITHDRAWN: Action.WITHDRAW,
    FollowUpKind.ANSWER_TOLD: Action.TELL,
}


def is_newer(ticket: Ticket | None, fact: Fact) -> bool:
    """Say whether a fact is newer than what its producer said before."""
    return ticket is None or fact.order > ticket.applied.get(fact.producer, (-1, -1))


def received(
    ticket: Ticket | None,
    fact: Fact,
    state: FeedbackState,
    policy: SlaPolicy,
    calendar: WorkingCalendar,
) -> Ticket:
    """Return the ticket after `feedback.received` or `feedback.followed_up`; opens it when there is none.

    The promise is the one the citizen was told; `policy` is the one it names. Acknowledged in the call counts
    as acknowledged. New follow-ups are applied in their order, at their own instants; one that the workflow
    does not allow (a rating of 9, a reopening too late) stays readable in `follow_ups` and changes nothing.
    """
    if ticket is not None and not is_newer(ticket, fact):
        return ticket
    before = ticket or Ticket(feedback_id=fact.feedback_id, policy=policy)
    opened = replace(before, feedback=state, applied={**before.applied, fact.producer: fact.order})
    if not before.is_received:
        first = PromiseRun(promise=state.promise, started_at=state.received_at)
        opened = replace(opened, policy=policy, promises=(first,))
        if opened.classification is not None:
            opened = take_classification(opened, opened.classification, calendar)
    return with_follow_ups(with_call_acknowledged(opened, state))


def classified(
    ticket: Ticket | None,
    fact: Fact,
    state: ClassificationState,
    policy: SlaPolicy,
    calendar: WorkingCalendar,
) -> Ticket:
    """Return the ticket after `feedback.classified`; opens it, without a promise yet, when there is none.

    A restricted classification restricts the ticket until a screener returns it; then only a later one does: a
    person's, or the model's about words that came since. A classification never lifts a restriction: only the
    screener may.
    """
    if ticket is not None and not is_newer(ticket, fact):
        return ticket
    before = ticket or Ticket(feedback_id=fact.feedback_id, policy=policy)
    noted = replace(before, applied={**before.applied, fact.producer: fact.order})
    if not noted.is_received or is_said_again(noted, state):
        return replace(noted, classification=state)
    return take_classification(noted, state, calendar)


def is_said_again(ticket: Ticket, state: ClassificationState) -> bool:
    """Say whether a classification is nothing new for the history: told again, or made again as its first was lost.

    Both happen after a restore. What the model makes again has another instant, and other feedbacks to be like.
    """
    known = ticket.classification
    if known is None or state == known:
        return known is not None
    made_again = replace(state, decided_at=known.decided_at, similar=known.similar)
    is_same = state.decided_by == MODEL and made_again == known
    return is_same and not is_to_restrict(ticket, state)


def take_classification(ticket: Ticket, state: ClassificationState, calendar: WorkingCalendar) -> Ticket:
    """Apply a classification to a received ticket: restrict it, or send it to review, or only note it."""
    at = max(state.decided_at, ticket.received_at)
    known = apply(ticket, Action.CLASSIFY, SYSTEM, at, classification=state)
    if is_to_restrict(known, state):
        return restricted(known, at, calendar)
    if state.needs_review and known.status == Status.RECEIVED and not known.restricted:
        return apply(known, Action.REVIEW, SYSTEM, at)
    return known


def restricted(ticket: Ticket, at: datetime, calendar: WorkingCalendar) -> Ticket:
    """Restrict a ticket for the system, with the screener's clock."""
    due_at = screening_due_at(ticket.policy, calendar, at)
    note = RESTRICTED_BY_CLASSIFICATION
    return apply(ticket, Action.RESTRICT, SYSTEM, at, note=note, screening_due_at=due_at)


def is_to_restrict(ticket: Ticket, state: ClassificationState) -> bool:
    """Say whether a classification restricts: unless a screener has returned the ticket since it was made."""
    look = ticket.screening
    if not state.restricted or ticket.restricted:
        return False
    if look is None or look.decision != RETURNED or look.decided_at is None:
        return True
    return state.decided_at > look.decided_at


def with_call_acknowledged(ticket: Ticket, state: FeedbackState) -> Ticket:
    """Count what an operator said on the line as the acknowledgement, once."""
    said = state.acknowledged_in_call
    if said is None or ticket.acknowledgement is not None:
        return ticket
    operator = Actor(account_id=said.by, parties=SYSTEM.parties)
    return attempted(ticket, Action.ACKNOWLEDGE, operator, said.at, Inputs(how="call", said=said.said or "-"))


def with_follow_ups(ticket: Ticket) -> Ticket:
    """Apply the citizen's words that came since the last fact, in their order.

    After a restore of ingest there may be fewer than before: what is said next is new all the same.
    """
    for follow_up in ticket.follow_ups[ticket.follow_ups_applied :]:
        action = FOLLOW_UP_ACTIONS[follow_up.kind]
        inputs = Inputs(rating=follow_up.rating) if follow_up.rating is not None else Inputs()
        ticket = attempted(ticket, action, speaker(follow_up), follow_up.at, inputs)
    return replace(ticket, follow_ups_applied=len(ticket.follow_ups))


def speaker(follow_up: FollowUp) -> Actor:
    """Return who speaks: the citizen, or an operator for the citizen; being told is noted by the system."""
    party = Party.SYSTEM if follow_up.kind == FollowUpKind.ANSWER_TOLD else Party.CITIZEN
    account_id = follow_up.by or CITIZEN.account_id
    return Actor(account_id=account_id, parties=frozenset({party}))


def attempted(ticket: Ticket, action: Action, actor: Actor, at: datetime, inputs: Inputs) -> Ticket:
    """Apply an action that came by a fact; one not allowed changes nothing, as a fact cannot be argued
    with."""
    try:
        return apply(ticket, action, actor, at, **inputs)
    except (NotAllowed, Invalid):
        return ticket
