"""How classify's classifications and erasures stand in a backup: the same whichever database they lie in.

Pure. One record a feedback holds all that is known of it: the classification, respond's word, the labels.
"""

from dataclasses import dataclass, replace

import msgspec

from hotline.plumbing.records import ERASED, Record
from services.classify.documents import decode, encode
from services.classify.store import Label
from services.classify.ticket_word import TicketWord

CLASSIFICATION = "classification"
NO_DOCUMENT = b"null"
KINDS: tuple[str, ...] = (CLASSIFICATION, ERASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationBody:
    """What is known of a feedback; `doc` is `null` where respond's word came before any classification."""

    doc: msgspec.Raw
    word: TicketWord | None
    labels: tuple[Label, ...]

    @property
    def document(self) -> bytes | None:
        """Return the stored classification, None where there is none yet."""
        doc = bytes(self.doc)
        return None if doc == NO_DOCUMENT else doc


_ENCODER = msgspec.json.Encoder()
_BODY = msgspec.json.Decoder(ClassificationBody)


def record_of(feedback_id: str, doc: bytes | None, word: TicketWord | None, labels: list[Label]) -> Record:
    """Write down what is known of a feedback."""
    body = ClassificationBody(
        doc=msgspec.Raw(NO_DOCUMENT if doc is None else doc),
        word=word,
        labels=tuple(sorted(labels, key=lambda label: label.at)),
    )
    return Record(kind=CLASSIFICATION, id=feedback_id, body=_ENCODER.encode(body))


def read(record: Record) -> ClassificationBody:
    """Read a record."""
    return _BODY.decode(record.body)


def with_epoch(record: Record, epoch: int) -> Record:
    """Return the record with its facts counted under `epoch`."""
    if record.kind == ERASED:
        return record
    body = read(record)
    if body.document is None:
        return record
    document = replace(decode(body.document), epoch=epoch)
    return record_of(record.id, encode(document), body.word, list(body.labels))
