"""Keeps ingest's documents in the embedded database, with their facts in the same transaction.

Who sent a feedback is kept sealed beside the document (see `sealed_reporter`). Called through the `FeedbackStore`
protocol.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus_sqlite import SqliteLog, append_envelopes
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.files import FileVault
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations import Migration, migrate
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.sqlite import Database, insert_rows
from services.ingest.columns import columns_of
from services.ingest.documents import (
    Batch,
    Feedback,
    Notice,
    decode_batch,
    decode_notice,
    encode,
)
from services.ingest.sealed_reporter import ReporterSeal
from services.ingest.store import Added, Conflict, FileIsGone, TrackingCodeTaken, Waiting, WasErased

MIGRATIONS = (
    Migration(
        number=1,
        statements=(
            """create table ingest_feedback (
                 id text primary key, version integer not null, tracking_code text not null unique, doc blob not null,
                 contact blob, phone_mark blob, recorded_at text not null, is_ticketless integer not null,
                 is_shown integer not null, tell_since text)""",
            "create index ingest_phone on ingest_feedback (phone_mark, recorded_at) where phone_mark is not null",
            "create index ingest_ticketless on ingest_feedback (recorded_at) where is_ticketless = 1",
            "create index ingest_tell on ingest_feedback (tell_since) where tell_since is not null",
            """create table ingest_file (
                 file_id text not null, feedback_id text not null, primary key (file_id, feedback_id)) without rowid""",
            "create index ingest_file_feedback on ingest_file (feedback_id)",
            "create table ingest_erased (id text primary key) without rowid",
            """create table ingest_notice (
                 id text primary key, feedback_id text not null, cause text not null, kind text not null,
                 recipient text not null, is_waiting integer not null, created_at text not null, doc blob not null,
                 unique (feedback_id, cause, kind, recipient))""",
            "create index ingest_notice_waiting on ingest_notice (created_at) where is_waiting = 1",
            """create table ingest_batch (
                 id text primary key, started_at text not null, doc blob not null)""",
        ),
    ),
    Migration(number=2, statements=("alter table ingest_notice add column claimed_until text",)),
)


class NotAllNew(Exception):
    """Some of several feedbacks are there already: each must be looked at alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """A feedback to add, its row, and what goes in with it."""

    feedback: Feedback
    row: tuple[object, ...]
    envelopes: Sequence[Envelope]
    notices: Sequence[Notice] = ()


