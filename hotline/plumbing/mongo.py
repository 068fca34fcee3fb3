"""The MongoDB driver: opens the database and says its failures in the product's own words. The only user of motor.

Called by the `store_mongo.py` files, the relay, the migrations and `files_gridfs.py`. Writes are acknowledged by a
majority and journaled, reads see what a majority holds, from the primary. `Collection` has what the stores need and no
more, so that another driver is a change of this file alone (ADR 0008). Never decides what a document holds.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
    AsyncIOMotorGridFSBucket,
)
from pymongo import IndexModel, InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from hotline.plumbing.failures import StoreUnavailable

T = TypeVar("T")
Document = dict[str, Any]
Query = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]

SELECT_PRIMARY_MS = 5_000
CONNECT_MS = 5_000
ANSWER_MS = 30_000
DUPLICATE = 11000
# What the server says of a command that can never succeed: waiting would not help, so it is not the world that is down.
OUR_FAULT = frozenset({2, 9, 14, 40, 72, 10334, 17280, 17419})
PRIMARY_KEY = "_id_"


class AlreadyThere(Exception):
    """Another document has this value of a unique index; `index` is the index's name, `_id_` for the id."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.index = index


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index: its name, fields with 1 or -1, whether values are unique, and which documents alone are in it.

    A sparse index holds the documents that have its field. Prefer it to `only_where` with `$exists`, which not every
    planner recognises.
    """

    name: str
    keys: tuple[tuple[str, int], ...]
    is_unique: bool = False
    is_sparse: bool = False
    only_where: Query | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one document for `Collection.update_each`."""

    query: Query
    update: Query


class Collection:
    """One collection; every call raises StoreUnavailable when the database cannot be asked now."""

    def __init__(self, of: "AsyncIOMotorCollection[Document]") -> None:
        self._of = of

    async def find_one(self, query: Query, *, fields: Sequence[str] | None = None) -> Document | None:
        """Return the document, None when there is none."""
        with failures_named():
            return await self._of.find_one(query, projection=fields)

    async def find(
        self, query: Query, *, sort: Sort = (), skip: int = 0, limit: int = 0, fields: Sequence[str] | None = None
    ) -> list[Document]:
        """Return the documents in order of `sort`, without the first `skip`; `limit` 0 is all of them."""
        return [document async for document in self.each(query, sort=sort, skip=skip, limit=limit, fields=fields)]

    async def each(
        self, query: Query, *, sort: Sort = (), skip: int = 0, limit: int = 0, fields: Sequence[str] | None = None
    ) -> AsyncIterator[Document]:
        """Yield the same documents, a batch at a time from the server."""
        with failures_named():
            cursor = self._of.find(query, projection=fields, sort=list(sort) or None, skip=skip, limit=limit)
            async for document in cursor:
                yield document

    async def by_id(self, after: str, limit: int, only: Query | None = None) -> list[Document]:
        """Return the next documents in the order of their ids, read along them whatever other index there is."""
        with failures_named():
            query = {"_id": {"$gt": after}, **(only or {})}
            cursor = self._of.find(query, sort=[("_id", 1)], limit=limit, hint=PRIMARY_KEY)
            return [document async for document in cursor]

    async def insert_one(self, document: Query) -> None:
        """Insert; raises AlreadyThere."""
        with failures_named():
            await self._of.insert_one(dict(document))

    async def insert_each(self, documents: Sequence[Query]) -> dict[int, AlreadyThere]:
        """Insert every document that can be, each on its own; return the positions of the others and why."""
        if not documents:
            return {}
        with failures_named():
            try:
                await self._of.bulk_write([InsertOne(dict(document)) for document in documents], ordered=False)
            except BulkWriteError as error:
                refused = error.details.get("writeErrors", [])
                if error.details.get("writeConcernErrors") or any(fault.get("code") != DUPLICATE for fault in refused):
                    raise
                return {int(fault["index"]): AlreadyThere(index_of(fault)) for fault in refused}
            return {}

    async def update_one(self, query: Query, update: Query | Sequence[Query], *, upsert: bool = False) -> bool:
        """Change one document; says whether one matched (or was made). Raises AlreadyThere."""
        with failures_named():
            done = await self._of.update_one(query, update, upsert=upsert)
            return bool(done.matched_count or done.upserted_id is not None)

    async def update_each(self, changes: Sequence[Change]) -> int:
        """Make changes of one document each, in any order; returns how many matched."""
        if not changes:
            return 0
        with failures_named():
            done = await self._of.bulk_write([UpdateOne(c.query, c.update) for c in changes], ordered=False)
            return int(done.matched_count)

    async def update_many(self, query: Query, update: Query) -> int:
        """Change every document that matches; returns how many did."""
        with failures_named():
            return int((await self._of.update_many(query, update)).matched_count)

    async def find_one_and_update(
        self, query: Query, update: Query | Sequence[Query], *, upsert: bool = False
    ) -> Document | None:
        """Change one document and return it as it is then; None when none matched. Raises AlreadyThere."""
        with failures_named():
            found: Document | None = await self._of.find_one_and_update(
                query, update, upsert=upsert, return_document=ReturnDocument.AFTER
            )
            return found

    async def delete_one(self, query: Query) -> bool:
        """Remove one document; says whether there was one."""
        with failures_named():
            return bool((await self._of.delete_one(query)).deleted_count)

    async def delete_many(self, query: Query) -> int:
        """Remove every document that matches; returns how many."""
        with failures_named():
            return int((await self._of.delete_many(query)).deleted_count)

    async def count(self, query: Query) -> int:
        """Return how many documents match."""
        with failures_named():
            return int(await self._of.count_documents(query))

    async def aggregate(self, steps: Sequence[Query]) -> list[Document]:
        """Return what an aggregation gives, whole."""
        with failures_named():
            return [document async for document in self._of.aggregate(list(steps))]


