"""Decides which notices a citizen gets, and what they say; `notify` delivers them.

Called by the actions when respond's state changes. Pure. A notice names the way (`email`), never the address, and says
nothing of the matter itself: a mailbox may be read by others. A restricted feedback sends none.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hotline.facts import TicketState
from hotline.tracking import format_tracking_code
from hotline.working_days import VN
from services.ingest.documents import Feedback, Notice

EMAIL = "email"
RECEIPT = "received"
STALE_AFTER = timedelta(days=3)

Say = Callable[[str, Mapping[str, object]], str]


def notices_of(feedback: Feedback, before: TicketState | None, *, now: datetime, say: Say) -> tuple[Notice, ...]:
    """Return the notices due now that respond's state became `feedback.ticket`; the same change gives the same ids."""
    ticket = feedback.ticket
    if ticket is None or ticket.restricted or EMAIL not in feedback.reachable_by:
        return ()
    due: list[tuple[str, str]] = []
    if ticket.acknowledged_at and (before is None or before.acknowledged_at != ticket.acknowledged_at):
        due.append(("acknowledged", ticket.acknowledged_at.isoformat()))
    if ticket.question and (before is None or before.question != ticket.question):
        due.append(("question", hashlib.sha256(ticket.question.encode()).hexdigest()[:16]))
    if ticket.answer and ticket.answered_at and (before is None or before.answered_at != ticket.answered_at):
        due.append(("answered", ticket.answered_at.isoformat()))
    return tuple(_notice(feedback, ticket, kind, cause, now=now, say=say) for kind, cause in due)


def receipt_notice(feedback: Feedback, *, now: datetime, say: Say) -> tuple[Notice, ...]:
    """Return the notice of the receipt, for who left an e-mail address."""
    if EMAIL not in feedback.reachable_by:
        return ()
    return (_notice(feedback, None, RECEIPT, RECEIPT, now=now, say=say),)


def is_stale(notice: Notice, *, now: datetime) -> bool:
    """Say whether a notice has waited too long to be sent any more."""
    return now - notice.created_at > STALE_AFTER


def _notice(
    feedback: Feedback, ticket: TicketState | None, kind: str, cause: str, *, now: datetime, say: Say
) -> Notice:
    due_at = ticket.response_due_at if ticket else feedback.promise.response_due_at
    params = {
        "code": format_tracking_code(feedback.tracking_code),
        "due": due_at.astimezone(VN).strftime("%d/%m/%Y"),
        "agency": (ticket.agency_name if ticket else None) or say("ingest.notice.agency_unnamed", {}),
    }
    named = f"{feedback.feedback_id}\n{cause}\n{kind}\n{EMAIL}"
    notice_id = hashlib.sha256(named.encode()).hexdigest()[:32]
    return Notice(
        notice_id=notice_id,
        feedback_id=feedback.feedback_id,
        cause=cause,
        kind=kind,
        recipient=EMAIL,
        subject=say(f"ingest.notice.{kind}.subject", params),
        body=say(f"ingest.notice.{kind}.body", params),
        message_id=f"<{notice_id}@hotline>",
        created_at=now,
    )
