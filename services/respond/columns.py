"""Decides what of a ticket the stores keep beside its document to find it by: flags, instants, agencies, files.

Every backend's store writes exactly these, so that a list means the same over all of them. Pure; it orders nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from hotline.plumbing.instants import sortable
from services.respond.access import is_open_to_staff
from services.respond.store import Attention
from services.respond.ticket import UNANSWERED, Status, Ticket

Column = str | bool | None
# Where nothing is due: after all instants there are, so that such tickets come last.
NEVER = "9999-12-31T23:59:59.999999+00:00"


def columns_of(ticket: Ticket, attention: Attention) -> dict[str, Column]:
    """Return the values that lists and counts are asked by, under their names; the same names for every ticket."""
    is_unanswered = ticket.is_received and ticket.status in UNANSWERED
    waits = ticket.acknowledgement is None or ticket.status in {Status.RECEIVED, Status.IN_REVIEW}
    broken_at = ticket.breaches[-1].detected_at if ticket.breaches else None
    return {
        "status": str(ticket.status),
        # What is not classified yet may be a denunciation: it is listed with the restricted until then.
        "restricted": ticket.restricted or ticket.classification is None,
        "urgent": ticket.urgent,
        "is_screened": bool(ticket.screening and ticket.screening.decision),
        "is_received": ticket.is_received,
        "is_unanswered": is_unanswered,
        "is_at_desk": is_unanswered and waits,
        "received_at": stamp(ticket.received_at) if ticket.is_received else None,
        "next_attention_at": stamp(attention.next_attention_at),
        "next_due_at": stamp(attention.next_due_at) or NEVER,
        "acknowledgement_due_at": stamp(attention.acknowledgement_due_at),
        "response_due_at": stamp(attention.response_due_at),
        "broken_at": stamp(broken_at),
        "is_late": is_unanswered and broken_at is not None,
        "duplicate_of": ticket.duplicate_of if ticket.status is Status.DUPLICATE else None,
    }


def agencies_of(ticket: Ticket) -> tuple[str, ...]:
    """Return the agencies in whose lists the ticket stands: none unless it is open to staff."""
    if ticket.route is None or not is_open_to_staff(ticket):
        return ()
    return tuple(sorted(ticket.route.agency_ids))


def files_of(ticket: Ticket) -> frozenset[str]:
    """Return the ids of the files that the ticket's draft and answers refer to."""
    drafted = ticket.draft.files if ticket.draft else ()
    answered = (file for answer in ticket.answers for file in answer.files)
    return frozenset(file.file_id for file in (*drafted, *answered))


def similar_of(ticket: Ticket) -> tuple[str, ...]:
    """Return the ids under which a ticket is found as one that is like them: none unless it is open to staff."""
    said = ticket.classification
    return tuple(sorted(set(said.similar))) if said is not None and is_open_to_staff(ticket) else ()


def open_others(ticket: Ticket, found: Iterable[Ticket]) -> list[Ticket]:
    """Return those of the tickets that are open to staff, each once and by id, without the one."""
    others = {other.feedback_id: other for other in found if is_open_to_staff(other)}
    others.pop(ticket.feedback_id, None)
    return [others[feedback_id] for feedback_id in sorted(others)]


def username_key(username: str) -> str:
    """Return what two user names share exactly when they are the same but for case."""
    return username.lower()


def stamp(at: datetime | None) -> str | None:
    """Return an instant as text that sorts as the instants do, None for none."""
    return sortable(at) if at else None


def counted(found: Mapping[str, int]) -> dict[Status, int]:
    """Return counts by the statuses' names as counts by status."""
    return {Status(name): count for name, count in found.items()}
