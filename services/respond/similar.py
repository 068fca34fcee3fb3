"""Decides which other tickets a person is shown as perhaps the same trouble, and whether they are a burst.

Called by the ticket's page and the desk's list each time they are shown: what was restricted or erased since classify
suggested it is not among them, and of a ticket that is not open to staff nothing is suggested. Suggests only; whether
two tickets are merged is a triage officer's to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.bursts import burst_of
from hotline.roles import Session
from services.respond.access import is_open_to_staff, listed, ticket_for
from services.respond.actions import Desk
from services.respond.ticket import ENDED, Ticket

# How many tickets named by a ticket, and how many that name it, are looked at.
MOST_SIMILAR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """What a page says: the tickets like this one, the newest first, and how many the burst has (0: none)."""

    tickets: tuple[Ticket, ...] = ()
    burst: int = 0


async def similar_to(desk: Desk, session: Session, ticket: Ticket) -> Similar:
    """Return what this person may know now of tickets like this one."""
    if not is_open_to_staff(ticket):
        return Similar()
    found = listed(ticket_for, session, await desk.store.similar(ticket, MOST_SIMILAR))
    others = [other for other in found if is_open_to_staff(other)]
    others.sort(key=lambda other: (other.received_at, other.feedback_id), reverse=True)
    receipts = [(other.received_at, commune_of(other)) for other in others]
    return Similar(tickets=tuple(others), burst=burst_of(ticket.received_at, commune_of(ticket), receipts))


def commune_of(ticket: Ticket) -> str:
    """Return the code of the commune that a ticket is about, "" where none is named."""
    return (ticket.place.commune_code or "") if ticket.place else ""


def merge_into(ticket: Ticket, others: Sequence[Ticket]) -> str:
    """Return the id of the ticket that the form for a duplicate begins with, "" for none.

    The first that was received and has not ended; the ticket itself is never merged into a later one.
    """
    earlier = [other for other in others if other.received_at < ticket.received_at and other.status not in ENDED]
    return min(earlier, key=lambda other: (other.received_at, other.feedback_id)).feedback_id if earlier else ""
