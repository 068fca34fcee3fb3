"""Decides who may see a ticket: one function for each audience, and no page gets a ticket in another way.

Each returns the ticket or None, and None means "there is no such ticket": a page must not tell the two apart.
A restricted ticket is for the named screener and the inspectors alone, and for none of them whom it names; so is one
that classify has not judged yet, as it may be a denunciation: they keep its 24 hours while the model is down.
Names are compared without diacritics and case, however either was typed; nicknames and teencode of names are
not recognised.
"""

from collections.abc import Callable, Iterable

from hotline.named_people import is_named_in
from hotline.roles import AGENCY_ROLES, DESK_ROLES, Role, Session
from services.respond.ticket import SCREENING_ROLES, Ticket

View = Callable[[Session, Ticket], Ticket | None]


def ticket_for_desk(session: Session, ticket: Ticket) -> Ticket | None:
    """For operators and triage officers of the receiving desk: every ticket that is open to staff."""
    return ticket if session.role in DESK_ROLES and is_open_to_staff(ticket) else None


def ticket_for_agency(session: Session, ticket: Ticket) -> Ticket | None:
    """For staff and heads of an agency: tickets on whose route it stands, as lead, implementer or
    answering."""
    if session.role not in AGENCY_ROLES or not is_open_to_staff(ticket) or ticket.route is None:
        return None
    return ticket if session.agency_id in ticket.route.agency_ids else None


def ticket_for_coordinator(session: Session, ticket: Ticket) -> Ticket | None:
    """For the coordinator who urges and reports: every ticket that is open to staff."""
    return ticket if session.role == Role.COORDINATOR and is_open_to_staff(ticket) else None


def ticket_for_inspector(session: Session, ticket: Ticket) -> Ticket | None:
    """For inspectors: every ticket, but none that names them and is not open to staff."""
    if session.role != Role.INSPECTOR or not ticket.is_received:
        return None
    return None if not is_open_to_staff(ticket) and is_named_in(session.full_name, words_of(ticket)) else ticket


def ticket_for_screener(session: Session, ticket: Ticket) -> Ticket | None:
    """For the named screener: restricted and unclassified tickets, but none that names them."""
    if not session.is_screener or session.role not in SCREENING_ROLES:
        return None
    if not ticket.is_received or is_open_to_staff(ticket):
        return None
    return None if is_named_in(session.full_name, words_of(ticket)) else ticket


VIEWS: tuple[View, ...] = (
    ticket_for_desk,
    ticket_for_agency,
    ticket_for_coordinator,
    ticket_for_inspector,
    ticket_for_screener,
)


def ticket_for(session: Session, ticket: Ticket) -> Ticket | None:
    """For a page that several audiences share: the ticket when any of them lets this person see it."""
    return next((seen for view in VIEWS if (seen := view(session, ticket)) is not None), None)


def listed(view: View, session: Session, tickets: Iterable[Ticket]) -> list[Ticket]:
    """Return those tickets of a list that an audience may see, in their order."""
    return [ticket for ticket in tickets if view(session, ticket) is not None]


def is_open_to_staff(ticket: Ticket) -> bool:
    """Say whether a ticket has been received and classified, and is not restricted."""
    return ticket.is_received and ticket.classification is not None and not ticket.restricted


def words_of(ticket: Ticket) -> str:
    """Return every word of the citizen that a ticket holds."""
    place = ticket.place.detail if ticket.place else ""
    said = [follow_up.text for follow_up in ticket.follow_ups]
    noted = [entry.note for entry in ticket.history]
    return "\n".join([ticket.text, place, *said, *noted])
