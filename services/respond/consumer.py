"""respond's reading of the log: receipts and classifications reach tickets, erased feedback is forgotten.

Its own facts come back to it too, so that what became of a ticket reaches those merged with it, whoever dies when.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from hotline.facts import Fact, FactKind
from hotline.plumbing.log import step
from services.respond.actions import Desk, apply_fact
from services.respond.duplicates import bring_along
from services.respond.ticket import Ticket

GROUP = "respond"
FOR_TICKETS = frozenset({FactKind.FEEDBACK_RECEIVED, FactKind.FEEDBACK_FOLLOWED_UP, FactKind.FEEDBACK_CLASSIFIED})
FOR_DUPLICATES = frozenset({FactKind.TICKET_CHANGED, FactKind.FEEDBACK_ERASED})
KINDS = FOR_TICKETS | FOR_DUPLICATES


def handler(desk: Desk, clock: Callable[[], datetime]) -> Callable[[Fact], Awaitable[None]]:
    """Return what the consuming loop calls for each fact; harmless when a fact comes again."""

    async def handle(fact: Fact) -> None:
        if fact.kind is FactKind.FEEDBACK_ERASED:
            await desk.store.release_files(await desk.store.erase(fact.feedback_id))
        changed: list[Ticket] = []
        if fact.kind in FOR_DUPLICATES:
            changed = await bring_along(desk, fact.feedback_id, clock())
        elif fact.kind in FOR_TICKETS:
            ticket = await apply_fact(desk, fact, clock())
            changed = [ticket] if ticket is not None else []
        for ticket in changed:
            # Neither status nor agency of any: where they were missing, a restricted one would be known.
            step("ticket_changed", feedback_id=ticket.feedback_id, cause=fact.cause, version=ticket.version)

    return handle