class SqliteFeedbackStore:
    """The `FeedbackStore` of the embedded default; make it with `open_store`."""

    epoch = 0

    def __init__(self, database: Database, log: SqliteLog, secret: str, vault: FileVault) -> None:
        self.database = database
        self.log = log
        self.vault = vault
        self.seal = ReporterSeal(secret)

    async def add(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Added:
        """See `FeedbackStore`."""
        new = _New(feedback=feedback, row=self._row(feedback), envelopes=self.log.closed(facts), notices=notices)
        return await self.database.write_shared(self._add, new)

    def _add(self, connection: sqlite3.Connection, items: Sequence[_New]) -> list[Added]:
        """Store new feedbacks; an item alone may be there already, several must all be new."""
        if _insert(connection, items) < len(items):
            if len(items) > 1:
                raise NotAllNew
            return [self._there_already(connection, items[0].feedback.feedback_id)]
        if not all(self.vault.has(file.file_id) for item in items for file in item.feedback.attachments):
            raise FileIsGone(items[0].feedback.feedback_id)
        append_envelopes(connection, [envelope for item in items for envelope in item.envelopes])
        _insert_notices(connection, [notice for item in items for notice in item.notices])
        return [Added(feedback=item.feedback, is_new=True) for item in items]

    def _there_already(self, connection: sqlite3.Connection, feedback_id: str) -> Added:
        """Return what is stored under the id; raises WasErased where nothing is."""
        row = connection.execute("select doc, contact from ingest_feedback where id = ?", (feedback_id,)).fetchone()
        if row is None:
            raise WasErased(feedback_id)
        return Added(feedback=self._read(row), is_new=False)

    async def add_chunk(self, chunk: Sequence[tuple[Feedback, Fact]], batch: Batch) -> Batch:
        """See `FeedbackStore`."""
        items = [
            _New(feedback=feedback, row=self._row(feedback), envelopes=self.log.closed((fact,)))
            for feedback, fact in chunk
        ]

        def work(connection: sqlite3.Connection) -> Batch:
            new = [item for item in items if _insert(connection, (item,))]
            append_envelopes(connection, [envelope for item in new for envelope in item.envelopes])
            known = len(items) - len(new)
            progress = replace(batch, accepted=batch.accepted + len(new), known=batch.known + known)
            connection.execute(
                "insert into ingest_batch values (?, ?, ?) on conflict (id) do update set doc = excluded.doc",
                (batch.batch_id, sortable(batch.started_at), encode(progress)),
            )
            return progress

        return await self.database.write(work)

    async def save(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Feedback:
        """See `FeedbackStore`."""
        saved = replace(feedback, version=feedback.version + 1)
        row = self._row(saved)

        def work(connection: sqlite3.Connection) -> Feedback:
            done = connection.execute(
                "update ingest_feedback set version = ?, doc = ?, is_ticketless = ?, is_shown = ?, tell_since = ?"
                " where id = ? and version = ?",
                (row[1], row[3], row[7], row[8], row[9], row[0], feedback.version),
            )
            if done.rowcount != 1:
                raise Conflict(feedback.feedback_id)
            self.log.append(connection, facts)
            _insert_notices(connection, notices)
            return saved

        return await self.database.write(work)

    async def get(self, feedback_id: str) -> Feedback | None:
        """See `FeedbackStore`."""
        return await self._one("select doc, contact from ingest_feedback where id = ?", feedback_id)

    async def by_tracking_code(self, code: str) -> Feedback | None:
        """See `FeedbackStore`."""
        return await self._one("select doc, contact from ingest_feedback where tracking_code = ?", code)

    async def earlier_calls(self, phone: str, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        return await self._many(
            "select doc, contact from ingest_feedback where phone_mark = ? and is_shown = 1"
            " order by recorded_at desc limit ?",
            self.seal.mark(phone), limit,
        )  # fmt: skip

    async def to_tell_by_phone(self, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        return await self._many(
            "select doc, contact from ingest_feedback where tell_since is not null order by tell_since limit ?",
            limit,
        )

    async def without_ticket_since(self, recorded_before: datetime, limit: int) -> list[Feedback]:
        """See `FeedbackStore`."""
        return await self._many(
            "select doc, contact from ingest_feedback where is_ticketless = 1 and recorded_at < ?"
            " order by recorded_at limit ?",
            sortable(recorded_before), limit,
        )  # fmt: skip

    async def waiting_for_ticket(self) -> Waiting:
        """See `FeedbackStore`."""
        query = "select count(*), min(recorded_at) from ingest_feedback where is_ticketless = 1"
        count, oldest = await self.database.read(lambda connection: tuple(connection.execute(query).fetchone()))
        return Waiting(count=count, oldest_at=datetime.fromisoformat(oldest) if oldest else None)

    async def file_ids(self) -> frozenset[str]:
        """See `FeedbackStore`."""
        rows = await self.database.read(
            lambda connection: connection.execute("select file_id from ingest_file").fetchall()
        )
        return frozenset(row["file_id"] for row in rows)

    async def erase(self, feedback_id: str, facts: Sequence[Fact]) -> frozenset[str]:
        """See `FeedbackStore`."""

        def work(connection: sqlite3.Connection) -> frozenset[str]:
            gone = connection.execute("delete from ingest_feedback where id = ?", (feedback_id,)).rowcount
            if not gone:
                return frozenset()
            connection.execute("insert or ignore into ingest_erased values (?)", (feedback_id,))
            connection.execute("delete from ingest_notice where feedback_id = ?", (feedback_id,))
            self.log.erase(connection, feedback_id)
            self.log.append(connection, facts)
            return _release_files(connection, feedback_id)

        released = await self.database.write(work)
        with contextlib.suppress(StoreUnavailable):
            # The other services empty it too when they read of the erasure, and do not stop before they have.
            await self.database.checkpoint()
        return released

    async def finish_erasures(self) -> None:
        """See `FeedbackStore`."""

    async def release_files(self, file_ids: Collection[str]) -> None:
        """See `FeedbackStore`."""

        def work(connection: sqlite3.Connection) -> None:
            for file_id in file_ids:
                if not connection.execute("select 1 from ingest_file where file_id = ?", (file_id,)).fetchone():
                    self.vault.unlink(file_id)

        if file_ids:
            await self.database.write(work)

    async def import_progress(self, batch_id: str) -> Batch | None:
        """See `FeedbackStore`."""
        row = await self.database.read(
            lambda connection: connection.execute("select doc from ingest_batch where id = ?", (batch_id,)).fetchone()
        )
        return decode_batch(row["doc"]) if row else None

    async def recent_batches(self, limit: int) -> list[Batch]:
        """See `FeedbackStore`."""
        rows = await self.database.read(
            lambda connection: connection.execute(
                "select doc from ingest_batch order by started_at desc limit ?", (limit,)
            ).fetchall()
        )
        return [decode_batch(row["doc"]) for row in rows]

    async def notices_to_send(self, now: datetime, limit: int) -> list[Notice]:
        """See `FeedbackStore`."""
        rows = await self.database.read(
            lambda connection: connection.execute(
                "select doc from ingest_notice where is_waiting = 1 and (claimed_until is null or claimed_until <= ?)"
                " order by created_at limit ?",
                (sortable(now), limit),
            ).fetchall()
        )
        return [decode_notice(row["doc"]) for row in rows]

    async def claim_notice(self, notice_id: str, *, now: datetime, until: datetime) -> bool:
        """See `FeedbackStore`."""
        return await self.database.write(
            lambda connection: (
                connection.execute(
                    "update ingest_notice set claimed_until = ? where id = ? and is_waiting = 1"
                    " and (claimed_until is null or claimed_until <= ?)",
                    (sortable(until), notice_id, sortable(now)),
                ).rowcount
                == 1
            )
        )

    async def put_off_notice(self, notice_id: str, *, until: datetime) -> None:
        """See `FeedbackStore`."""
        await self.database.write(
            lambda connection: connection.execute(
                "update ingest_notice set claimed_until = ? where id = ?", (sortable(until), notice_id)
            )
        )

    async def count_notices_to_send(self) -> int:
        """See `FeedbackStore`."""
        query = "select count(*) from ingest_notice where is_waiting = 1"
        return await self.database.read(lambda connection: int(connection.execute(query).fetchone()[0]))

    async def save_notice(self, notice: Notice) -> None:
        """See `FeedbackStore`."""
        await self.database.write(
            lambda connection: connection.execute(
                "update ingest_notice set doc = ?, is_waiting = ? where id = ?",
                (encode(notice), notice.is_waiting, notice.notice_id),
            )
        )

    async def _one(self, statement: str, *values: object) -> Feedback | None:
        found = await self._many(statement, *values)
        return found[0] if found else None

    async def _many(self, statement: str, *values: object) -> list[Feedback]:
        rows = await self.database.read(lambda connection: connection.execute(statement, values).fetchall())
        return [self._read(row) for row in rows]

    def _read(self, row: sqlite3.Row) -> Feedback:
        return self.seal.together(row["doc"], row["contact"])

    def _row(self, feedback: Feedback) -> tuple[object, ...]:
        """Return the columns of the table, in its order."""
        doc, contact, phone_mark = self.seal.apart(feedback)
        columns = columns_of(feedback)
        return (
            feedback.feedback_id,
            feedback.version,
            feedback.tracking_code,
            doc,
            contact,
            phone_mark,
            columns.recorded_at,
            columns.is_ticketless,
            columns.is_shown,
            columns.tell_since,
        )


async def open_store(backend: Backend) -> SqliteFeedbackStore:
    """Make ingest's tables where they are missing and return the store; raises SchemaTooNew."""
    vault = backend.vault("feedback")
    assert isinstance(backend.database, Database) and isinstance(backend.bus, SqliteLog)
    assert isinstance(vault, FileVault)
    await migrate(backend.database, "ingest", MIGRATIONS)
    store = SqliteFeedbackStore(backend.database, backend.bus, backend.settings.secret_key, vault)
    store.epoch = await epoch_of(backend, "ingest")
    return store


def _insert(connection: sqlite3.Connection, items: Sequence[_New]) -> int:
    """Insert feedbacks but those whose id is there or was erased; raises TrackingCodeTaken for another's code."""
    try:
        inserted = insert_rows(
            connection,
            "insert into ingest_feedback",
            [item.row for item in items],
            "and not exists (select 1 from ingest_erased where id = column1) on conflict (id) do nothing",
        )
    except sqlite3.IntegrityError as error:
        raise TrackingCodeTaken from error
    files = [(file.file_id, item.feedback.feedback_id) for item in items for file in item.feedback.attachments]
    if inserted and files:
        connection.executemany("insert or ignore into ingest_file values (?, ?)", files)
    return inserted


def _insert_notices(connection: sqlite3.Connection, notices: Sequence[Notice]) -> None:
    rows = [
        (n.notice_id, n.feedback_id, n.cause, n.kind, n.recipient, 1, sortable(n.created_at), encode(n), None)
        for n in notices
    ]
    insert_rows(connection, "insert or ignore into ingest_notice", rows)


def _release_files(connection: sqlite3.Connection, feedback_id: str) -> frozenset[str]:
    """Forget the feedback's files; return those that no other feedback keeps."""
    held = connection.execute("select file_id from ingest_file where feedback_id = ?", (feedback_id,)).fetchall()
    connection.execute("delete from ingest_file where feedback_id = ?", (feedback_id,))
    return frozenset(
        row["file_id"]
        for row in held
        if not connection.execute("select 1 from ingest_file where file_id = ?", (row["file_id"],)).fetchone()
    )
