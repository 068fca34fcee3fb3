"""ingest's reading of the log: respond's states are kept for the citizen's page, all else passes by."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from hotline.facts import Fact, FactKind
from services.ingest import actions

GROUP = "ingest"
KINDS = frozenset({FactKind.TICKET_CHANGED})


def handler(intake: actions.Intake, clock: Callable[[], datetime]) -> Callable[[Fact], Awaitable[None]]:
    """Return what the consuming loop calls for each fact; harmless when a fact comes again or late."""

    async def handle(fact: Fact) -> None:
        if fact.kind is FactKind.TICKET_CHANGED:
            await actions.apply_ticket_changed(intake, fact, now=clock())

    return handle
