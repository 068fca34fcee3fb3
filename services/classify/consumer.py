"""classify's reading of the log: new words are judged, restricted tickets closed, erased feedback forgotten."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from hotline.facts import Fact, FactKind
from hotline.plumbing.log import step
from services.classify.actions import Judge, classify, follow_ticket
from services.classify.store import ClassifyStore

GROUP = "classify"
WITH_WORDS = frozenset({FactKind.FEEDBACK_RECEIVED, FactKind.FEEDBACK_FOLLOWED_UP})
KINDS = WITH_WORDS | {FactKind.FEEDBACK_ERASED, FactKind.TICKET_CHANGED}


def handler(store: ClassifyStore, judge: Judge, clock: Callable[[], datetime]) -> Callable[[Fact], Awaitable[None]]:
    """Return what the consuming loop calls for each fact; harmless when a fact comes again."""

    async def handle(fact: Fact) -> None:
        if fact.kind is FactKind.FEEDBACK_ERASED:
            await store.erase(fact.feedback_id)
        elif fact.kind is FactKind.TICKET_CHANGED:
            await follow_ticket(store, fact, clock())
        elif fact.kind in WITH_WORDS:
            document = await classify(store, judge, fact, clock())
            if document is not None:
                said = document.state
                step(
                    "classified",
                    feedback_id=fact.feedback_id,
                    needs_review=said.needs_review,
                    model_version=said.model_version,
                )

    return handle
