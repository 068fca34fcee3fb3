"""Decides what becomes of the tickets that were merged with another one, when something becomes of that one.

Called by the consumer for each of respond's own facts and for each erasure: what is answered answers its duplicates
too, what ends without an answer or goes out of sight gives them back to the desk. Every question is asked of the store
as it is now, so that repeats, any order and a death in between change nothing in the end. What is carried is the answer
alone, and nothing of a ticket or an answer that is restricted.
"""

from datetime import datetime
from enum import Enum, auto

from hotline.plumbing.failures import WorldIsDown
from services.respond.access import is_open_to_staff
from services.respond.actions import SAVE_ATTEMPTS, Desk, save
from services.respond.inputs import Inputs
from services.respond.store import Conflict, FileIsGone, RespondStore
from services.respond.ticket import SYSTEM, UNANSWERED, Action, Status, Ticket
from services.respond.workflow import apply, has_open_answer

# The same whatever became of the original: whoever reads it must not learn that it was restricted.
GIVEN_BACK = "Không gửi chung được câu trả lời của phiếu gốc, cần xem riêng phiếu này"


class Fate(Enum):
    """What a ticket means for those that were merged with it."""

    OPEN = auto()
    ANSWERED = auto()
    GONE = auto()


def fate_of(original: Ticket | None) -> Fate:
    """Return what an original means for its duplicates now; None is one that was erased.

    One that is itself a duplicate is open: its duplicates follow when its own original is answered.
    """
    if original is None or original.restricted:
        return Fate.GONE
    if has_open_answer(original):
        return Fate.ANSWERED
    return Fate.OPEN if original.status in UNANSWERED | {Status.DUPLICATE} else Fate.GONE


def followed(ticket: Ticket, original: Ticket | None, now: datetime) -> Ticket:
    """Return a ticket after what became of its original; the same object where there is nothing to do (any more)."""
    if ticket.status is not Status.DUPLICATE:
        return ticket
    match fate_of(original):
        case Fate.ANSWERED:
            assert original is not None
            return apply(ticket, Action.CARRY_ANSWER, SYSTEM, now, **Inputs(original=original))
        case Fate.GONE:
            return apply(ticket, Action.RESTORE, SYSTEM, now, note=GIVEN_BACK)
        case Fate.OPEN:
            return ticket


async def bring_along(desk: Desk, feedback_id: str, now: datetime) -> list[Ticket]:
    """Let what became of a ticket reach its duplicates, or it itself where it is one; returns what was changed.

    Looks at one ticket by its id where there is nothing to do. What changes here says so in facts of its own, by which
    the duplicates of duplicates follow. Raises WorldIsDown at once; when all were tried, what kept the first from it
    (Conflict when somebody changed it each time).
    """
    ticket = await desk.store.get(feedback_id)
    if ticket is not None and ticket.status is Status.DUPLICATE:
        waiting = [ticket]
    elif fate_of(ticket) is Fate.OPEN:
        return []
    else:
        waiting = await desk.store.duplicates_of(feedback_id)
    changed: list[Ticket] = []
    failures: list[Exception] = []
    for duplicate in waiting:
        try:
            after = await bring(desk, duplicate.feedback_id, now)
        except WorldIsDown:
            raise
        except Exception as error:  # noqa: BLE001 - one ticket must not keep the answer from all others
            failures.append(error)
        else:
            changed += [after] if after is not None else []
    if failures:
        raise failures[0]
    return changed


async def bring(desk: Desk, feedback_id: str, now: datetime) -> Ticket | None:
    """Save one ticket as its original leaves it; None when that changed nothing.

    An answer whose file is gone (erased with the original meanwhile, or lost) is not carried in part: a person looks.
    """
    is_file_gone = False
    for _ in range(SAVE_ATTEMPTS):
        ticket = await desk.store.get(feedback_id)
        if ticket is None or ticket.status is not Status.DUPLICATE:
            return None
        after = followed(ticket, None if is_file_gone else await original_of(desk.store, ticket), now)
        if after is ticket:
            return None
        try:
            return await save(desk, after, now)
        except Conflict:
            continue
        except FileIsGone:
            is_file_gone = True
    raise Conflict(feedback_id)


async def original_of(store: RespondStore, ticket: Ticket) -> Ticket | None:
    """Return the ticket that one was merged with; None when it is gone, or waits for this one in its turn."""
    original = await above(store, ticket)
    return None if await goes_round(store, original, ticket.feedback_id) else original


async def above(store: RespondStore, ticket: Ticket) -> Ticket | None:
    """Return the ticket for which one waits as a duplicate, None when it waits for none that is there."""
    if ticket.status is not Status.DUPLICATE or ticket.duplicate_of is None:
        return None
    return await store.get(ticket.duplicate_of)


async def goes_round(store: RespondStore, original: Ticket | None, feedback_id: str) -> bool:
    """Say whether what was merged with an original, itself or over others, is the ticket of this id: they would wait
    for each other for ever. A ring that the ticket only leads to is for those in it to break."""
    seen: set[str] = set()
    while original is not None and original.feedback_id not in seen:
        if original.feedback_id == feedback_id:
            return True
        seen.add(original.feedback_id)
        original = await above(store, original)
    return False


async def count_waiting(store: RespondStore, ticket: Ticket) -> int:
    """Count the other citizens whom the ticket's answer goes to: its duplicates, and theirs; 0 when it is not open."""
    if not is_open_to_staff(ticket):
        return 0
    seen, ahead = {ticket.feedback_id}, [ticket.feedback_id]
    while ahead:
        found = await store.duplicates_of(ahead.pop())
        new = {duplicate.feedback_id for duplicate in found} - seen
        seen |= new
        ahead += new
    return len(seen) - 1
