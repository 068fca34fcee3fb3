"""What an action changes on a ticket besides its status and history.

One small function for each action that changes more, called by `workflow.apply` with inputs already checked.
None of them decides whether the action may happen.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import structs

from services.respond.inputs import Inputs
from services.respond.ticket import (
    Acknowledgement,
    Action,
    Actor,
    Answer,
    Assignment,
    Breach,
    Draft,
    PromiseRun,
    Screening,
    Ticket,
)

CONFIRMED, RETURNED = "confirmed", "returned"
LATE_DETECTION = timedelta(minutes=15)

Effect = Callable[[Ticket, Actor, datetime, Inputs], Ticket]


def subject_of(given: Inputs) -> str:
    """Return what the action was about, for the history: a step, an agency, another ticket, a destination."""
    if "original" in given:
        return given["original"].feedback_id
    if "step" in given:
        return given["step"].id
    if "route" in given:
        return given["route"].agency_id
    return given.get("duplicate_of") or given.get("destination") or given.get("number") or ""


def ended_assignments(ticket: Ticket, action: Action, now: datetime) -> tuple[Assignment, ...]:
    """Return the assignments with the one that runs ended now; those ended before stay as they are."""
    if not ticket.assignments or ticket.assignments[-1].ended_at is not None:
        return ticket.assignments
    last = replace(ticket.assignments[-1], ended_at=now, ended_by=action)
    return (*ticket.assignments[:-1], last)


def acknowledge(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep who told the citizen, how, and what was said."""
    said = Acknowledgement(
        by=actor.account_id, how=given["how"], said=given["said"], at=now, is_restricted=ticket.restricted
    )
    return replace(ticket, acknowledgement=said)


