"""Builds what classify stores, for the tests of its store."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hotline.facts import Channel, Fact
from hotline.plumbing.backend import Backend
from hotline.taxonomy import PetitionKind
from services.classify.documents import Classification, Decision, fact_of
from services.classify.opening import RELAYED
from services.classify.store import Label
from services.classify.ticket_word import TicketWord
from tests.contract.facts_for_tests import judged
from tests.stores.watching import carried

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WORDS = "Đường trước cổng trường có ổ gà"
SECOND = timedelta(seconds=1)
A_MOMENT = timedelta(microseconds=1)

# What the consuming loop calls for each fact.
Arrive = Callable[[Fact], Awaitable[None]]


def classification(feedback_id: str = "f1", *, received_at: datetime = NOW, **state: Any) -> Classification:
    """Return the first document of a feedback that waits for a person; `state` replaces what is judged."""
    said = judged(**({"needs_review": True} | state))
    return Classification(
        feedback_id=feedback_id,
        channel=Channel.WEB,
        received_at=received_at,
        text=WORDS,
        place_name="Xã Yên Minh, Tỉnh Tuyên Quang",
        source_order=(0, 1),
        suggested=said,
        state=said,
    )


def next_of(document: Classification, **state: Any) -> Classification:
    """Return the next version of a document, with a changed state."""
    changed = replace(document.state, **state)
    return replace(document, state=changed, seq=document.seq + 1, version=document.version + 1)


def decided_by_lan(document: Classification, at: datetime = NOW, **state: Any) -> Classification:
    """Return the next version, in which a person has decided."""
    decided = next_of(document, **({"needs_review": False, "decided_by": "lan"} | state))
    said = decided.state
    decision = Decision(
        at=at, by="lan", code=said.code, second=None, petition_kind=said.petition_kind, restricted=said.restricted,
        urgent=said.urgent, is_correction=False,
    )  # fmt: skip
    return replace(decided, decisions=(*document.decisions, decision))


def told(document: Classification) -> tuple[Fact]:
    """Return the fact that says a document's state."""
    return (fact_of(document, at=NOW),)


def label(feedback_id: str = "f1", at: datetime = NOW, code: str = "7.1") -> Label:
    """Return a person's word as training data."""
    return Label(
        feedback_id=feedback_id, text=WORDS, code=code, petition_kind=PetitionKind.KHIEU_NAI, urgent=True,
        model_version="m1", was_correct=False, at=at,
    )  # fmt: skip


def word(epoch: int, seq: int, *, restricted: bool = False) -> TicketWord:
    """Return respond's word of that order."""
    return TicketWord(order=(epoch, seq), restricted=restricted, at=NOW + seq * A_MOMENT)


async def facts_on_the_bus(backend: Backend) -> list[Fact]:
    """Return what classify told."""
    return await carried(backend, "classify", RELAYED)
