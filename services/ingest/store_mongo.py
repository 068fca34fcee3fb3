"""Keeps ingest's documents in MongoDB, each with its facts and its notices inside it, so that one write changes all.

Called through the `FeedbackStore` protocol. Who sent a feedback is kept sealed beside the document (see
`sealed_reporter`). No transaction spans two documents, so their order of writing is safe to die in: an erasure leaves
its mark, with its fact, before it removes the feedback; whoever inserts looks for the mark afterwards, so that one of
the two sees the other. A feedback holds its files while it is written (see `files_gridfs`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile
from hotline.plumbing.files_gridfs import GridVault
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations_mongo import migrate
from hotline.plumbing.mongo import PRIMARY_KEY, AlreadyThere, Index, MongoDatabase, Query, Sort
from hotline.plumbing.outbox import PENDING_INDEX, more_pending, new_outbox
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.seal import Sealer
from services.ingest.columns import columns_of
from services.ingest.documents import Batch, Feedback, Notice, encode
from services.ingest.sealed_reporter import ReporterSeal
from services.ingest.store import Added, Conflict, FileIsGone, TrackingCodeTaken, Waiting, WasErased
from services.ingest.store_mongo_batches import BATCH_INDEXES, Imported, StoredBatches
from services.ingest.store_mongo_notices import NOTICE_INDEXES, StoredNotices, fields_of, new_notices

FEEDBACKS = "ingest_feedback"
ERASED = "ingest_erased"
BATCHES = "ingest_batch"

ATTEMPTS = 8
DOCUMENT = ("doc", "contact")
WITHOUT_TICKET = {"is_ticketless": True}
IS_TO_TELL = {"tell_since": {"$gt": ""}}
IS_EARLIER_CALL = {"has_phone": True, "is_shown": True}
IS_HALF_ERASED = {"is_half_done": True}
RECORDED_ORDER = (("recorded_at", 1), ("_id", 1))
NEWEST_ORDER = (("recorded_at", -1), ("_id", -1))
TELL_ORDER = (("tell_since", 1), ("_id", 1))
FEEDBACK_INDEXES = (
    PENDING_INDEX,
    Index(name="tracking_code", keys=(("tracking_code", 1),), is_unique=True),
    Index(name="phone", keys=(("phone_mark", 1), *NEWEST_ORDER), only_where=IS_EARLIER_CALL),
    Index(name="ticketless", keys=(("is_ticketless", 1), *RECORDED_ORDER), only_where=WITHOUT_TICKET),
    Index(name="to_tell", keys=TELL_ORDER, only_where=IS_TO_TELL),
    Index(name="files", keys=(("files", 1),), is_sparse=True),
    *NOTICE_INDEXES,
)
ERASED_INDEXES = (
    PENDING_INDEX,
    Index(name="half_done", keys=(("is_half_done", 1), ("_id", 1)), only_where=IS_HALF_ERASED),
)


class MongoFeedbackStore:
    """The `FeedbackStore` over MongoDB; make it with `open_store`."""

    epoch = 0

    def __init__(self, mongo: MongoDatabase, sealer: Sealer, secret: str, vault: GridVault) -> None:
        self.mongo = mongo
        self.sealer = sealer
        self.vault = vault
        self.seal = ReporterSeal(secret)
        self.feedbacks = mongo.collection(FEEDBACKS)
        self.erased = mongo.collection(ERASED)
        self.batches = StoredBatches(mongo.collection(BATCHES))
        self.notices = StoredNotices(self.feedbacks)

    async def add(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Added:
        """See `FeedbackStore`."""
        stored = {**self._new(feedback, facts), **new_notices(notices)}
        try:
            async with self.vault.holding([file.file_id for file in feedback.attachments]):
                is_new = await self._insert(stored)
        except NoSuchFile:
            if await self._is_erased(feedback.feedback_id):
                raise WasErased(feedback.feedback_id) from None
            known = await self.get(feedback.feedback_id)
            if known is None:
                raise FileIsGone(feedback.feedback_id) from None
            return Added(feedback=known, is_new=False)
        if is_new:
            self._told(facts)
            return Added(feedback=feedback, is_new=True)
        known = await self.get(feedback.feedback_id)
        if known is None:
            raise WasErased(feedback.feedback_id)
        return Added(feedback=known, is_new=False)

    async def add_chunk(self, chunk: Sequence[tuple[Feedback, Fact]], batch: Batch) -> Batch:
        """See `FeedbackStore`."""
        imported = Imported.by(batch)
        # Of two rows with one id the first is stored: it is the last to be put in here.
        erased = await self._erased_among([feedback.feedback_id for feedback, _ in chunk])
        rows = {
            feedback.feedback_id: {**self._new(feedback, (fact,)), "imported": imported.stored}
            for feedback, fact in reversed(chunk)
            if feedback.feedback_id not in erased
        }
        refused = await self.feedbacks.insert_each(list(rows.values()))
        self._told([fact for _, fact in chunk])
        new = [name for at, name in enumerate(rows) if at not in refused]
        gone = await self._remove_erased(new)
        known = [name for at, name in enumerate(rows) if at in refused]
        there = {
            stored["_id"]: Imported.of(stored)
            async for stored in self.feedbacks.each({"_id": {"$in": known}}, fields=["imported"])
        }
        if set(known) - set(there) - await self._erased_among(known):
            raise TrackingCodeTaken
        return await self.batches.take(batch, len(chunk), len(new) - len(gone), list(there.values()))

    async def save(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Feedback:
        """See `FeedbackStore`."""
        saved = replace(feedback, version=feedback.version + 1)
        query: Query = {"_id": feedback.feedback_id, "version": feedback.version}
        fields = self._changing(saved)
        for _ in range(ATTEMPTS):
            and_notices, more = query, fields
            if notices:
                stored = await self.feedbacks.find_one(query, fields=["notices", "notices_version"])
                if stored is None:
                    break
                version = stored["notices_version"]
                and_notices = {**query, "notices_version": version}
                more = {**fields, **new_notices(notices, stored.get("notices", ()), version + 1)}
            if await self.feedbacks.update_one(and_notices, {"$set": more, **more_pending(facts, self.sealer)}):
                self._told(facts)
                return saved
            if not notices:
                break
        raise Conflict(feedback.feedback_id)

    async def get(self, feedback_id: str) -> Feedback | None:
        """See `FeedbackStore`."""
        return await self._one({"_id": feedback_id})

    async def by_tracking_code(self, code: str) -> Feedback | None:
        """See `FeedbackStore`."""
        return await self._one({"tracking_code": code})

    async def earlier_calls(self, phone: str, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        return await self._many({"phone_mark": self.seal.mark(phone), **IS_EARLIER_CALL}, NEWEST_ORDER, limit)

    async def to_tell_by_phone(self, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        return await self._many(IS_TO_TELL, TELL_ORDER, limit)

    async def without_ticket_since(self, recorded_before: datetime, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        query = {**WITHOUT_TICKET, "recorded_at": {"$lt": sortable(recorded_before)}}
        found = await self._many(query, RECORDED_ORDER, limit)
        # What an erased feedback's repeat left that died before it looked for the mark is here: respond ignores it.
        gone = await self._remove_erased([feedback.feedback_id for feedback in found])
        return [feedback for feedback in found if feedback.feedback_id not in gone]

    async def waiting_for_ticket(self) -> Waiting:
        """See `FeedbackStore`."""
        steps: list[Query] = [
            {"$match": WITHOUT_TICKET},
            {"$group": {"_id": None, "count": {"$sum": 1}, "oldest_at": {"$min": "$recorded_at"}}},
        ]
        for found in await self.feedbacks.aggregate(steps):
            return Waiting(count=found["count"], oldest_at=datetime.fromisoformat(found["oldest_at"]))
        return Waiting(count=0, oldest_at=None)

    async def file_ids(self) -> frozenset[str]:
        """See `FeedbackStore`."""
        found = self.feedbacks.each({"files": {"$gt": ""}}, fields=["files"])
        return frozenset([file_id async for stored in found for file_id in stored["files"]])

    async def erase(self, feedback_id: str, facts: Sequence[Fact]) -> frozenset[str]:
        """See `FeedbackStore`; what was told of it is the broker's to forget in its time."""
        stored = await self.feedbacks.find_one({"_id": feedback_id}, fields=["files"])
        if stored is None:
            return frozenset()
        mark = {"_id": feedback_id, **IS_HALF_ERASED, **new_outbox(facts, self.sealer)}
        try:
            await self.erased.insert_one(mark)
        except AlreadyThere:
            # An erasure that was killed here has left its fact with the mark: it is said once.
            await self.erased.update_one({"_id": feedback_id}, {"$set": IS_HALF_ERASED})
        self._told(facts)
        await self._finish_erasure(feedback_id)
        return frozenset([name for name in stored.get("files", ()) if not await self._is_referenced(name)])

    async def finish_erasures(self) -> None:
        """See `FeedbackStore`: what was marked and not removed."""
        async for mark in self.erased.each(IS_HALF_ERASED, fields=["_id"]):
            await self._finish_erasure(mark["_id"])

    async def release_files(self, file_ids: Collection[str]) -> None:
        """See `FeedbackStore`."""
        await self.vault.release(file_ids, self._is_referenced)

    async def import_progress(self, batch_id: str) -> Batch | None:
        """See `FeedbackStore`."""
        return await self.batches.progress(batch_id)

    async def recent_batches(self, limit: int) -> list[Batch]:
        """See `FeedbackStore`."""
        return await self.batches.recent(limit)

    async def notices_to_send(self, now: datetime, limit: int) -> list[Notice]:
        """See `FeedbackStore`."""
        return await self.notices.to_send(now, limit)

    async def claim_notice(self, notice_id: str, *, now: datetime, until: datetime) -> bool:
        """See `FeedbackStore`."""
        return await self.notices.claim(notice_id, now=now, until=until)

    async def put_off_notice(self, notice_id: str, *, until: datetime) -> None:
        """See `FeedbackStore`."""
        await self.notices.put_off(notice_id, until=until)

    async def count_notices_to_send(self) -> int:
        """See `FeedbackStore`."""
        return await self.notices.count()

    async def save_notice(self, notice: Notice) -> None:
        """See `FeedbackStore`."""
        await self.notices.save(notice)

    async def _one(self, query: Query) -> Feedback | None:
        stored = await self.feedbacks.find_one(query, fields=DOCUMENT)
        return self._read(stored) if stored else None

    async def _many(self, query: Query, sort: Sort, limit: int) -> list[Feedback]:
        found = await self.feedbacks.find(query, sort=sort, limit=limit, fields=DOCUMENT)
        return [self._read(stored) for stored in found]

    def _read(self, stored: dict[str, Any]) -> Feedback:
        return self.seal.together(stored["doc"], stored.get("contact"))

    def _new(self, feedback: Feedback, facts: Sequence[Fact]) -> dict[str, Any]:
        """Return a feedback as it is stored first, with its facts."""
        _, contact, phone_mark = self.seal.apart(feedback)
        stored = {
            "_id": feedback.feedback_id,
            "tracking_code": feedback.tracking_code,
            "recorded_at": columns_of(feedback).recorded_at,
            "has_phone": phone_mark is not None,
            **self._changing(feedback),
            **new_outbox(facts, self.sealer),
            **fields_of((), 0),
        }
        sometimes = {
            "contact": contact,
            "phone_mark": phone_mark,
            "files": sorted({file.file_id for file in feedback.attachments}) or None,
        }
        return stored | {name: value for name, value in sometimes.items() if value is not None}

    def _changing(self, feedback: Feedback) -> dict[str, Any]:
        """Return what is stored anew with each version; who sent it is not."""
        columns = columns_of(feedback)
        return {
            "version": feedback.version,
            "doc": encode(replace(feedback, reporter=None)),
            "is_ticketless": columns.is_ticketless,
            "is_shown": columns.is_shown,
            "tell_since": columns.tell_since,
        }

    async def _insert(self, stored: dict[str, Any]) -> bool:
        """Insert unless the id is there; raises TrackingCodeTaken for the code of another feedback, WasErased."""
        feedback_id = stored["_id"]
        if await self._is_erased(feedback_id):
            # Looked for before too, so that no fact leaves that says again what was erased.
            raise WasErased(feedback_id)
        try:
            await self.feedbacks.insert_one(stored)
        except AlreadyThere as there:
            if there.index == PRIMARY_KEY or await self.feedbacks.find_one({"_id": feedback_id}, fields=["_id"]):
                return False
            raise TrackingCodeTaken from None
        if await self._remove_erased([feedback_id]):
            raise WasErased(feedback_id)
        return True

    async def _remove_erased(self, feedback_ids: Sequence[str]) -> frozenset[str]:
        """Remove those that were erased while they were inserted; return their ids."""
        gone = await self._erased_among(feedback_ids)
        for feedback_id in gone:
            await self.feedbacks.delete_one({"_id": feedback_id})
        return gone

    async def _erased_among(self, feedback_ids: Sequence[str]) -> frozenset[str]:
        found = await self.erased.find({"_id": {"$in": list(feedback_ids)}}, fields=["_id"]) if feedback_ids else []
        return frozenset([mark["_id"] for mark in found])

    async def _is_erased(self, feedback_id: str) -> bool:
        return await self.erased.find_one({"_id": feedback_id}, fields=["_id"]) is not None

    async def _is_referenced(self, file_id: str) -> bool:
        return await self.feedbacks.find_one({"files": file_id}, fields=["_id"]) is not None

    async def _finish_erasure(self, feedback_id: str) -> None:
        await self.feedbacks.delete_one({"_id": feedback_id})
        await self.erased.update_one({"_id": feedback_id}, {"$set": {"is_half_done": False}})

    def _told(self, facts: Sequence[Fact]) -> None:
        if facts:
            self.mongo.wake_relay()


async def open_store(backend: Backend) -> MongoFeedbackStore:
    """Make ingest's indexes where they are missing and return the store; raises SchemaTooNew."""
    vault = backend.vault("feedback")
    assert isinstance(backend.database, MongoDatabase) and isinstance(vault, GridVault)
    await migrate(backend.database, "ingest", ())
    for name, indexes in ((FEEDBACKS, FEEDBACK_INDEXES), (ERASED, ERASED_INDEXES), (BATCHES, BATCH_INDEXES)):
        await backend.database.ensure_indexes(name, indexes)
    await vault.prepare()
    store = MongoFeedbackStore(backend.database, backend.sealer, backend.settings.secret_key, vault)
    await store.finish_erasures()
    store.epoch = await epoch_of(backend, "ingest")
    return store
