"""Decides what the citizen may still say after the receipt, what they see of the ticket, and who must be called.

Called by the actions and the citizen's page. Pure. A withdrawal or a wish to reopen is only passed on: respond decides
what follows (a suspected denunciation is never closed by withdrawing it, Luật Tố cáo 2018 Điều 33).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from hotline.errors import FieldError, Invalid
from hotline.facts import FollowUp, FollowUpKind, PublicAnswer, TicketState
from hotline.text import clean
from services.ingest.characters import refused_characters
from services.ingest.documents import Feedback, Reporter, followed_up

CITIZEN = "citizen"
MAX_FOLLOW_UPS = 40
MAX_FOLLOW_UP_CHARACTERS = 5_000
MAX_SAID_CHARACTERS = 2_000
RATINGS = range(1, 6)
REPEAT_WINDOW = timedelta(days=1)

# What respond's statuses mean to a citizen. One that is not here is work in progress.
PUBLIC_STATUS = {
    "received": "received",
    "in_review": "received",
    "assigned": "assigned",
    "awaiting_citizen": "awaiting_citizen",
    "answered": "answered",
    "closed": "closed",
    "refused": "refused",
    "redirected": "redirected",
    "duplicate_of": "duplicate",
    "duplicate": "duplicate",
    "withdrawn": "withdrawn",
}
OVER = frozenset({"closed", "refused", "redirected", "withdrawn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicState:
    """What whoever holds the tracking code may see; of a restricted feedback neither field, agency nor answer."""

    status: str
    code: str | None
    field: str | None
    agency: str | None
    acknowledgement_due_at: datetime
    response_due_at: datetime
    acknowledged_at: datetime | None
    answered_at: datetime | None
    answer: PublicAnswer | None
    question: str | None
    reason: str | None
    may_add: bool
    may_rate: bool
    may_reopen: bool
    may_withdraw: bool


def public_state(feedback: Feedback) -> PublicState:
    """Return the public state; before respond has opened a ticket it is `received` with the dates promised."""
    ticket, promise = feedback.ticket, feedback.promise
    is_open_book = ticket is not None and not ticket.restricted
    status = public_status(ticket)
    has_withdrawn = any(item.kind is FollowUpKind.WITHDRAWN for item in feedback.follow_ups)
    is_answered = ticket is not None and is_open_book and ticket.answered_at is not None
    return PublicState(
        status=status,
        code=ticket.code if ticket and is_open_book else None,
        field=ticket.field if ticket and is_open_book else None,
        agency=ticket.agency_name if ticket and is_open_book else None,
        acknowledgement_due_at=ticket.acknowledgement_due_at if ticket else promise.acknowledgement_due_at,
        response_due_at=ticket.response_due_at if ticket else promise.response_due_at,
        acknowledged_at=ticket.acknowledged_at if ticket else None,
        answered_at=ticket.answered_at if ticket and is_open_book else None,
        answer=ticket.answer if ticket and is_open_book else None,
        question=ticket.question if ticket and is_open_book else None,
        reason=ticket.reason if ticket and is_open_book else None,
        may_add=len(feedback.follow_ups) < MAX_FOLLOW_UPS and status not in OVER,
        may_rate=is_answered,
        may_reopen=is_answered,
        may_withdraw=not is_answered and not has_withdrawn and status not in OVER,
    )


def public_status(ticket: TicketState | None) -> str:
    """Return the status in the citizen's terms; a restricted ticket is received, then in progress, nothing finer."""
    if ticket is None:
        return "received"
    status = PUBLIC_STATUS.get(ticket.status, "in_progress")
    if ticket.restricted and status not in {"received", "closed"}:
        return "in_progress"
    return status


def add_information(feedback: Feedback, text: str, *, now: datetime) -> Feedback:
    """Return the feedback with what the citizen added; the same words again within a day change nothing.

    Raises Invalid for nothing said, too much said, or a feedback that takes no more.
    """
    if not public_state(feedback).may_add:
        raise Invalid([FieldError(field="information", code="follow_up_closed")])
    said = _read(text, "information", MAX_FOLLOW_UP_CHARACTERS)
    return _with(feedback, FollowUpKind.ADDED, said, now=now)


def rate(feedback: Feedback, rating: str, comment: str, *, now: datetime) -> Feedback:
    """Return the feedback with a rating of 1 to 5; the newest counts. Raises Invalid before there is an answer."""
    if not public_state(feedback).may_rate:
        raise Invalid([FieldError(field="rating", code="rating_too_early")])
    if rating not in {str(value) for value in RATINGS}:
        raise Invalid([FieldError(field="rating", code="rating_missing")])
    said = _read(comment, "comment", MAX_FOLLOW_UP_CHARACTERS, is_required=False)
    return _with(feedback, FollowUpKind.RATED, said, now=now, rating=int(rating))


