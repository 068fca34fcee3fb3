"""classify's collections as a backup reads and writes them."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from hotline.plumbing.outbox import new_outbox
from hotline.plumbing.records import ERASED, Record
from hotline.plumbing.seal import Sealer
from services.classify.documents import decode
from services.classify.records import KINDS, read, record_of, with_epoch
from services.classify.store import ClassifyStore, Label
from services.classify.store_mongo import IS_ERASED, MongoClassifyStore, fields_of, label_key, word_fields, word_of

IS_KNOWN = {"is_erased": None}


class MongoClassifyRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: MongoClassifyStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""
        only = IS_ERASED if kind == ERASED else IS_KNOWN
        found = await self.store.documents.by_id(after, limit, only)
        if kind == ERASED:
            return [Record(kind=ERASED, id=stored["_id"]) for stored in found]
        return [known_of(stored) for stored in found]

    async def put_back(self, records: Sequence[Record]) -> None:
        """See `Records`."""
        await self.store.documents.insert_each([stored_of(record, self.store.sealer) for record in records])

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """See `Records`."""
        return with_epoch(record, epoch)

    async def file_ids(self) -> Collection[str]:
        """See `Records`: classify keeps no files."""
        return ()


def known_of(stored: dict[str, Any]) -> Record:
    """Write down what a stored document knows of a feedback."""
    word = stored.get("word")
    labels = [msgspec.json.decode(label, type=Label) for label in stored.get("labels", {}).values()]
    return record_of(stored["_id"], stored.get("doc"), word_of(word) if word else None, labels)


def stored_of(record: Record, sealer: Sealer) -> dict[str, Any]:
    """Return what is known of a feedback, or the mark of an erased one, as it is stored."""
    if record.kind == ERASED:
        return {"_id": record.id, **IS_ERASED}
    body = read(record)
    stored: dict[str, Any] = {"_id": record.id, **new_outbox((), sealer)}
    doc = body.document
    if doc is not None:
        stored |= {**fields_of(decode(doc)), "doc": doc}
    if body.word is not None:
        stored["word"] = word_fields(body.word)
    if body.labels:
        stored["labels"] = {label_key(label): msgspec.json.encode(label) for label in body.labels}
        stored["has_labels"] = True
    return stored


def open_records(store: ClassifyStore) -> MongoClassifyRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, MongoClassifyStore)
    return MongoClassifyRecords(store)
