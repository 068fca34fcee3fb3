"""The embedded database: one SQLite file, one writer thread, group commit.

Called by the `store_sqlite.py` files and `bus_sqlite.py`. Concurrent writes share one fsynced `BEGIN IMMEDIATE`
transaction, a SAVEPOINT each or all tried together first, so one failing write never touches its neighbours and a
write that has returned is on disk. Another process (the command line) may write beside the server: SQLite's own lock
orders them.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar

from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.log import step
from hotline.plumbing.tracing import carried

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[sqlite3.Connection], T]
# One write for several callers: a result for each item, in their order.
SharedWork = Callable[[sqlite3.Connection, Sequence[Item]], Sequence[T]]

MAX_GROUP = 256
READERS = 4
MOST_ROWS = 64
LOCK_WAIT_S = 30.0
CHECKPOINT_WAIT_S = 2.0
LOG_PAGES = 16_000


@dataclass(slots=True, eq=False)
class Job:
    """One caller's write and where its result goes."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    shared: SharedWork[Any, Any] | None = None
    item: Any = None
    is_checkpoint: bool = False
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Hand the outcome to the caller, who may be gone by now."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


@dataclass(slots=True)
class Database:
    """One open SQLite file; make it with `Database.open`."""

    path: Path
    jobs: "queue.SimpleQueue[Job | None]" = field(default_factory=queue.SimpleQueue)
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READERS, "sqlite-read"))
    local: threading.local = field(default_factory=threading.local)
    watchers: "set[asyncio.Event]" = field(default_factory=set)
    opened: list[sqlite3.Connection] = field(default_factory=list)
    writer: threading.Thread | None = None

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open or create the file; raises StoreUnavailable with the reason when that cannot be done."""
        database = cls(path=path)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = await asyncio.to_thread(connect, path)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{path} cannot be opened as a database: {error}") from error
        database.writer = threading.Thread(target=database.write_groups, args=(connection,), name="sqlite-write")
        database.writer.start()
        return database

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the next group; durable when this returns. What `work` raises undoes only its own changes."""
        return await self._put(carried(work))

    async def write_shared(self, work: SharedWork[Item, T], item: Item) -> T:
        """Run `work` once for the items of every caller in the next group; durable when this returns.

        Where it raises for several, each item is tried alone: as with `write`, one failing touches no other. Few long
        statements in place of many short ones let the event loop run beside them.
        """
        return await self._put(lambda connection: work(connection, (item,))[0], shared=work, item=item)

    def _put(
        self,
        work: Work[T],
        *,
        shared: SharedWork[Any, Any] | None = None,
        item: object = None,
        is_checkpoint: bool = False,
    ) -> "asyncio.Future[T]":
        if self.writer is None:
            raise StoreUnavailable("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self.jobs.put(Job(work, loop, future, shared, item, is_checkpoint))
        return future

    async def checkpoint(self) -> None:
        """Copy the write-ahead log into the file and empty it: what was erased before lies in neither then.

        Raises StoreUnavailable when a reader holds the log for longer than CHECKPOINT_WAIT_S: try again.
        """
        await self._put(lambda _: None, is_checkpoint=True)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a read-only connection; it sees every write that has returned."""
        if self.writer is None:
            raise StoreUnavailable("the database is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.readers, self.read_now, work)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    async def ping(self) -> None:
        """Return when the file can be read now; raises StoreUnavailable."""
        await self.read(lambda connection: connection.execute("select 1").fetchone())

    def read_now(self, work: Work[T]) -> T:
        """Read in the calling thread, with this thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self.local, "connection", None)
        if connection is None:
            connection = connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            self.local.connection = connection
            self.opened.append(connection)
        return work(connection)

    async def close(self) -> None:
        """Finish the writes in hand and close; calling twice is safe."""
        if self.writer is None:
            return
        writer, self.writer = self.writer, None
        self.jobs.put(None)
        await asyncio.to_thread(writer.join)
        self.readers.shutdown(wait=True)
        for connection in self.opened:
            connection.close()

    def write_groups(self, connection: sqlite3.Connection | None) -> None:
        """The writer thread: one transaction for all that waits, then the next; it outlives a broken connection."""
        while (first := self.jobs.get()) is not None:
            group, is_last = self.take_group(first)
            connection = self.commit_or_refuse(connection, group)
            self.settle_group(group)
            if is_last:
                break
        if connection is not None:
            connection.close()

    def commit_or_refuse(
        self, connection: sqlite3.Connection | None, group: Sequence[Job]
    ) -> sqlite3.Connection | None:
        """Commit a group; one whose transaction cannot even be undone is refused, and the next group connects anew.

        Closing the connection is what undoes it then. Were the thread to die, every later write would wait for ever.
        """
        try:
            connection = connection or connect(self.path)
            commit_group(connection, group)
            empty_log(connection, [job for job in group if job.is_checkpoint and job.error is None])
        except BaseException as error:  # noqa: BLE001 - whatever broke, the callers are told and the thread goes on
            step("writer_connects_anew", level="ERROR", error=type(error).__name__)
            refuse(group, error)
            with contextlib.suppress(sqlite3.Error):
                if connection is not None:
                    connection.close()
            return None
        return connection

    def take_group(self, first: Job) -> tuple[list[Job], bool]:
        """Take what already waits behind `first`, without waiting for more."""
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                job = self.jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def settle_group(self, group: Sequence[Job]) -> None:
        """Wake the callers, and whoever watches for changes, on their own loops."""
        for loop in {job.loop for job in group}:
            own = [job for job in group if job.loop is loop]
            try:
                loop.call_soon_threadsafe(self.announce, own)
            except RuntimeError:
                # The caller's loop is closed: nobody waits any more, and what was committed stays.
                continue

    def announce(self, group: Sequence[Job]) -> None:
        """On the loop: settle every caller of the group and set the watchers' events."""
        for job in group:
            job.settle()
        for event in self.watchers:
            event.set()


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with the PRAGMAs that the promises need."""
    connection = sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is kept aside to undo a write would go through files otherwise: slower, and a citizen's words in /tmp.
    connection.execute("PRAGMA temp_store = MEMORY")
    # Pages that are written again and again are copied into the file once: some 64 MB wait in the log.
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    # Erased words must not linger in free pages.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def commit_group(connection: sqlite3.Connection, group: Sequence[Job]) -> None:
    """Run every job in one transaction; a failure of the transaction itself is every job's failure."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        done = run_together(connection, jobs_that_share(group))
        for job in group:
            if job not in done:
                run_job(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        refuse(group, error)


def empty_log(connection: sqlite3.Connection, asking: Sequence[Job]) -> None:
    """Empty the write-ahead log, outside any transaction, for those who asked; they are told when that failed."""
    if not asking:
        return
    connection.execute(f"PRAGMA busy_timeout = {int(CHECKPOINT_WAIT_S * 1000)}")
    try:
        is_busy = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    except sqlite3.Error:
        is_busy = True
    connection.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_S * 1000)}")
    for job in asking if is_busy else ():
        job.error = StoreUnavailable("the write-ahead log could not be emptied: a reader holds it")