def request_reopen(feedback: Feedback, reason: str, *, now: datetime) -> Feedback:
    """Return the feedback with the wish to look at it again, and why. Raises Invalid before there is an answer."""
    if not public_state(feedback).may_reopen:
        raise Invalid([FieldError(field="reopen_reason", code="reopen_too_early")])
    said = _read(reason, "reopen_reason", MAX_FOLLOW_UP_CHARACTERS)
    return _with(feedback, FollowUpKind.REOPEN_REQUESTED, said, now=now)


def withdraw(feedback: Feedback, reason: str, *, now: datetime) -> Feedback:
    """Return the feedback with the citizen's wish to withdraw it; a second time changes nothing."""
    if any(item.kind is FollowUpKind.WITHDRAWN for item in feedback.follow_ups):
        return feedback
    if not public_state(feedback).may_withdraw:
        raise Invalid([FieldError(field="withdraw_reason", code="withdraw_too_late")])
    said = _read(reason, "withdraw_reason", MAX_FOLLOW_UP_CHARACTERS, is_required=False)
    return _with(feedback, FollowUpKind.WITHDRAWN, said, now=now)


def told_by_phone(feedback: Feedback, said: str, *, by: str, now: datetime) -> Feedback:
    """Return the feedback with the call in which the answer was told; once told, again changes nothing."""
    if not needs_telling(feedback):
        return feedback
    return _with(feedback, FollowUpKind.ANSWER_TOLD, _read(said, "said", MAX_SAID_CHARACTERS), now=now, by=by)


def needs_telling(feedback: Feedback) -> bool:
    """Say whether the answer must be told by telephone: the citizen left only a number, and nobody has called."""
    ticket = feedback.ticket
    if ticket is None or ticket.restricted or ticket.answer is None or feedback.reachable_by != ("phone",):
        return False
    if ticket.told_at is not None:
        return False
    answered_at = ticket.answered_at
    return not any(
        item.kind is FollowUpKind.ANSWER_TOLD and (answered_at is None or item.at >= answered_at)
        for item in feedback.follow_ups
    )


def tell_since_of(feedback: Feedback) -> datetime | None:
    """Return since when a telephone call about the answer is owed; None when none is."""
    if feedback.ticket is None or not needs_telling(feedback):
        return None
    return feedback.ticket.answered_at or feedback.recorded_at


def contact_of(feedback: Feedback | None) -> Reporter | None:
    """Return who may be called about a feedback; nobody of a restricted one, nor before it was classified."""
    if feedback is None or not is_open_to_staff(feedback.ticket):
        return None
    return feedback.reporter or Reporter()


def is_open_to_staff(ticket: TicketState | None) -> bool:
    """Say whether respond has a classification of the feedback, as its code tells, and it is not restricted."""
    return ticket is not None and ticket.code is not None and not ticket.restricted


def newer_ticket(feedback: Feedback, ticket: TicketState, order: tuple[int, int]) -> Feedback | None:
    """Return the feedback with respond's newer state, None when what is kept is as new or newer."""
    if feedback.ticket_order is not None and order <= feedback.ticket_order:
        return None
    return replace(feedback, ticket=ticket, ticket_order=order)


def offered_again(feedback: Feedback, *, now: datetime) -> Feedback:
    """Return the feedback counted on for another `feedback.received`, as respond has opened no ticket yet."""
    return replace(feedback, seq=feedback.seq + 1, offered_at=now)


def _with(
    feedback: Feedback,
    kind: FollowUpKind,
    text: str,
    *,
    now: datetime,
    by: str = CITIZEN,
    rating: int | None = None,
) -> Feedback:
    is_repeat = any(
        item.kind is kind and item.text == text and item.rating == rating and now - item.at < REPEAT_WINDOW
        for item in feedback.follow_ups
    )
    if is_repeat:
        return feedback
    if len(feedback.follow_ups) >= MAX_FOLLOW_UPS and by == CITIZEN:
        raise Invalid([FieldError(field="information", code="follow_up_closed")])
    return followed_up(feedback, FollowUp(at=now, kind=kind, text=text, by=by, rating=rating))


def _read(said: str, field: str, limit: int, *, is_required: bool = True) -> str:
    refused = refused_characters(said)
    if refused:
        raise Invalid([FieldError(field=field, code=refused)])
    text = clean(said)
    if is_required and not any(character.isalnum() for character in text):
        raise Invalid([FieldError(field=field, code="follow_up_empty")])
    if len(text) > limit:
        shown = f"{limit:,}".replace(",", ".")
        raise Invalid([FieldError(field=field, code="value_too_long", params={"limit": shown})])
    return text
