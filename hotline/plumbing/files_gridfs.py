"""Keeps attachments in MongoDB: one GridFS bucket an owner, each content once, named by its SHA-256.

Answers `Vault` beside the `store_mongo.py` files, who also hold and release files here. No transaction spans a file
and a document, so that no document ever refers to a file that is gone: who is about to write one *holds* its files
(`holding`), and who removes a file first marks it as *going*, which a held file does not take and which refuses every
later hold, then asks whether a document refers to it, and deletes only under its own mark. Sending a content again
takes the mark off. A holder that was killed is waited for, by `HELD_FOR`.

An upload gets its name with its last write: one that was killed is seen by nobody, and its pieces are swept.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gridfs.errors import CorruptGridFile, FileExists, NoFile

from hotline.facts import Attachment
from hotline.plumbing.failures import StoreUnavailable, WorldIsDown
from hotline.plumbing.files import CLEANING, ORPHAN_AGE, NoSuchFile, taken_in
from hotline.plumbing.mongo import Index, MongoDatabase, Query, failures_named

# Far longer than any write waits for the database; a holder that hangs for longer is taken for dead.
HELD_FOR = timedelta(minutes=10)
# A sweep removes only what was marked before it, or any other sweep beside it, asked what is referred to.
MARKED_FOR = timedelta(minutes=30)
ATTEMPTS = 5
FILE_INDEXES = (
    Index(name="one_of_a_content", keys=(("filename", 1),), is_unique=True),
    Index(name="kept", keys=(("metadata.kept_at", 1),)),
    Index(name="going", keys=(("metadata.going_since", 1),), is_sparse=True),
)
UNFINISHED_INDEXES = (Index(name="due", keys=(("due_at", 1),)),)

IsReferenced = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That a file is going: its name, and who has marked it so."""

    name: str
    by: str

    @property
    def query(self) -> Query:
        """Find the file while it is marked so."""
        return {"filename": self.name, "metadata.going_by": self.by}


