"""ingest's collections as a backup reads and writes them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from hotline.plumbing.instants import sortable
from hotline.plumbing.outbox import new_outbox
from hotline.plumbing.records import ERASED, Record
from hotline.plumbing.seal import Sealer
from services.ingest.columns import columns_of
from services.ingest.documents import decode_batch, decode_notice
from services.ingest.records import (
    BATCH,
    FEEDBACK,
    KINDS,
    batch_record,
    feedback_of,
    feedback_record,
    notice_body,
    read_batch,
    read_feedback,
    with_epoch,
)
from services.ingest.store import FeedbackStore
from services.ingest.store_mongo import BATCHES, FEEDBACKS, MongoFeedbackStore
from services.ingest.store_mongo import ERASED as MARKS
from services.ingest.store_mongo_notices import UNCLAIMED, entry_of, fields_of

Stored = dict[str, Any]

COLLECTIONS = {FEEDBACK: FEEDBACKS, BATCH: BATCHES, ERASED: MARKS}


class MongoIngestRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: MongoFeedbackStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""
        collection = self.store.mongo.collection(COLLECTIONS[kind])
        found = await collection.by_id(after, limit)
        return [READ[kind](stored) for stored in found]

    async def put_back(self, records: Sequence[Record]) -> None:
        """See `Records`."""
        for kind in self.kinds:
            documents = [PUT[kind](record, self.store.sealer) for record in records if record.kind == kind]
            await self.store.mongo.collection(COLLECTIONS[kind]).insert_each(documents)

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """See `Records`."""
        return with_epoch(record, epoch)

    async def file_ids(self) -> Collection[str]:
        """See `Records`."""
        return await self.store.file_ids()


def read_stored(stored: Stored) -> Record:
    """Write a feedback down, with its notices."""
    kept = sorted(stored.get("notices", ()), key=lambda one: str(one["id"]))
    notices = [notice_body(one["doc"], one["claimed_until"]) for one in kept]
    return feedback_record(stored["_id"], stored["doc"], stored.get("contact"), stored.get("phone_mark"), notices)


def feedback_stored(record: Record, sealer: Sealer) -> Stored:
    """Return a feedback as it is stored, with its notices."""
    body, feedback = read_feedback(record), feedback_of(record)
    columns = columns_of(feedback)
    notices = [
        entry_of(decode_notice(bytes(one.doc)), sortable(one.claimed_until) if one.claimed_until else UNCLAIMED)
        for one in body.notices
    ]
    stored = {
        "_id": record.id,
        "tracking_code": feedback.tracking_code,
        "recorded_at": columns.recorded_at,
        "has_phone": body.phone_mark is not None,
        "version": feedback.version,
        "doc": bytes(body.doc),
        "is_ticketless": columns.is_ticketless,
        "is_shown": columns.is_shown,
        "tell_since": columns.tell_since,
        **new_outbox((), sealer),
        **fields_of(notices, 0),
    }
    sometimes = {
        "contact": body.contact,
        "phone_mark": body.phone_mark,
        "files": sorted({file.file_id for file in feedback.attachments}) or None,
    }
    return stored | {name: value for name, value in sometimes.items() if value is not None}


def batch_stored(record: Record, _: Sealer) -> Stored:
    """Return a batch as it is stored; no run of it is known."""
    doc = bytes(read_batch(record).doc)
    return {"_id": record.id, "started_at": sortable(decode_batch(doc).started_at), "doc": doc, "runs": {}}


def erased_stored(record: Record, sealer: Sealer) -> Stored:
    """Return the mark of an erasure that is done as it is stored."""
    return {"_id": record.id, "is_half_done": False, **new_outbox((), sealer)}


READ: Mapping[str, Callable[[Stored], Record]] = {
    FEEDBACK: read_stored,
    BATCH: lambda stored: batch_record(stored["_id"], stored["doc"]),
    ERASED: lambda stored: Record(kind=ERASED, id=stored["_id"]),
}
PUT: Mapping[str, Callable[[Record, Sealer], Stored]] = {
    FEEDBACK: feedback_stored,
    BATCH: batch_stored,
    ERASED: erased_stored,
}


def open_records(store: FeedbackStore) -> MongoIngestRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, MongoFeedbackStore)
    return MongoIngestRecords(store)