def refuse(group: Sequence[Job], error: BaseException) -> None:
    """Make the failure of a transaction every job's failure."""
    for job in group:
        job.error = StoreUnavailable(f"the write was not committed: {error}")


def jobs_that_share(group: Sequence[Job]) -> Sequence[Job]:
    """Return the jobs of the one shared work that most of them ask for, in their order; none where no two share."""
    asked = Counter(job.shared for job in group if job.shared is not None)
    work, count = asked.most_common(1)[0] if asked else (None, 0)
    return [job for job in group if job.shared == work] if count > 1 else ()


def run_together(connection: sqlite3.Connection, jobs: Sequence[Job]) -> Collection[Job]:
    """Do the jobs' shared work once, first in the transaction; return those jobs, or none when nothing of it is left.

    It has no SAVEPOINT: keeping every page as it was costs more than to begin the transaction again, which is seldom.
    """
    if not jobs or jobs[0].shared is None:
        return ()
    try:
        results = jobs[0].shared(connection, [job.item for job in jobs])
    except BaseException:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        return ()
    for job, result in zip(jobs, results, strict=True):
        job.result = result
    return frozenset(jobs)


def insert_rows(connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]], after: str = "") -> int:
    """Insert rows of equal length, none beginning with null, by few statements; returns how many came in.

    The statement is `into` select * from (values …) where column1 is not null `after`: up to a power of two the rows
    are filled up with null, so that few different statements are prepared. Each further statement, as `executemany`
    would make, gives the interpreter's lock back and waits for it.
    """
    inserted = 0
    for at in range(0, len(rows), MOST_ROWS):
        part = rows[at : at + MOST_ROWS]
        width, size = len(part[0]), 1 << (len(part) - 1).bit_length()
        statement = f"{into} select * from (values {marks_of(size, width)}) where column1 is not null {after}"
        values = [*chain.from_iterable(part), *repeat(None, (size - len(part)) * width)]
        inserted += connection.execute(statement, values).rowcount
    return inserted


@cache
def marks_of(rows: int, columns: int) -> str:
    """Return the marks of so many rows, of which there are few kinds."""
    return ",".join(["(" + ",".join("?" * columns) + ")"] * rows)


def run_job(connection: sqlite3.Connection, job: Job) -> None:
    """Run one job in its SAVEPOINT; re-raises only what has ended the whole transaction."""
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except BaseException as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO job")
        job.error = error
    connection.execute("RELEASE job")
