"""Decides what respond's word on a ticket does to the classification: a restriction holds at the review desk too.

Called by `actions` with the fact unsealed. Pure. A ticket restricted by hand is closed here as well; one that a
screener returned on its page is opened again, so that a later harmless word does not restrict it for nothing. It
never says what a feedback is about, and never who decided that.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.classify.classification import ReviewReason
from services.classify.documents import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketWord:
    """The newest of respond's states that was applied: its `(epoch, seq)`, whether restricted, and when it was said."""

    order: tuple[int, int]
    restricted: bool
    at: datetime


def followed(document: Classification, before: TicketWord | None, word: TicketWord) -> Classification:
    """Return the document after a newer word of respond; the same object when it says nothing new."""
    was_restricted = before is not None and before.restricted
    if word.restricted and not document.state.restricted:
        # A screener's decision here that respond has not read yet is not undone by what respond said before it.
        is_on_its_way = was_restricted and document.state.decided_as_screener
        return document if is_on_its_way else restricted(document)
    if was_restricted and not word.restricted and document.state.restricted:
        # A suspicion that is newer than the return stands: respond will restrict the ticket again.
        return document if document.state.decided_at > word.at else returned(document)
    return document


def restricted(document: Classification) -> Classification:
    """Close the document to all but screeners; one of them must look."""
    reasons = (*without_restricted(document.state.review_reasons), ReviewReason.RESTRICTED)
    return counted_on(document, restricted=True, needs_review=True, review_reasons=reasons, decided_as_screener=False)


def returned(document: Classification) -> Classification:
    """Open the document again; what waited for a person still does."""
    reasons = without_restricted(document.state.review_reasons)
    return counted_on(document, restricted=False, review_reasons=reasons)


def without_restricted(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return the other reasons why a person must look."""
    return tuple(reason for reason in reasons if reason != ReviewReason.RESTRICTED)


def counted_on(document: Classification, **changes: object) -> Classification:
    """Return the next version with a changed state, whose instant and author stay."""
    state = replace(document.state, **changes)  # type: ignore[arg-type]
    return replace(document, state=state, seq=document.seq + 1, version=document.version + 1)
