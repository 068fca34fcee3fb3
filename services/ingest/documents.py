"""Decides the shape of what ingest stores: one `Feedback` per message, with what is known of its sender.

Called by the actions and both stores; `state_of` is the only way out onto the bus, and it leaves the sender behind.
A stored document carries its `schema`; adding an optional field keeps it, anything else is a new one.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hotline.facts import (
    Attachment,
    CallAcknowledgement,
    Channel,
    Erased,
    Fact,
    FactKind,
    FeedbackState,
    FollowUp,
    Producer,
    State,
    TicketState,
    fact_id_of,
)
from hotline.places import Place
from hotline.plumbing.failures import FactWaits
from hotline.promises import Promise

SCHEMA = 1


class Reporter(Struct, frozen=True, kw_only=True):
    """Who sent it, as far as they said; `phone` is E.164. Never leaves ingest."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


class Slip(Struct, frozen=True, kw_only=True):
    """Which slip of which suggestion box; `row` is the row of the file it was typed into."""

    box_id: str
    opened_at: datetime
    row: int


class Call(Struct, frozen=True, kw_only=True):
    """The 1022 call a feedback came from."""

    call_id: str
    operator: str
    ended_at: datetime | None = None


class Feedback(Struct, frozen=True, kw_only=True):
    """What a citizen sent, never edited, with what followed.

    `received_at` starts the clocks; `recorded_at` is when it was written down (later for paper). `fingerprint` tells a
    repeat from a different body under the same key. `ticket` is respond's newest state and `ticket_order` its
    `(epoch, seq)`. `version` guards against lost updates, `(epoch, seq)` counts ingest's own facts.
    """

    feedback_id: str
    tracking_code: str
    channel: Channel
    text: str
    received_at: datetime
    recorded_at: datetime
    promise: Promise
    fingerprint: str
    place: Place | None = None
    reporter: Reporter | None = None
    reachable_by: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    external_id: str | None = None
    slip: Slip | None = None
    call: Call | None = None
    entered_by: str | None = None
    acknowledged_in_call: CallAcknowledgement | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    ticket: TicketState | None = None
    ticket_order: tuple[int, int] | None = None
    offered_at: datetime | None = None
    epoch: int = 0
    seq: int = 1
    version: int = 1
    schema: int = SCHEMA


class RowFault(Struct, frozen=True, kw_only=True):
    """Why one row of a batch was not taken; `params` never quotes the slip."""

    row: int
    field: str
    code: str
    params: tuple[tuple[str, str], ...] = ()


class Batch(Struct, frozen=True, kw_only=True):
    """How far a batch of slips has come; the same file for the same box and opening is the same batch."""

    batch_id: str
    file_name: str
    started_at: datetime
    entered_by: str
    total: int
    done: int = 0
    accepted: int = 0
    known: int = 0
    faults: tuple[RowFault, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    ignored_sheets: tuple[str, ...] = ()
    schema: int = SCHEMA

    @property
    def is_finished(self) -> bool:
        """Whether every row was taken or named."""
        return self.done >= self.total


class Notice(Struct, frozen=True, kw_only=True):
    """A message to a person, kept as a row: unique on (feedback, cause, kind, recipient), sent at most once."""

    notice_id: str
    feedback_id: str
    cause: str
    kind: str
    recipient: str
    subject: str
    body: str
    message_id: str
    created_at: datetime
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    given_up_because: str | None = None
    schema: int = SCHEMA

    @property
    def is_waiting(self) -> bool:
        """Whether it is neither sent nor given up."""
        return self.sent_at is None and self.given_up_at is None


class UnknownSchema(FactWaits):
    """A stored document is newer than this release: it is never guessed at, and waits for the release that knows it."""


_FEEDBACK = msgspec.json.Decoder(Feedback)
_BATCH = msgspec.json.Decoder(Batch)
_NOTICE = msgspec.json.Decoder(Notice)
_ENCODER = msgspec.json.Encoder()


def encode(document: Feedback | Batch | Notice) -> bytes:
    """Return the document as it is stored: JSON with aware UTC instants."""
    return _ENCODER.encode(document)


def decode_feedback(stored: bytes) -> Feedback:
    """Return the stored feedback; raises UnknownSchema for one that a newer release wrote."""
    feedback = _FEEDBACK.decode(stored)
    if feedback.schema > SCHEMA:
        raise UnknownSchema(f"feedback document of schema {feedback.schema}; this release knows {SCHEMA}")
    return feedback


def decode_batch(stored: bytes) -> Batch:
    """Return the stored batch."""
    return _BATCH.decode(stored)


def decode_notice(stored: bytes) -> Notice:
    """Return the stored notice."""
    return _NOTICE.decode(stored)


def state_of(feedback: Feedback) -> FeedbackState:
    """Return what the other services may know: the words and the promise, never who sent them."""
    return FeedbackState(
        channel=feedback.channel,
        text=feedback.text,
        received_at=feedback.received_at,
        promise=feedback.promise,
        place=feedback.place,
        attachments=feedback.attachments,
        reachable_by=feedback.reachable_by,
        external_id=feedback.external_id,
        acknowledged_in_call=feedback.acknowledged_in_call,
        follow_ups=feedback.follow_ups,
    )


def fact_of(feedback: Feedback, kind: FactKind, *, cause: str, at: datetime) -> Fact:
    """Return the fact that says the feedback's state after its newest change; the same for the same `(epoch, seq)`."""
    return _fact(feedback, kind, state_of(feedback), cause=cause, at=at)


def erasure_of(feedback: Feedback, *, at: datetime) -> Fact:
    """Return the fact that tells the other services to let go of the feedback."""
    gone = replace(feedback, seq=feedback.seq + 1)
    return _fact(gone, FactKind.FEEDBACK_ERASED, Erased(erased_at=at), cause="erased", at=at)


def _fact(feedback: Feedback, kind: FactKind, state: State, *, cause: str, at: datetime) -> Fact:
    return Fact(
        fact_id=fact_id_of(Producer.INGEST, feedback.feedback_id, feedback.epoch, feedback.seq),
        kind=kind,
        feedback_id=feedback.feedback_id,
        producer=Producer.INGEST,
        epoch=feedback.epoch,
        seq=feedback.seq,
        at=at,
        cause=cause,
        state=state,
    )


def followed_up(feedback: Feedback, follow_up: FollowUp) -> Feedback:
    """Return the feedback with one more later word and its counters moved on."""
    follow_ups = (*feedback.follow_ups, follow_up)
    return replace(feedback, follow_ups=follow_ups, seq=feedback.seq + 1)


def file_ids_of(feedbacks: Iterable[Feedback]) -> frozenset[str]:
    """Return the ids of every file these feedbacks keep."""
    return frozenset(file.file_id for feedback in feedbacks for file in feedback.attachments)
