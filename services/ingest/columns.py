"""Decides what of a feedback the stores keep beside its document to find it by; every backend's store keeps these.

Pure: it orders nothing and asks nothing.
"""

from msgspec import Struct

from hotline.plumbing.instants import sortable
from services.ingest.documents import Feedback
from services.ingest.following import is_open_to_staff, tell_since_of


class Columns(Struct, frozen=True, kw_only=True):
    """What lists ask for; instants as text that sorts as they do.

    `is_ticketless`: respond has said nothing yet. `is_shown`: its sender may be shown to who takes their next call.
    `tell_since`: since when its answer waits to be told by telephone, None when it does not.
    """

    recorded_at: str
    is_ticketless: bool
    is_shown: bool
    tell_since: str | None


def columns_of(feedback: Feedback) -> Columns:
    """Return what lists ask for of a feedback as it is now."""
    tell_since = tell_since_of(feedback)
    return Columns(
        recorded_at=sortable(feedback.recorded_at),
        is_ticketless=feedback.ticket is None,
        is_shown=is_open_to_staff(feedback.ticket),
        tell_since=sortable(tell_since) if tell_since else None,
    )
