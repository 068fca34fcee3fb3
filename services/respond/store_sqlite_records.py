"""respond's tables as a backup reads and writes them."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence

from hotline.plumbing.records import ERASED, Record
from services.respond.columns import columns_of, username_key
from services.respond.documents import decode_account
from services.respond.records import (
    ACCOUNT,
    KINDS,
    TICKET,
    account_record,
    attention_of,
    read_account,
    read_ticket,
    ticket_of,
    ticket_record,
    with_epoch,
)
from services.respond.store import RespondStore
from services.respond.store_sqlite import SqliteRespondStore, document_of
from services.respond.store_sqlite_tables import index_agencies, index_files, index_similar

PAGES = {
    ACCOUNT: "select account_id, doc from respond_account where account_id > ? order by account_id limit ?",
    TICKET: "select * from respond_ticket where feedback_id > ? order by feedback_id limit ?",
    ERASED: "select feedback_id from respond_erased where feedback_id > ? order by feedback_id limit ?",
}


class SqliteRespondRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: SqliteRespondStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""
        rows = await self.store.database.read(
            lambda connection: connection.execute(PAGES[kind], (after, limit)).fetchall()
        )
        return [READ[kind](row) for row in rows]

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


def put_ticket(connection: sqlite3.Connection, record: Record) -> None:
    """Store a ticket that is not there, with its inboxes and files."""
    body, ticket = read_ticket(record), ticket_of(record)
    columns = columns_of(ticket, body.attention)
    values = {**document_of(ticket), **columns, "doc": bytes(body.doc), "feedback_id": record.id}
    done = connection.execute(
        f"insert or ignore into respond_ticket ({', '.join(values)}) values ({', '.join('?' * len(values))})",
        tuple(values.values()),
    )
    if done.rowcount == 1:
        index_agencies(connection, ticket, columns)
        index_similar(connection, ticket, columns)
        index_files(connection, ticket)


def put_account(connection: sqlite3.Connection, record: Record) -> None:
    """Store an account that is not there."""
    doc = bytes(read_account(record).doc)
    account = decode_account(doc)
    connection.execute(
        "insert or ignore into respond_account values (?,?,?,?)",
        (record.id, username_key(account.username), account.version, doc),
    )


def put_erased(connection: sqlite3.Connection, record: Record) -> None:
    """Leave the mark of an erasure."""
    connection.execute("insert or ignore into respond_erased values (?)", (record.id,))


READ: Mapping[str, Callable[[sqlite3.Row], Record]] = {
    ACCOUNT: lambda row: account_record(row["account_id"], row["doc"]),
    TICKET: lambda row: ticket_record(row["feedback_id"], row["doc"], attention_of(dict(row))),
    ERASED: lambda row: Record(kind=ERASED, id=row["feedback_id"]),
}
PUT: Mapping[str, Callable[[sqlite3.Connection, Record], None]] = {
    ACCOUNT: put_account,
    TICKET: put_ticket,
    ERASED: put_erased,
}


def open_records(store: RespondStore) -> SqliteRespondRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, SqliteRespondStore)
    return SqliteRespondRecords(store)
