"""How ingest's feedbacks, batches and erasures stand in a backup: the same whichever database they lie in.

Pure. A feedback is kept with its notices; who sent it stays sealed, and needs the same SECRET_KEY to be read again.
Which run of an import stored a row is left out: an import that was cut off counts its rows as known when said again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from hotline.plumbing.records import ERASED, Record
from services.ingest.documents import Feedback, decode_feedback, encode

FEEDBACK, BATCH = "feedback", "batch"
KINDS: tuple[str, ...] = (FEEDBACK, BATCH, ERASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBody:
    """A stored notice, and until when somebody alone may send it."""

    doc: msgspec.Raw
    claimed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackBody:
    """A stored feedback without its sender, the sealed sender, the mark of their number, and the notices by id."""

    doc: msgspec.Raw
    contact: bytes | None
    phone_mark: bytes | None
    notices: tuple[NoticeBody, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBody:
    """A stored batch."""

    doc: msgspec.Raw


_ENCODER = msgspec.json.Encoder()
_FEEDBACK = msgspec.json.Decoder(FeedbackBody)
_BATCH = msgspec.json.Decoder(BatchBody)


def feedback_record(
    feedback_id: str, doc: bytes, contact: bytes | None, phone_mark: bytes | None, notices: Sequence[NoticeBody]
) -> Record:
    """Write a stored feedback down; its notices come in the order of their ids."""
    body = FeedbackBody(doc=msgspec.Raw(doc), contact=contact, phone_mark=phone_mark, notices=tuple(notices))
    return Record(kind=FEEDBACK, id=feedback_id, body=_ENCODER.encode(body))


def notice_body(doc: bytes, claimed_until: str | None) -> NoticeBody:
    """Write a stored notice down; nobody's claim is None or empty."""
    until = datetime.fromisoformat(claimed_until) if claimed_until else None
    return NoticeBody(doc=msgspec.Raw(doc), claimed_until=until)


def batch_record(batch_id: str, doc: bytes) -> Record:
    """Write a stored batch down."""
    return Record(kind=BATCH, id=batch_id, body=_ENCODER.encode(BatchBody(doc=msgspec.Raw(doc))))


def read_feedback(record: Record) -> FeedbackBody:
    """Read a feedback's record."""
    return _FEEDBACK.decode(record.body)


def read_batch(record: Record) -> BatchBody:
    """Read a batch's record."""
    return _BATCH.decode(record.body)


def feedback_of(record: Record) -> Feedback:
    """Return the feedback of a record, without its sender; raises UnknownSchema."""
    return decode_feedback(bytes(read_feedback(record).doc))


def with_epoch(record: Record, epoch: int) -> Record:
    """Return the record with its facts counted under `epoch`."""
    if record.kind != FEEDBACK:
        return record
    body = read_feedback(record)
    doc = encode(replace(decode_feedback(bytes(body.doc)), epoch=epoch))
    return feedback_record(record.id, doc, body.contact, body.phone_mark, body.notices)
