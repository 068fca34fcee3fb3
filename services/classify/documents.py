"""What classify keeps of one feedback: the words to judge, the newest judgement, and every decision of a person.

`said_of` is the only way out onto the bus. A stored document carries its `schema`; adding an optional field keeps
it, anything else is a new one. Decisions are only appended.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from hotline.facts import Channel, ClassificationState, Fact, FactKind, Producer, fact_id_of
from hotline.plumbing.failures import FactWaits
from hotline.taxonomy import PetitionKind

SCHEMA = 1
CAUSE = "judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's word on what a feedback is about; `is_correction` when it differs from what stood before."""

    at: datetime
    by: str
    code: str
    second: str | None
    petition_kind: PetitionKind
    restricted: bool
    urgent: bool
    is_correction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """One feedback on the review desk. `source_order` is the newest ingest fact applied, `(epoch, seq)` our own.

    `suggested` is what the model last said; `state` what holds now. `text` is the message with what the citizen added;
    `other_words` are not judged, but a person whom they name may not see it. `signature` stands for the words of `text`
    (see `likeness`); `similar` are the feedback found to be like it, told only while it is open.
    """

    feedback_id: str
    channel: Channel
    received_at: datetime
    text: str
    place_name: str
    source_order: tuple[int, int]
    suggested: ClassificationState
    state: ClassificationState
    other_words: str = ""
    commune_code: str = ""
    signature: bytes = b""
    similar: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    epoch: int = 0
    seq: int = 1
    version: int = 1
    schema: int = SCHEMA


class UnknownSchema(FactWaits):
    """A stored document is newer than this release: it is never guessed at, and waits for the release that knows it."""


_DECODER = msgspec.json.Decoder(Classification)
_ENCODER = msgspec.json.Encoder()


def encode(document: Classification) -> bytes:
    """Return the document as it is stored."""
    return _ENCODER.encode(document)


def decode(stored: bytes) -> Classification:
    """Return the stored document; raises UnknownSchema for one that a newer release wrote."""
    document = _DECODER.decode(stored)
    if document.schema > SCHEMA:
        raise UnknownSchema(f"classification document of schema {document.schema}; this release knows {SCHEMA}")
    return document


def said_of(document: Classification) -> ClassificationState:
    """Return what is told of a classification; what it is like only while it is open."""
    return replace(document.state, similar=() if document.state.restricted else document.similar)


def fact_of(document: Classification, *, at: datetime) -> Fact:
    """Return the fact that says the classification after its newest change; its open cause is the same for all."""
    return Fact(
        fact_id=fact_id_of(Producer.CLASSIFY, document.feedback_id, document.epoch, document.seq),
        kind=FactKind.FEEDBACK_CLASSIFIED,
        feedback_id=document.feedback_id,
        producer=Producer.CLASSIFY,
        epoch=document.epoch,
        seq=document.seq,
        at=at,
        cause=CAUSE,
        state=said_of(document),
    )