def assign(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Start the lead agency's turn with a clock of its own; the citizen's clocks do not notice."""
    turn = Assignment(agency_id=given["route"].agency_id, assigned_at=now, due_at=given["agency_due_at"])
    return replace(ticket, route=given["route"], assignments=(*ticket.assignments, turn))


def decline(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Take the route away: the desk decides again."""
    return replace(ticket, route=None)


def ask(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep the question to the citizen."""
    return replace(ticket, question=given["question"])


def draft(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep the answer as drafted."""
    written = Draft(
        text=given["text"],
        outcome=given["outcome"],
        promised_on=given.get("promised_on"),
        files=given.get("files") or (ticket.draft.files if ticket.draft else ()),
        by=actor.account_id,
    )
    return replace(ticket, draft=written)


def sign(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Turn the draft into the signed answer."""
    written = ticket.draft or draft(ticket, actor, now, given).draft
    assert written is not None
    signed = Answer(
        text=written.text,
        outcome=written.outcome,
        number=given["number"],
        signed_on=given["signed_on"],
        signatory=given["signatory"],
        agency_id=ticket.route.answers if ticket.route else actor.agency_id or "",
        answered_at=now,
        promised_on=written.promised_on,
        files=written.files,
        is_restricted=ticket.restricted,
    )
    return replace(ticket, draft=None, answers=(*ticket.answers, signed), reopen_requested_at=None)


def record_answer(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep an answer that came on paper, whatever was drafted before."""
    return sign(replace(ticket, draft=None), actor, now, given)


def tell(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep when a person told the citizen the answer."""
    return replace(ticket, answers=(*ticket.answers[:-1], replace(ticket.answers[-1], told_at=now)))


def reopen(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Start a further promise and, but for a restricted ticket, the agency's next turn."""
    promises = (*ticket.promises, PromiseRun(promise=given["promise"], started_at=now))
    reopened = replace(ticket, promises=promises, reopen_requested_at=None, draft=None)
    if ticket.route is None or "agency_due_at" not in given:
        return reopened
    turn = Assignment(agency_id=ticket.route.agency_id, assigned_at=now, due_at=given["agency_due_at"])
    return replace(reopened, assignments=(*ticket.assignments, turn))


def close(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Settle a request to reopen that was not granted; the citizen may still ask again in time."""
    return replace(ticket, reopen_requested_at=None)


def end(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep why it goes no further here, and where the citizen is sent."""
    return replace(
        ticket,
        reason=given["note"],
        destination=given.get("destination"),
        is_reason_restricted=ticket.restricted,
    )


def mark_duplicate(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep which ticket answers this one too."""
    return replace(ticket, duplicate_of=given["duplicate_of"])


def carry_answer(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Give this citizen the original's newest answer, as of now and not yet told by a person, and its route.

    The answer only: neither the other citizen's words nor who that is.
    """
    original = given["original"]
    assert original.answer is not None
    carried = replace(original.answer, answered_at=now, told_at=None, is_carried=True)
    return replace(
        ticket,
        answers=(*ticket.answers, carried),
        route=original.route or ticket.route,
        draft=None,
        reopen_requested_at=None,
    )


def restore(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Undo an ending; the promise first made still runs."""
    return replace(ticket, reason=None, is_reason_restricted=False, destination=None, duplicate_of=None, route=None)


def restrict(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Take it out of everyone's sight but the screener's and inspectors'; the agency loses it at once."""
    look = Screening(started_at=now, due_at=given["screening_due_at"])
    return replace(ticket, restricted=True, screening=look, route=None, draft=None)


def screened(ticket: Ticket, actor: Actor, now: datetime, given: Inputs, decision: str) -> Ticket:
    """Keep the screener's decision."""
    assert ticket.screening is not None
    look = replace(
        ticket.screening,
        decision=decision,
        by=actor.account_id,
        decided_at=now,
        note=given.get("note", ""),
    )
    return replace(ticket, screening=look)


def confirm(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """The screener keeps it restricted."""
    return screened(ticket, actor, now, given, CONFIRMED)


def return_to_desk(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """The screener says that it is no denunciation: the desk sees it again."""
    return replace(screened(ticket, actor, now, given, RETURNED), restricted=False)


def mark_urgent(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Danger now."""
    return replace(ticket, urgent=True)


def rate(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep the newest rating; the history has all."""
    return replace(ticket, rating=given["rating"])


def request_reopen(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Keep when the citizen first asked, so that a slow desk cannot let the time run out."""
    return replace(ticket, reopen_requested_at=ticket.reopen_requested_at or now)


def classify(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Copy what the feedback is about; urgency is only ever added."""
    state = given["classification"]
    return replace(ticket, classification=state, urgent=ticket.urgent or state.urgent)


def renew(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Take the renewed promise in place of the running one, never with an earlier instant."""
    running, new = ticket.promises[-1], given["promise"]
    later = structs.replace(
        new,
        acknowledgement_due_at=max(running.promise.acknowledgement_due_at, new.acknowledgement_due_at),
        response_due_at=max(running.promise.response_due_at, new.response_due_at),
    )
    return replace(ticket, promises=(*ticket.promises[:-1], replace(running, promise=later)))


def breach(ticket: Ticket, actor: Actor, now: datetime, given: Inputs) -> Ticket:
    """Put it on the register, with who held it when it ran out, and whether we saw it late."""
    step = given["step"]
    found = Breach(
        step_id=step.id,
        clock=step.clock,
        number=step.number,
        owner=step.owner,
        due_at=step.due_at,
        detected_at=now,
        is_detected_late=now - step.at > LATE_DETECTION,
    )
    return replace(ticket, breaches=(*ticket.breaches, found))


EFFECTS: Mapping[Action, Effect] = {
    Action.ACKNOWLEDGE: acknowledge,
    Action.ASSIGN: assign,
    Action.REASSIGN: assign,
    Action.DECLINE: decline,
    Action.ASK_CITIZEN: ask,
    Action.DRAFT: draft,
    Action.SIGN: sign,
    Action.RECORD_ANSWER: record_answer,
    Action.TELL: tell,
    Action.CLOSE: close,
    Action.REOPEN: reopen,
    Action.REFUSE: end,
    Action.REDIRECT: end,
    Action.MARK_DUPLICATE: mark_duplicate,
    Action.CARRY_ANSWER: carry_answer,
    Action.RESTORE: restore,
    Action.RESTRICT: restrict,
    Action.CONFIRM_RESTRICTED: confirm,
    Action.RETURN_TO_DESK: return_to_desk,
    Action.MARK_URGENT: mark_urgent,
    Action.RATE: rate,
    Action.REQUEST_REOPEN: request_reopen,
    Action.CLASSIFY: classify,
    Action.RENEW: renew,
    Action.BREACH: breach,
}
