"""The keys by which classify finds messages alike in the embedded database: one row a key, in the order of receipt.

Called by `store_sqlite` inside its reads and writes. A row goes with the restriction or erasure of its message in the
same transaction. Which rows a message has is told by its stored document (`likeness.keys_of`).
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from services.classify.documents import Classification, decode
from services.classify.likeness import keys_of

LIKENESS_TABLE = (
    """create table classify_likeness (
         likeness integer not null, received_s integer not null, feedback_id text not null,
         primary key (likeness, received_s, feedback_id)) without rowid""",
)
LIKENESS_BY_AGE = ("create index classify_likeness_age on classify_likeness (received_s)",)
# Of the first and the last second of the span all is read: the instants themselves are looked at afterwards.
NEWEST = (
    "select feedback_id from classify_likeness where likeness = ? and received_s between ? and ?"
    " order by received_s desc, feedback_id limit ?"
)
DROP = "delete from classify_likeness where likeness = ? and received_s = ? and feedback_id = ?"
FORGET = (
    "delete from classify_likeness where (likeness, received_s, feedback_id) in"
    " (select likeness, received_s, feedback_id from classify_likeness where received_s < ? limit ?)"
)
DOCUMENT = "select doc from classify_classification where feedback_id = ?"


def keep_keys(connection: sqlite3.Connection, document: Classification) -> None:
    """Keep the rows of a document that is stored next; of a version before only what differs is written."""
    before, after = stored_rows(connection, document.feedback_id), rows_of(document)
    connection.executemany(DROP, before - after)
    connection.executemany("insert or ignore into classify_likeness values (?,?,?)", after - before)


def drop_keys(connection: sqlite3.Connection, feedback_id: str) -> None:
    """Remove the rows of a feedback whose document is still stored; nothing where none is."""
    connection.executemany(DROP, stored_rows(connection, feedback_id))


def forget_keys(connection: sqlite3.Connection, before: datetime, limit: int) -> int:
    """Remove rows of before an instant, at most so many; return how many."""
    return connection.execute(FORGET, (int(before.timestamp()), limit)).rowcount


def stored_rows(connection: sqlite3.Connection, feedback_id: str) -> set[tuple[int, int, str]]:
    """Return the rows of the version that is stored now."""
    row = connection.execute(DOCUMENT, (feedback_id,)).fetchone()
    return rows_of(decode(row["doc"])) if row is not None else set()


def rows_of(document: Classification) -> set[tuple[int, int, str]]:
    """Return the rows of a document."""
    second = int(document.received_at.timestamp())
    return {(key, second, document.feedback_id) for key in keys_of(document)}


def documents_alike(
    connection: sqlite3.Connection, keys: Sequence[int], since: datetime, until: datetime, per_key: int
) -> list[Classification]:
    """Return open feedback under any of the keys; see `ClassifyStore.alike`."""
    span = (int(since.timestamp()), int(until.timestamp()))
    found = {row["feedback_id"] for key in keys for row in connection.execute(NEWEST, (key, *span, per_key))}
    documents = [decode(connection.execute(DOCUMENT, (feedback_id,)).fetchone()["doc"]) for feedback_id in found]
    inside = [document for document in documents if since <= document.received_at < until]
    return sorted(sorted(inside, key=lambda d: d.feedback_id), key=lambda d: d.received_at, reverse=True)
