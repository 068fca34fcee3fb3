"""ingest's tables as a backup reads and writes them."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence

from hotline.plumbing.instants import sortable
from hotline.plumbing.records import ERASED, Record
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
from services.ingest.store_sqlite import SqliteFeedbackStore

PAGES = {
    FEEDBACK: "select id, doc, contact, phone_mark from ingest_feedback where id > ? order by id limit ?",
    BATCH: "select id, doc from ingest_batch where id > ? order by id limit ?",
    ERASED: "select id from ingest_erased where id > ? order by id limit ?",
}
NOTICES = "select doc, claimed_until from ingest_notice where feedback_id = ? order by id"


class SqliteIngestRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: SqliteFeedbackStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            return [READ[kind](connection, row) for row in connection.execute(PAGES[kind], (after, limit)).fetchall()]

        return await self.store.database.read(work)

    async def put_back(self, records: Sequence[Record]) -> None:
        """See `Records`."""

        def work(connection: sqlite3.Connection) -> None:
            for record in records:
                PUT[record.kind](connection, record)

        await self.store.database.write(work)

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """See `Records`."""
        return with_epoch(record, epoch)

    async def file_ids(self) -> Collection[str]:
        """See `Records`."""
        return await self.store.file_ids()


def read_row(connection: sqlite3.Connection, row: sqlite3.Row) -> Record:
    """Write a feedback down, with its notices."""
    notices = [
        notice_body(bytes(one["doc"]), one["claimed_until"]) for one in connection.execute(NOTICES, (row["id"],))
    ]
    return feedback_record(row["id"], row["doc"], row["contact"], row["phone_mark"], notices)


def put_feedback(connection: sqlite3.Connection, record: Record) -> None:
    """Store a feedback that is not there, with its files and notices."""
    body, feedback = read_feedback(record), feedback_of(record)
    columns = columns_of(feedback)
    done = connection.execute(
        "insert into ingest_feedback values (?,?,?,?,?,?,?,?,?,?) on conflict (id) do nothing",
        (
            record.id, feedback.version, feedback.tracking_code, bytes(body.doc), body.contact, body.phone_mark,
            columns.recorded_at, columns.is_ticketless, columns.is_shown, columns.tell_since,
        ),
    )  # fmt: skip
    if done.rowcount != 1:
        return
    connection.executemany(
        "insert or ignore into ingest_file values (?, ?)", [(file.file_id, record.id) for file in feedback.attachments]
    )
    for stored in body.notices:
        notice = decode_notice(bytes(stored.doc))
        until = sortable(stored.claimed_until) if stored.claimed_until else None
        connection.execute(
            "insert or ignore into ingest_notice values (?,?,?,?,?,?,?,?,?)",
            (
                notice.notice_id, record.id, notice.cause, notice.kind, notice.recipient, notice.is_waiting,
                sortable(notice.created_at), bytes(stored.doc), until,
            ),
        )  # fmt: skip


def put_batch(connection: sqlite3.Connection, record: Record) -> None:
    """Store a batch that is not there."""
    doc = bytes(read_batch(record).doc)
    values = (record.id, sortable(decode_batch(doc).started_at), doc)
    connection.execute("insert or ignore into ingest_batch values (?, ?, ?)", values)


def put_erased(connection: sqlite3.Connection, record: Record) -> None:
    """Leave the mark of an erasure."""
    connection.execute("insert or ignore into ingest_erased values (?)", (record.id,))


READ: Mapping[str, Callable[[sqlite3.Connection, sqlite3.Row], Record]] = {
    FEEDBACK: read_row,
    BATCH: lambda _, row: batch_record(row["id"], row["doc"]),
    ERASED: lambda _, row: Record(kind=ERASED, id=row["id"]),
}
PUT: Mapping[str, Callable[[sqlite3.Connection, Record], None]] = {
    FEEDBACK: put_feedback,
    BATCH: put_batch,
    ERASED: put_erased,
}


def open_records(store: FeedbackStore) -> SqliteIngestRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, SqliteFeedbackStore)
    return SqliteIngestRecords(store)
