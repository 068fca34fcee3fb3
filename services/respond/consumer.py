"""respond's reading of the log: receipts and classifications reach tickets, erased feedback is forgotten."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from hotline.facts import Fact, FactKind
from hotline.plumbing.log import step
from services.respond.actions import Desk, apply_fact

GROUP = "respond"
FOR_TICKETS = frozenset({FactKind.FEEDBACK_RECEIVED, FactKind.FEEDBACK_FOLLOWED_UP, FactKind.FEEDBACK_CLASSIFIED})
KINDS = FOR_TICKETS | {FactKind.FEEDBACK_ERASED}


def handler(desk: Desk, clock: Callable[[], datetime]) -> Callable[[Fact], Awaitable[None]]:
    """Return what the consuming loop calls for each fact; harmless when a fact comes again."""

    async def handle(fact: Fact) -> None:
        if fact.kind is FactKind.FEEDBACK_ERASED:
            await desk.store.release_files(await desk.store.erase(fact.feedback_id))
        elif fact.kind in FOR_TICKETS:
            ticket = await apply_fact(desk, fact, clock())
            if ticket is not None:
                # Neither status nor agency of any: where they were missing, a restricted one would be known.
                step("ticket_changed", feedback_id=fact.feedback_id, cause=fact.cause, version=ticket.version)

    return handle