class CommandTimes(CommandListener):
    """Tells `observe` of each answered command its name and how long the server took, in seconds.

    The driver calls it on a thread of its own.
    """

    def __init__(self, observe: Callable[[str, float], None]) -> None:
        self._observe = observe

    def started(self, event: CommandStartedEvent) -> None:
        """Wait for its end."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Tell it."""
        self._observe(event.command_name, event.duration_micros / 1_000_000)

    def failed(self, event: CommandFailedEvent) -> None:
        """Tell it too: a refusal takes its time."""
        self._observe(event.command_name, event.duration_micros / 1_000_000)


class MongoDatabase:
    """One open database; make it with `MongoDatabase.open`."""

    def __init__(self, client: "AsyncIOMotorClient[Document]", database: "AsyncIOMotorDatabase[Document]") -> None:
        self._client = client
        self._database = database
        # Set when a store of this process has written facts: its relay looks at once.
        self.watchers: set[asyncio.Event] = set()

    @classmethod
    async def open(cls, url: str, *, listeners: Sequence[CommandListener] = ()) -> "MongoDatabase":
        """Connect to `mongodb://…/<database>`; raises StoreUnavailable with the reason and the remedy.

        `listeners` hear every command that is sent (tests look at its plan).
        """
        try:
            client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                url,
                io_loop=asyncio.get_running_loop(),
                w="majority",
                journal=True,
                readConcernLevel="majority",
                readPreference="primary",
                retryWrites=True,
                tz_aware=True,
                serverSelectionTimeoutMS=SELECT_PRIMARY_MS,
                connectTimeoutMS=CONNECT_MS,
                socketTimeoutMS=ANSWER_MS,
                appname="hotline",
                event_listeners=list(listeners),
            )
            database = client.get_default_database()
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise StoreUnavailable(
                f"STORE_URL is no MongoDB address with a database, such as mongodb://host/hotline: {error}"
            ) from error
        opened = cls(client, database)
        try:
            await opened.ping()
        except StoreUnavailable as error:
            await opened.close()
            raise StoreUnavailable(
                f"MongoDB at {place_of(url)} cannot be used ({error}): start it, or correct STORE_URL"
            ) from error
        return opened

    def collection(self, name: str) -> Collection:
        """Return a collection; it comes to be with its first document."""
        return Collection(self._database[name])

    async def ensure_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        """Make the indexes that are missing; calling twice, and from several processes, is safe."""
        models = [index_model(index) for index in indexes]
        with failures_named():
            if models:
                await self._database[name].create_indexes(models)

    async def ping(self) -> None:
        """Return when the database answers now; raises StoreUnavailable."""
        with failures_named():
            await self._database.command("ping")

    async def explain(self, command: Query) -> Document:
        """Return how the server would carry out a command, as the server says it. Used by tests and when tuning."""
        with failures_named():
            codec: CodecOptions[Document] = CodecOptions(document_class=dict, tz_aware=True)
            said: Document = await self._database.command(
                "explain", dict(command), verbosity="queryPlanner", codec_options=codec
            )
            return said

    async def drop(self) -> None:
        """Remove the whole database: for tests and for a restore into an empty one."""
        with failures_named():
            await self._client.drop_database(self._database.name)

    async def close(self) -> None:
        """Let go of the connections; calling twice is safe."""
        # The driver says goodbye to a server that may not answer: the loop must not stand still meanwhile.
        await asyncio.to_thread(self._client.close)

    def files(self, owner: str) -> AsyncIOMotorGridFSBucket:
        """Return one owner's bucket of files; called by `files_gridfs.py` alone."""
        return AsyncIOMotorGridFSBucket(self._database, bucket_name=f"files_{owner}")

    def wake_relay(self) -> None:
        """Say that facts wait in a document written just now."""
        for event in self.watchers:
            event.set()


@contextlib.contextmanager
def failures_named() -> Iterator[None]:
    """Turn the driver's errors into StoreUnavailable and AlreadyThere.

    A message never quotes the server's, which may quote a document: it names class and code.
    """
    try:
        yield
    except DuplicateKeyError as error:
        raise AlreadyThere(index_of(error.details or {})) from None
    except OperationFailure as error:
        if error.code in OUR_FAULT:
            raise
        name = (error.details or {}).get("codeName", "")
        raise StoreUnavailable(f"the database refused ({type(error).__name__} {error.code} {name})") from error
    except PyMongoError as error:
        raise StoreUnavailable(f"the database cannot be reached ({type(error).__name__})") from error


def index_of(fault: Query) -> str:
    """Return the name of the unique index that refused a document."""
    said = str(fault.get("errmsg", ""))
    _, _, rest = said.partition(" index: ")
    return rest.split(" ", 1)[0] or PRIMARY_KEY


def index_model(index: Index) -> IndexModel:
    """Return an index as the driver takes it."""
    options: dict[str, Any] = {"name": index.name}
    if index.is_unique:
        options["unique"] = True
    if index.is_sparse:
        options["sparse"] = True
    if index.only_where is not None:
        options["partialFilterExpression"] = dict(index.only_where)
    return IndexModel(list(index.keys), **options)


def place_of(url: str) -> str:
    """Return host and port of an address, without the password in it."""
    return urlsplit(url).netloc.rpartition("@")[2]
