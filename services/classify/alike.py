"""Finds the open messages that may be about the same trouble as another: what classify tells respond and reviewers.

Called by `actions` before a classification is saved, and by the review page each time it is shown, so that a message
restricted or erased meanwhile is not in it. Two like messages judged in the same moment by two processes may miss each
other in what is told; the later look of the page finds both.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from hotline.plumbing.periodic import Periodic
from services.classify.documents import Classification
from services.classify.likeness import KEPT_FOR, PER_KEY, WINDOW, keys_of, likest
from services.classify.store import ClassifyStore

AT_ONCE = 500


async def alike(store: ClassifyStore, document: Classification) -> list[Classification]:
    """Return the open messages like this one, the likest first; none for a restricted one."""
    keys = keys_of(document)
    if not keys:
        return []
    at = document.received_at
    return likest(document, await store.alike(keys, since=at - WINDOW, until=at + WINDOW, per_key=PER_KEY))


async def linked(store: ClassifyStore, document: Classification) -> Classification:
    """Return the document with the ids of the open messages like it."""
    found = await alike(store, document)
    return replace(document, similar=tuple(other.feedback_id for other in found))


async def relinked(store: ClassifyStore, before: Classification, after: Classification) -> Classification:
    """Return the document linked anew where it was opened or restricted, else as it is."""
    return after if before.state.restricted == after.state.restricted else await linked(store, after)


async def forget(store: ClassifyStore, now: datetime) -> None:
    """Remove what messages are found by that nothing new can be like any more; in parts, so that nobody waits long."""
    while await store.forget_likeness(now - KEPT_FOR, AT_ONCE):
        pass


def forgetting(store: ClassifyStore, clock: Callable[[], datetime]) -> Periodic:
    """Return the loop that forgets once an hour."""
    return Periodic(do=lambda: forget(store, clock()), period_s=3600.0, event="forgetting_waits")
