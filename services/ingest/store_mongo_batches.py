"""Keeps in MongoDB how far each batch of slips has come, and which of its rows are counted.

Used by `store_mongo`. Rows and progress are different documents: an import that was killed between them has stored rows
that no progress counts. So each row says by which run of which batch it was stored and up to where that run then came,
and each batch says how far the progress of each of its runs was stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from hotline.plumbing.instants import sortable
from hotline.plumbing.mongo import AlreadyThere, Collection, Index
from services.ingest.documents import Batch, decode_batch, encode

NEWEST_ORDER = (("started_at", -1), ("_id", -1))
BATCH_INDEXES = (Index(name="started", keys=(("started_at", 1), ("_id", 1))),)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """By which run of which batch a row was stored; `done` are the batch's rows with this chunk's."""

    batch_id: str
    run: str
    done: int

    @classmethod
    def by(cls, batch: Batch) -> "Imported":
        """Return it for the rows of the chunk that brings a batch to where it is then."""
        # A run is named by when it began, in microseconds: a name of a field has no dots.
        run = str((batch.started_at - EPOCH) // timedelta(microseconds=1))
        return cls(batch_id=batch.batch_id, run=run, done=batch.done)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Imported | None":
        """Return it of a stored feedback; None for one that no batch brought."""
        imported = stored.get("imported")
        return cls(**imported) if imported else None

    @property
    def stored(self) -> dict[str, Any]:
        """Return it as it is stored in a feedback."""
        return {"batch_id": self.batch_id, "run": self.run, "done": self.done}


class StoredBatches:
    """The batches of one collection."""

    def __init__(self, batches: Collection) -> None:
        self.batches = batches

    async def take(self, batch: Batch, rows: int, new: int, there: Sequence[Imported | None]) -> Batch:
        """Count a chunk's rows, of which `new` were stored just now, and store the progress; returns it.

        `there` are those that were stored before: they count as accepted where no progress counts them yet.
        """
        found = await self.batches.find_one({"_id": batch.batch_id}, fields=["runs"])
        counted = found["runs"] if found else {}
        left = [one for one in there if one and one.batch_id == batch.batch_id and one.done > counted.get(one.run, 0)]
        accepted = new + len(left)
        progress = replace(batch, accepted=batch.accepted + accepted, known=batch.known + rows - accepted)
        runs = {one.run: one.done for one in sorted((*left, Imported.by(batch)), key=lambda one: one.done)}
        change = {
            "$set": {"doc": encode(progress)},
            # Never lower: a run that began in the same instant as one before it bears its name.
            "$max": {f"runs.{run}": done for run, done in runs.items()},
            "$setOnInsert": {"started_at": sortable(batch.started_at)},
        }
        try:
            await self.batches.update_one({"_id": batch.batch_id}, change, upsert=True)
        except AlreadyThere:
            # Another import of the same batch was first to begin it.
            await self.batches.update_one({"_id": batch.batch_id}, change)
        return progress

    async def progress(self, batch_id: str) -> Batch | None:
        """Return how far a batch has come."""
        stored = await self.batches.find_one({"_id": batch_id}, fields=["doc"])
        return decode_batch(stored["doc"]) if stored else None

    async def recent(self, limit: int) -> list[Batch]:
        """Return the newest batches first."""
        found = await self.batches.find({"started_at": {"$gt": ""}}, sort=NEWEST_ORDER, limit=limit, fields=["doc"])
        return [decode_batch(stored["doc"]) for stored in found]
