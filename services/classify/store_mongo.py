"""classify's store in MongoDB: one document a feedback, with the classification, its labels and respond's word in it.

Two documents could not be written in an order that is safe to die in; one update changes all of it, facts included.
`version` is there once there is a classification: respond's word may have come before. An erasure leaves of the
document the mark alone, so that whoever writes late finds the mark where the document was.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations_mongo import migrate
from hotline.plumbing.mongo import AlreadyThere, Change, Index, MongoDatabase, Query
from hotline.plumbing.outbox import PENDING_INDEX, more_pending, new_outbox
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.seal import Sealer
from services.classify.documents import Classification, decode, encode
from services.classify.drift import Said, Week, counted
from services.classify.likeness import keys_of
from services.classify.store import Conflict, Label
from services.classify.ticket_word import TicketWord

CLASSIFICATIONS = "classify_classification"

IS_WAITING = {"needs_review": True}
IS_DECIDED = {"is_decided": True}
HAS_LABELS = {"has_labels": True}
IS_OPEN = {"restricted": False}
IS_ERASED = {"is_erased": True}
MARK_ALONE = [{"$replaceWith": {"_id": "$_id", **IS_ERASED}}]

WAITING_ORDER = (("restricted", -1), ("urgent", -1), ("received_at", 1), ("_id", 1))
DECIDED_ORDER = (("decided_at", -1), ("_id", 1))
ALIKE_ORDER = (("received_at", -1), ("_id", 1))
INDEXES = (
    PENDING_INDEX,
    Index(name="waiting", keys=(("needs_review", 1), *WAITING_ORDER)),
    Index(name="decided", keys=(("is_decided", 1), *DECIDED_ORDER)),
    Index(name="decided_open", keys=(("is_decided", 1), ("restricted", 1), *DECIDED_ORDER)),
    Index(name="labelled", keys=(("has_labels", 1), ("_id", 1))),
    # Holds all that is counted: the documents themselves are not read.
    Index(
        name="drift",
        keys=(
            ("restricted", 1), ("week", 1), ("suggested_code", 1), ("decided_code", 1), ("confidence", 1),
            ("needed_review", 1), ("is_decided", 1), ("is_corrected", 1),
        ),
    ),
    # Read backwards: not every server finds a range in a falling index.
    Index(name="alike", keys=(("likeness", 1), ("received_at", 1), ("_id", -1))),
    Index(name="likeness_age", keys=(("findable_from", 1),), is_sparse=True),
)  # fmt: skip

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.json.Encoder()
_LABEL = msgspec.json.Decoder(Label)


class MongoClassifyStore:
    """The `ClassifyStore` over MongoDB; make it with `open_store`."""

    epoch = 0

    def __init__(self, mongo: MongoDatabase, sealer: Sealer) -> None:
        self.mongo = mongo
        self.sealer = sealer
        self.documents = mongo.collection(CLASSIFICATIONS)

    async def get(self, feedback_id: str) -> Classification | None:
        """See `ClassifyStore`."""
        found = await self.documents.find_one({"_id": feedback_id}, fields=["doc"])
        return decode(found["doc"]) if found and "doc" in found else None

    async def add(self, document: Classification, facts: Sequence[Fact], word: TicketWord | None = None) -> None:
        """See `ClassifyStore`."""
        feedback_id = document.feedback_id
        if word is None:
            await self._insert({"_id": feedback_id, **fields_of(document), **new_outbox(facts, self.sealer)})
        else:
            query = {"_id": feedback_id, "version": None, "word": word_fields(word)}
            change = {"$set": fields_of(document), **more_pending(facts, self.sealer)}
            if not await self.documents.update_one(query, change):
                raise Conflict(feedback_id)
        self._told(facts)

    async def save(self, document: Classification, facts: Sequence[Fact], label: Label | None = None) -> None:
        """See `ClassifyStore`."""
        query = {"_id": document.feedback_id, "version": document.version - 1}
        if not await self.documents.update_one(query, self._next(document, facts, label)):
            raise Conflict(document.feedback_id)
        self._told(facts)

    async def ticket_word(self, feedback_id: str) -> TicketWord | None:
        """See `ClassifyStore`."""
        found = await self.documents.find_one({"_id": feedback_id}, fields=["word"])
        return word_of(found["word"]) if found and "word" in found else None

    async def keep_ticket_word(
        self,
        feedback_id: str,
        word: TicketWord,
        document: Classification | None,
        facts: Sequence[Fact],
        *,
        is_unclassified: bool = False,
    ) -> None:
        """See `ClassifyStore`."""
        try:
            await self._keep_word(feedback_id, word, document, facts, is_unclassified=is_unclassified)
        except Conflict:
            if not await self.is_erased(feedback_id):
                raise
        self._told(facts)

    async def _keep_word(
        self,
        feedback_id: str,
        word: TicketWord,
        document: Classification | None,
        facts: Sequence[Fact],
        *,
        is_unclassified: bool,
    ) -> None:
        query: dict[str, Any] = {"_id": feedback_id, "is_erased": None, "$or": older_than(word)}
        change: dict[str, Any] = {}
        if is_unclassified:
            query["version"] = None
        if document is not None:
            query["version"] = document.version - 1
            change = self._next(document, facts, None)
        change["$set"] = {**change.get("$set", {}), "word": word_fields(word)}
        if await self.documents.update_one(query, change):
            return
        if document is not None:
            raise Conflict(feedback_id)
        await self._insert({"_id": feedback_id, "word": word_fields(word), **new_outbox((), self.sealer)})

    async def to_review(self, *, include_restricted: bool, limit: int, offset: int = 0) -> list[Classification]:
        """See `ClassifyStore`."""
        query = visible(IS_WAITING, include_restricted=include_restricted)
        found = await self.documents.find(query, sort=WAITING_ORDER, skip=offset, limit=limit, fields=["doc"])
        return [decode(stored["doc"]) for stored in found]

    async def count_to_review(self, *, include_restricted: bool) -> int:
        """See `ClassifyStore`."""
        return await self.documents.count(visible(IS_WAITING, include_restricted=include_restricted))

    async def decided(self, *, include_restricted: bool, limit: int) -> list[Classification]:
        """See `ClassifyStore`."""
        query = visible(IS_DECIDED, include_restricted=include_restricted)
        found = await self.documents.find(query, sort=DECIDED_ORDER, limit=limit, fields=["doc"])
        return [decode(stored["doc"]) for stored in found]

    async def alike(
        self, keys: Sequence[int], *, since: datetime, until: datetime, per_key: int
    ) -> list[Classification]:
        """See `ClassifyStore`."""
        span = {"$gte": sortable(since), "$lt": sortable(until)}
        # Each key by itself: so an index gives its newest in order, and no more of a crowded key are read.
        looks = [{"likeness": key, "received_at": span} for key in keys]
        found = await asyncio.gather(
            *(self.documents.find(look, sort=ALIKE_ORDER, limit=per_key, fields=["_id"]) for look in looks)
        )
        ids = sorted({stored["_id"] for part in found for stored in part})
        documents = sorted(await self._open(ids), key=lambda document: document.feedback_id)
        return sorted(documents, key=lambda document: document.received_at, reverse=True)

    async def _open(self, ids: Sequence[str]) -> list[Classification]:
        """Return those of the classifications that are open still, in any order."""
        if not ids:
            return []
        found = await self.documents.find({"_id": {"$in": list(ids)}}, fields=["doc"])
        documents = [decode(stored["doc"]) for stored in found if "doc" in stored]
        return [document for document in documents if not document.state.restricted]

    async def forget_likeness(self, before: datetime, limit: int) -> int:
        """See `ClassifyStore`."""
        old = {"findable_from": {"$lt": sortable(before)}}
        found = await self.documents.find(old, limit=limit, fields=["findable_from"])
        gone: Query = {"$set": {"likeness": [], "findable_from": None}}
        # Each by what was read of it: erased or received anew meanwhile, it is none of these.
        await self.documents.update_each([Change(query=stored, update=gone) for stored in found])
        return len(found)

    async def labels(self) -> list[Label]:
        """See `ClassifyStore`."""
        labels = [
            _LABEL.decode(label)
            async for stored in self.documents.each(HAS_LABELS, fields=["labels"])
            for label in stored["labels"].values()
        ]
        return sorted(labels, key=lambda label: (label.at, label.feedback_id))

    async def weeks(self, first: date, last: date) -> list[Week]:
        """See `ClassifyStore`."""
        sums: dict[str, Any] = {
            "feedbacks": {"$sum": 1},
            "sureness": {"$sum": "$confidence"},
            "needed_review": {"$sum": {"$cond": ["$needed_review", 1, 0]}},
            "decided": {"$sum": {"$cond": ["$is_decided", 1, 0]}},
            "corrected": {"$sum": {"$cond": ["$is_corrected", 1, 0]}},
        }
        found = await self.documents.aggregate(
            [
                {"$match": received_in(first, last)},
                {"$group": {"_id": "$week", **sums}},
                {"$sort": {"_id": -1}},
            ]
        )
        return [Week(monday=date.fromisoformat(row["_id"]), **{name: int(row[name]) for name in sums}) for row in found]

    async def said(self, first: date, last: date) -> list[Said]:
        """See `ClassifyStore`."""
        found = await self.documents.aggregate(
            [
                {"$match": received_in(first, last)},
                {
                    "$group": {
                        "_id": {"suggested": "$suggested_code", "decided": "$decided_code"},
                        "feedbacks": {"$sum": 1},
                    }
                },
            ]
        )
        # What nobody decided is a group of its own for each code: passing it over here costs less than asking for it.
        said = [Said(**row["_id"], feedbacks=int(row["feedbacks"])) for row in found if row["_id"].get("decided")]
        return sorted(said, key=lambda pair: (pair.suggested, pair.decided))

    async def erase(self, feedback_id: str) -> None:
        """See `ClassifyStore`; what was told of it is the broker's to forget in its time."""
        try:
            await self.documents.update_one({"_id": feedback_id}, MARK_ALONE, upsert=True)
        except AlreadyThere:
            # Somebody inserted it in between: now it is there.
            await self.documents.update_one({"_id": feedback_id}, MARK_ALONE)

    async def is_erased(self, feedback_id: str) -> bool:
        """See `ClassifyStore`."""
        found = await self.documents.find_one({"_id": feedback_id}, fields=["is_erased"])
        return bool(found and found.get("is_erased"))

    async def _insert(self, stored: dict[str, Any]) -> None:
        try:
            await self.documents.insert_one(stored)
        except AlreadyThere as error:
            raise Conflict(str(stored["_id"])) from error

    def _next(self, document: Classification, facts: Sequence[Fact], label: Label | None) -> dict[str, Any]:
        """Return the operators that make a stored document its next version."""
        fields = fields_of(document)
        if document.state.restricted:
            # No training set may hold a denunciation (Luật BVBMNN 117/2025, LAW section 4).
            fields |= {"labels": {}, "has_labels": False}
        elif label is not None:
            fields |= {f"labels.{label_key(label)}": _ENCODER.encode(label), "has_labels": True}
        return {"$set": fields, **more_pending(facts, self.sealer)}

    def _told(self, facts: Sequence[Fact]) -> None:
        if facts:
            self.mongo.wake_relay()


