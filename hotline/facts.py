"""The facts through which the three services meet; the only coupling between them.

Every fact carries its producer's whole current state of one feedback, so the newest `(epoch, seq)` of a producer
wins, a gap or a repeat is harmless, and any order ends in the same state. No contact data is in any fact. What
quotes the citizen is named in `SEALED_FIELDS` and travels encrypted (`hotline/plumbing/seal.py`).

Adding an optional field keeps `SCHEMA`; anything else is a new one (docs/facts.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from hotline.places import Place
from hotline.promises import Promise
from hotline.taxonomy import PetitionKind

SCHEMA = 1


class Channel(StrEnum):
    """Where a feedback came in."""

    WEB = "web"
    HOTLINE = "hotline"
    BOX = "box"
    RECEPTION = "reception"


class Producer(StrEnum):
    """The service whose state a fact carries."""

    INGEST = "ingest"
    CLASSIFY = "classify"
    RESPOND = "respond"


class FactKind(StrEnum):
    """What happened."""

    FEEDBACK_RECEIVED = "feedback.received"
    FEEDBACK_FOLLOWED_UP = "feedback.followed_up"
    FEEDBACK_ERASED = "feedback.erased"
    FEEDBACK_CLASSIFIED = "feedback.classified"
    TICKET_CHANGED = "ticket.changed"
    ACCOUNT_CHANGED = "account.changed"


class FollowUpKind(StrEnum):
    """What the citizen, or an operator for the citizen, said after the receipt."""

    ADDED = "added"
    RATED = "rated"
    REOPEN_REQUESTED = "reopen_requested"
    WITHDRAWN = "withdrawn"
    ANSWER_TOLD = "answer_told"


class Outcome(StrEnum):
    """How an answer settles the matter."""

    SETTLED = "settled"
    PROMISED = "promised"
    CANNOT_BE_SETTLED = "cannot_be_settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file kept by ingest; `file_id` is the SHA-256 of what is stored."""

    file_id: str
    media_type: str
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAcknowledgement:
    """The caller was told on the line: received, who answers, by when."""

    by: str
    at: datetime
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """One later word on a feedback; `by` is `citizen` or an account id, `rating` 1 to 5."""

    at: datetime
    kind: FollowUpKind
    text: str
    by: str
    rating: int | None = None


class FeedbackState(Struct, frozen=True, kw_only=True):
    """ingest's state: what was received and promised. `reachable_by` names ways, never an address."""

    channel: Channel
    text: str
    received_at: datetime
    promise: Promise
    place: Place | None = None
    attachments: tuple[Attachment, ...] = ()
    reachable_by: tuple[str, ...] = ()
    external_id: str | None = None
    acknowledged_in_call: CallAcknowledgement | None = None
    follow_ups: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationState:
    """classify's state: what the feedback is about; `decided_by` is `model` or the reviewer's account id.

    `reasons` are the citizen's words that decided; `review_reasons` say in codes why a person must look.
    `decided_as_screener` says that a named screener decided it while it was restricted: only that lifts a restriction.
    `similar` are ids of other feedback that may be about the same trouble, the likest first; none of or for a
    restricted one as far as classify knew: whoever shows them asks again who may see them.
    """

    scheme: str
    scheme_version: str
    code: str
    petition_kind: PetitionKind
    restricted: bool
    urgent: bool
    language: str
    confidence: float
    needs_review: bool
    model_version: str
    decided_by: str
    decided_at: datetime
    second: str | None = None
    scores: tuple[tuple[str, float], ...] = ()
    reasons: tuple[str, ...] = ()
    review_reasons: tuple[str, ...] = ()
    decided_as_screener: bool = False
    similar: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAnswer:
    """The signed answer as the citizen reads it."""

    text: str
    number: str
    signed_on: date
    signatory: str
    agency_name: str
    outcome: Outcome
    promised_on: date | None = None
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketState:
    """respond's state, as far as others may know it; of a restricted ticket neither field, code nor agency.

    `told_at` is when a person told the answer to a citizen who left only a phone number.
    """

    status: str
    restricted: bool
    acknowledgement_due_at: datetime
    response_due_at: datetime
    field: str | None = None
    code: str | None = None
    agency_id: str | None = None
    agency_name: str | None = None
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    told_at: datetime | None = None
    answer: PublicAnswer | None = None
    question: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account as every service must know it: sessions issued before `revoked_before` no longer hold."""

    account_id: str
    is_active: bool
    revoked_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The feedback was erased: whatever a store holds of it goes."""

    erased_at: datetime


State = FeedbackState | ClassificationState | TicketState | AccountState | Erased

STATES: Mapping[FactKind, type[State]] = {
    FactKind.FEEDBACK_RECEIVED: FeedbackState,
    FactKind.FEEDBACK_FOLLOWED_UP: FeedbackState,
    FactKind.FEEDBACK_ERASED: Erased,
    FactKind.FEEDBACK_CLASSIFIED: ClassificationState,
    FactKind.TICKET_CHANGED: TicketState,
    FactKind.ACCOUNT_CHANGED: AccountState,
}

# What quotes people, and whatever could tell a suspected denunciation from any other matter: of classification and
# ticket only what says nothing of the matter lies open. `place` is sealed as its detail (thôn, tổ, a house) can name
# the writer. A fact's `cause` lies open too: it is one word a kind for both.
SEALED_FIELDS: Mapping[type[State], tuple[str, ...]] = {
    FeedbackState: ("text", "place", "attachments", "external_id", "acknowledged_in_call", "follow_ups"),
    ClassificationState: (
        "code",
        "second",
        "petition_kind",
        "restricted",
        "urgent",
        "language",
        "confidence",
        "needs_review",
        "decided_by",
        "decided_as_screener",
        "scores",
        "reasons",
        "review_reasons",
        "similar",
    ),
    TicketState: (
        "status",
        "restricted",
        "field",
        "code",
        "agency_id",
        "agency_name",
        "acknowledged_at",
        "answered_at",
        "told_at",
        "answer",
        "question",
        "reason",
    ),
    AccountState: (),
    Erased: (),
}


class Fact(Struct, frozen=True, kw_only=True):
    """Something that happened to one feedback, with its producer's state after it.

    `fact_id` is unique; `(epoch, seq)` counts the producer's facts of this feedback (a restore raises `epoch`); `at`
    is an aware UTC instant. For `account.changed` the key `feedback_id` is `account:<id>`.
    """

    fact_id: str
    kind: FactKind
    feedback_id: str
    producer: Producer
    epoch: int
    seq: int
    at: datetime
    cause: str
    state: State
    schema: int = SCHEMA

    @property
    def order(self) -> tuple[int, int]:
        """What decides which of two facts of one producer is newer."""
        return (self.epoch, self.seq)


def fact_id_of(producer: Producer, feedback_id: str, epoch: int, seq: int) -> str:
    """Return the id of a producer's `seq`-th fact: derived, so that saying it twice gives the same fact."""
    return f"{producer}:{feedback_id}:{epoch}.{seq}"