class GridVault:
    """The files of one owner; `file_id` is the name of a GridFS file, whose own id is new with each upload."""

    def __init__(self, database: MongoDatabase, owner: str) -> None:
        self.database = database
        self.bucket = database.files(owner)
        self.files = database.collection(f"files_{owner}.files")
        self.pieces = database.collection(f"files_{owner}.chunks")
        self.unfinished = database.collection(f"files_{owner}.unfinished")
        self.owner = owner
        self.is_prepared = False

    async def prepare(self) -> None:
        """Make the indexes that are missing; done by itself before the first file is kept."""
        if not self.is_prepared:
            await self.database.ensure_indexes(f"files_{self.owner}.files", FILE_INDEXES)
            await self.database.ensure_indexes(f"files_{self.owner}.unfinished", UNFINISHED_INDEXES)
            self.is_prepared = True

    async def keep(self, name: str, content: bytes, *, field: str) -> Attachment:
        """See `Vault`."""
        file, kept = await asyncio.get_running_loop().run_in_executor(CLEANING, taken_in, name, content, field)
        await self.put_back(file.file_id, kept)
        return file

    async def put_back(self, file_id: str, content: bytes) -> None:
        """See `Vault`."""
        await self.prepare()
        for _ in range(ATTEMPTS):
            if await self._is_kept_on(file_id) or await self._upload(file_id, content):
                return
        raise StoreUnavailable("a file was removed each time it was kept: send it again")

    async def chunks(self, file_id: str) -> AsyncIterator[bytes]:
        """See `Vault`."""
        found = await self.files.find_one({"filename": file_id}, fields=["_id"])
        if found is None:
            raise NoSuchFile(file_id)
        with failures_named():
            try:
                stream = await self.bucket.open_download_stream(found["_id"])
            except NoFile:
                raise NoSuchFile(file_id) from None
        return pieces_of(stream.readchunk)

    @contextlib.asynccontextmanager
    async def holding(self, file_ids: Collection[str]) -> AsyncIterator[None]:
        """Let none of these files go while the block writes a document that refers to them; raises NoSuchFile.

        After a WorldIsDown in the block the write may still arrive: then the hold is not let go but runs out.
        """
        if not file_ids:
            yield
            return
        holder, names = secrets.token_hex(8), sorted(set(file_ids))
        hold = {"$push": {"metadata.held": {"by": holder, "until": datetime.now(UTC) + HELD_FOR}}}
        try:
            for name in names:
                if not await self.files.update_one({"filename": name, "metadata.going_by": None}, hold):
                    raise NoSuchFile(name)
            yield
        except WorldIsDown:
            raise
        except Exception:
            await self._let_go(names, holder)
            raise
        await self._let_go(names, holder)

    async def release(self, file_ids: Collection[str], is_referenced: IsReferenced) -> None:
        """Remove those of the files that no document refers to: `is_referenced` is asked when none can begin to.

        What somebody holds now is left to the sweep. Saying it again is safe.
        """
        now = datetime.now(UTC)
        for name in sorted(set(file_ids)):
            mark = await self._mark(name, now)
            if mark is None:
                continue
            if await is_referenced(name):
                await self._unmark(mark)
            else:
                await self._remove(mark, now)

    async def sweep(self, now: datetime, is_referenced: Callable[[str], bool]) -> int:
        """Mark files older than a day that nothing refers to, and remove those that an earlier sweep has marked.

        Returns how many were removed. `is_referenced` knows what was referred to at `now`, or a little earlier.
        """
        await self.prepare()
        await self._finish(now)
        swept = 0
        marked_before = {"metadata.going_since": {"$lte": now - MARKED_FOR}}
        async for file in self.files.each(marked_before, fields=["filename", "metadata.going_by"]):
            mark = Mark(name=file["filename"], by=file["metadata"]["going_by"])
            if is_referenced(mark.name):
                await self._unmark(mark)
            else:
                swept += await self._remove(mark, now)
        is_old = {"metadata.kept_at": {"$lt": now - ORPHAN_AGE}}
        async for file in self.files.each(is_old, fields=["filename", "metadata.going_by"]):
            if file["metadata"].get("going_by") is None and not is_referenced(file["filename"]):
                await self._mark(file["filename"], now, {**is_old, "metadata.going_by": None})
        return swept

    async def _is_kept_on(self, name: str) -> bool:
        """Begin the age of a file that is there anew and take any mark off it; says whether it is there."""
        anew = {
            "$set": {"metadata.kept_at": datetime.now(UTC)},
            "$unset": {"metadata.going_by": "", "metadata.going_since": ""},
        }
        return await self.files.update_one({"filename": name}, anew)

    async def _upload(self, name: str, content: bytes) -> bool:
        """Store a content; False when another upload of it was first."""
        upload, now = secrets.token_hex(16), datetime.now(UTC)
        note = await self._note(upload, due_at=now + ORPHAN_AGE)
        with failures_named():
            try:
                await self.bucket.upload_from_stream_with_id(
                    upload, name, content, metadata={"kept_at": now, "held": []}
                )
            except FileExists:
                is_first = False
            else:
                is_first = True
        if not is_first:
            await self.pieces.delete_many({"files_id": upload})
        await self.unfinished.delete_one({"_id": note})
        return is_first

    async def _note(self, upload: str, *, due_at: datetime) -> str:
        """Write down that pieces of an upload may be left over; a sweep looks from then on."""
        note = secrets.token_hex(16)
        await self.unfinished.insert_one({"_id": note, "upload": upload, "due_at": due_at})
        return note

    async def _finish(self, now: datetime) -> None:
        """Remove the pieces that a killed upload or removal has left."""
        async for note in self.unfinished.each({"due_at": {"$lte": now}}):
            if await self.files.find_one({"_id": note["upload"]}, fields=["_id"]) is None:
                await self.pieces.delete_many({"files_id": note["upload"]})
            await self.unfinished.delete_one({"_id": note["_id"]})

    async def _let_go(self, names: list[str], holder: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            # The document is written: that the hold now runs out by itself must not make its writer fail.
            await self.files.update_many({"filename": {"$in": names}}, {"$pull": {"metadata.held": {"by": holder}}})

    async def _mark(self, name: str, now: datetime, only_if: Query | None = None) -> Mark | None:
        """Mark a file as going, whoever else has; None when it is not there, or held, or not as `only_if` says."""
        await self.files.update_one({"filename": name}, {"$pull": {"metadata.held": {"until": {"$lte": now}}}})
        mark = Mark(name=name, by=secrets.token_hex(8))
        is_marked = await self.files.update_one(
            {"filename": name, "metadata.held": [], **(only_if or {})},
            {"$set": {"metadata.going_by": mark.by, "metadata.going_since": now}},
        )
        return mark if is_marked else None

    async def _unmark(self, mark: Mark) -> None:
        await self.files.update_one(mark.query, {"$unset": {"metadata.going_by": "", "metadata.going_since": ""}})

    async def _remove(self, mark: Mark, now: datetime) -> bool:
        """Remove a file that still has this mark; says whether it had."""
        found = await self.files.find_one(mark.query, fields=["_id"])
        if found is None:
            return False
        note = await self._note(found["_id"], due_at=now + HELD_FOR)
        is_gone = await self.files.delete_one({"_id": found["_id"], **mark.query})
        if is_gone:
            await self.pieces.delete_many({"files_id": found["_id"]})
        await self.unfinished.delete_one({"_id": note})
        return is_gone


async def pieces_of(read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    """Yield what `read` gives until it gives nothing; raises NoSuchFile when a piece is not there (any more)."""
    while True:
        with failures_named():
            try:
                piece = await read()
            except CorruptGridFile as error:
                raise NoSuchFile("a piece of the file is missing") from error
        if not piece:
            return
        yield piece