async def open_store(backend: Backend) -> MongoClassifyStore:
    """Make classify's indexes where they are missing and return the store; raises SchemaTooNew."""
    assert isinstance(backend.database, MongoDatabase)
    await migrate(backend.database, "classify", ())
    await backend.database.ensure_indexes(CLASSIFICATIONS, INDEXES)
    store = MongoClassifyStore(backend.database, backend.sealer)
    store.epoch = await epoch_of(backend, "classify")
    return store


def fields_of(document: Classification) -> dict[str, Any]:
    """Return what is stored of a classification: itself, its version, and what lists ask for."""
    state, last, keys = document.state, document.decisions[-1:], keys_of(document)
    return {
        "doc": encode(document),
        "version": document.version,
        "needs_review": state.needs_review,
        "restricted": state.restricted,
        "urgent": state.urgent,
        "received_at": sortable(document.received_at),
        "likeness": list(keys),
        "findable_from": sortable(document.received_at) if keys else None,
        "is_decided": bool(last),
        "decided_at": sortable(last[0].at) if last else None,
        **asdict(counted(document)),
    }


def label_key(label: Label) -> str:
    """Return a label's name in its document, its instant in microseconds: a decision has one label."""
    return str((label.at - EPOCH) // timedelta(microseconds=1))


def word_fields(word: TicketWord) -> dict[str, Any]:
    """Return respond's word as it is stored, always in this order of fields: it is asked for whole."""
    epoch, seq = word.order
    return {"epoch": epoch, "seq": seq, "restricted": word.restricted, "at": sortable(word.at)}


def word_of(stored: dict[str, Any]) -> TicketWord:
    """Read respond's word."""
    return TicketWord(
        order=(stored["epoch"], stored["seq"]),
        restricted=stored["restricted"],
        at=datetime.fromisoformat(stored["at"]),
    )


def older_than(word: TicketWord) -> list[dict[str, Any]]:
    """Return the cases in which a stored word gives way to this one."""
    epoch, seq = word.order
    return [{"word": None}, {"word.epoch": {"$lt": epoch}}, {"word.epoch": epoch, "word.seq": {"$lt": seq}}]


def received_in(first: date, last: date) -> dict[str, Any]:
    """Return the query for what was received from one Monday's week to another's and is not restricted."""
    return IS_OPEN | {"week": {"$gte": first.isoformat(), "$lt": (last + timedelta(days=7)).isoformat()}}


def visible(query: dict[str, Any], *, include_restricted: bool) -> dict[str, Any]:
    """Return a list's query, without the restricted unless they are wanted."""
    return query if include_restricted else query | IS_OPEN
