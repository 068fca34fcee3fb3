"""classify's tables as a backup reads and writes them."""

import sqlite3
from collections.abc import Collection, Sequence

from hotline.plumbing.instants import sortable
from hotline.plumbing.records import ERASED, Record
from services.classify.documents import decode
from services.classify.records import KINDS, read, record_of, with_epoch
from services.classify.store import ClassifyStore
from services.classify.store_sqlite import (
    INSERT,
    SqliteClassifyStore,
    columns_of,
    is_classified,
    kept_word,
    label_of,
)
from services.classify.store_sqlite_likeness import keep_keys

FEEDBACKS = (
    "select feedback_id from classify_classification where feedback_id > :after"
    " union select feedback_id from classify_ticket where feedback_id > :after order by feedback_id limit :limit"
)
MARKS = "select feedback_id from classify_erased where feedback_id > :after order by feedback_id limit :limit"


class SqliteClassifyRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: SqliteClassifyStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""
        values = {"after": after, "limit": limit}

        def work(connection: sqlite3.Connection) -> list[Record]:
            if kind == ERASED:
                return [Record(kind=ERASED, id=row[0]) for row in connection.execute(MARKS, values)]
            return [known_of(connection, row[0]) for row in connection.execute(FEEDBACKS, values)]

        return await self.store.database.read(work)

    async def put_back(self, records: Sequence[Record]) -> None:
        """See `Records`."""

        def work(connection: sqlite3.Connection) -> None:
            for record in records:
                put(connection, record)

        await self.store.database.write(work)

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """See `Records`."""
        return with_epoch(record, epoch)

    async def file_ids(self) -> Collection[str]:
        """See `Records`: classify keeps no files."""
        return ()


def known_of(connection: sqlite3.Connection, feedback_id: str) -> Record:
    """Write down what the tables know of a feedback."""
    row = connection.execute("select doc from classify_classification where feedback_id = ?", (feedback_id,)).fetchone()
    labels = connection.execute("select * from classify_label where feedback_id = ?", (feedback_id,))
    return record_of(
        feedback_id, row["doc"] if row else None, kept_word(connection, feedback_id), [label_of(row) for row in labels]
    )


def put(connection: sqlite3.Connection, record: Record) -> None:
    """Store what is not there."""
    if record.kind == ERASED:
        connection.execute("insert or ignore into classify_erased values (?)", (record.id,))
        return
    body = read(record)
    doc = body.document
    if doc is not None and not is_classified(connection, record.id):
        document = decode(doc)
        keep_keys(connection, document)
        connection.execute(
            f"insert into classify_classification {INSERT}",
            (doc, *columns_of(document)[1:]),
        )
    if body.word is not None:
        connection.execute(
            "insert or ignore into classify_ticket values (?,?,?,?,?)",
            (record.id, *body.word.order, body.word.restricted, sortable(body.word.at)),
        )
    connection.executemany(
        "insert or ignore into classify_label (feedback_id, at, text, code, petition_kind, urgent, model_version,"
        " was_correct) values (?,?,?,?,?,?,?,?)",
        [
            (record.id, sortable(label.at), label.text, label.code, label.petition_kind, label.urgent,
             label.model_version, label.was_correct)
            for label in body.labels
        ],
    )  # fmt: skip


def open_records(store: ClassifyStore) -> SqliteClassifyRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, SqliteClassifyStore)
    return SqliteClassifyRecords(store)
