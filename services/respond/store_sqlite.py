"""respond's store in the embedded database: tables `respond_*`, the document as JSON beside indexed columns."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.plumbing.files import FileVault
from hotline.plumbing.migrations import migrate
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.sqlite import Database
from services.respond.accounts import Account
from services.respond.columns import Column, columns_of, counted, open_others, stamp, username_key
from services.respond.documents import decode_account, decode_ticket, encode_account, encode_ticket
from services.respond.store import Attention, ClocksDue, Conflict, FileIsGone, Page, UsernameTaken
from services.respond.store_sqlite_tables import (
    MIGRATIONS,
    OF_ERASED,
    erase_rows,
    forget_file,
    index_agencies,
    index_files,
    index_similar,
    is_erased,
    is_file_kept,
)
from services.respond.ticket import Status, Ticket

DESK = "from respond_ticket where is_at_desk = 1 and restricted = 0"


class SqliteRespondStore:
    """The `RespondStore` of the embedded default; make it with `open_store`."""

    epoch = 0

    def __init__(self, database: Database, log: SqliteLog, vault: FileVault) -> None:
        self.database = database
        self.log = log
        self.vault = vault

    async def get(self, feedback_id: str) -> Ticket | None:
        """See `RespondStore`."""
        found = await self._tickets("from respond_ticket where feedback_id = ?", feedback_id)
        return found[0] if found else None

    async def add(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        columns = columns_of(ticket, attention)
        values = {**document_of(ticket), **columns, "feedback_id": ticket.feedback_id}
        statement = f"insert into respond_ticket ({', '.join(values)}) values ({', '.join('?' * len(values))})"

        def work(connection: sqlite3.Connection) -> None:
            if is_erased(connection, ticket.feedback_id):
                raise Conflict(ticket.feedback_id)
            try:
                connection.execute(statement, tuple(values.values()))
            except sqlite3.IntegrityError as error:
                raise Conflict(ticket.feedback_id) from error
            self._index(connection, ticket, columns, facts)

        await self.database.write(work)

    async def save(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        columns = columns_of(ticket, attention)
        values = {**document_of(ticket), **columns}
        changes = ", ".join(f"{name} = ?" for name in values)
        statement = f"update respond_ticket set {changes} where feedback_id = ? and version = ?"

        def work(connection: sqlite3.Connection) -> None:
            done = connection.execute(statement, (*values.values(), ticket.feedback_id, ticket.version - 1))
            if done.rowcount != 1:
                raise Conflict(ticket.feedback_id)
            self._index(connection, ticket, columns, facts)

        await self.database.write(work)

    def _index(
        self, connection: sqlite3.Connection, ticket: Ticket, columns: Mapping[str, Column], facts: Sequence[Fact]
    ) -> None:
        index_agencies(connection, ticket, columns)
        index_similar(connection, ticket, columns)
        if not all(self.vault.has(file_id) for file_id in index_files(connection, ticket)):
            raise FileIsGone(ticket.feedback_id)
        self.log.append(connection, facts)

    async def for_desk(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(f"{DESK} order by urgent desc, next_due_at, feedback_id", page)

    async def count_for_desk(self) -> int:
        """See `RespondStore`."""
        return await self.database.read(
            lambda connection: int(connection.execute(f"select count(*) {DESK}").fetchone()[0])
        )

    async def for_agency(self, agency_id: str, statuses: frozenset[Status], page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        marks = ",".join("?" * len(statuses))
        return await self._page(
            "from respond_ticket_agency a join respond_ticket using (feedback_id)"
            f" where agency_id = ? and a.status in ({marks}) order by a.urgent desc, a.next_due_at, feedback_id",
            page,
            agency_id,
            *sorted(statuses),
        )

    async def count_for_agency(self, agency_id: str) -> Mapping[Status, int]:
        """See `RespondStore`."""
        query = "select status, count(*) as n from respond_ticket_agency where agency_id = ? group by status"
        rows = await self.database.read(lambda connection: connection.execute(query, (agency_id,)).fetchall())
        return counted({row["status"]: row["n"] for row in rows})

    async def restricted(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where restricted = 1 and is_received = 1"
        return await self._page(f"{where} order by is_screened, next_due_at, feedback_id", page)

    async def running(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where is_unanswered = 1 and is_received = 1"
        return await self._page(f"{where} order by next_due_at, feedback_id", page)

    async def broken(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where broken_at is not null"
        return await self._page(f"{where} order by broken_at desc, feedback_id", page)

    async def all_received(self, since: datetime) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where received_at >= ?"
        return await self._tickets(f"{where} order by received_at, feedback_id", stamp(since))

    async def similar(self, ticket: Ticket, limit: int) -> list[Ticket]:
        """See `RespondStore`."""
        named = ticket.classification.similar[:limit] if ticket.classification else ()
        marks = ",".join("?" * len(named))
        found = await self._tickets(f"from respond_ticket where feedback_id in ({marks})", *named)
        found += await self._tickets(
            "from respond_similar s join respond_ticket using (feedback_id)"
            " where similar_to = ? order by s.received_at desc, feedback_id limit ?",
            ticket.feedback_id,
            limit,
        )
        return open_others(ticket, found)

    async def duplicates_of(self, feedback_id: str) -> list[Ticket]:
        """See `RespondStore`."""
        found = await self._tickets("from respond_ticket where duplicate_of = ?", feedback_id)
        return sorted(found, key=lambda ticket: ticket.feedback_id)

    async def needing_attention(self, now: datetime, limit: int) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where next_attention_at <= ?"
        return await self._tickets(f"{where} order by next_attention_at, feedback_id limit ?", stamp(now), limit)

    async def clocks_due(self, now: datetime, within: timedelta) -> ClocksDue:
        """See `RespondStore`."""
        query = (
            "select (select count(*) from respond_ticket where acknowledgement_due_at between :since and :until),"
            " (select count(*) from respond_ticket where response_due_at between :since and :until),"
            " (select count(*) from respond_ticket where is_late = 1)"
        )
        values = {"since": stamp(now), "until": stamp(now + within)}
        row = await self.database.read(lambda connection: connection.execute(query, values).fetchone())
        return ClocksDue(acknowledgement=row[0], response=row[1], late=row[2])

    async def _page(self, source: str, page: Page, *values: object) -> list[Ticket]:
        return await self._tickets(f"{source} limit ? offset ?", *values, page.limit, page.offset)

    async def _tickets(self, source: str, *values: object) -> list[Ticket]:
        rows = await self.database.read(
            lambda connection: connection.execute(f"select respond_ticket.doc {source}", values).fetchall()
        )
        return [decode_ticket(row["doc"]) for row in rows]

    async def file_ids(self) -> frozenset[str]:
        """See `RespondStore`."""
        query = f"select file_id from respond_file where not {OF_ERASED}"
        rows = await self.database.read(lambda connection: connection.execute(query).fetchall())
        return frozenset(row["file_id"] for row in rows)

    async def erase(self, feedback_id: str) -> frozenset[str]:
        """See `RespondStore`."""

        def work(connection: sqlite3.Connection) -> frozenset[str]:
            self.log.erase(connection, feedback_id)
            return erase_rows(connection, feedback_id)

        released = await self.database.write(work)
        await self.database.checkpoint()
        return released

    async def release_files(self, file_ids: Collection[str]) -> None:
        """See `RespondStore`."""

        def work(connection: sqlite3.Connection) -> None:
            for file_id in file_ids:
                if not is_file_kept(connection, file_id):
                    self.vault.unlink(file_id)
                forget_file(connection, file_id)

        if file_ids:
            await self.database.write(work)

    async def is_erased(self, feedback_id: str) -> bool:
        """See `RespondStore`."""
        return await self.database.read(lambda connection: is_erased(connection, feedback_id))

    async def account(self, account_id: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account("account_id", account_id)

    async def account_named(self, username: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account("username", username_key(username))

    async def _account(self, column: str, value: str) -> Account | None:
        query = f"select doc from respond_account where {column} = ?"
        row = await self.database.read(lambda connection: connection.execute(query, (value,)).fetchone())
        return decode_account(row["doc"]) if row else None

    async def accounts(self) -> list[Account]:
        """See `RespondStore`."""
        query = "select doc from respond_account order by username"
        rows = await self.database.read(lambda connection: connection.execute(query).fetchall())
        return [decode_account(row["doc"]) for row in rows]

    async def add_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        values = (account.account_id, username_key(account.username), account.version, encode_account(account))

        def work(connection: sqlite3.Connection) -> None:
            with name_taken(account):
                connection.execute("insert into respond_account values (?,?,?,?)", values)
            self.log.append(connection, facts)

        await self.database.write(work)

    async def save_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        statement = "update respond_account set username = ?, version = ?, doc = ? where account_id = ? and version = ?"
        changes = (username_key(account.username), account.version, encode_account(account))

        def work(connection: sqlite3.Connection) -> None:
            with name_taken(account):
                done = connection.execute(statement, (*changes, account.account_id, account.version - 1))
            if done.rowcount != 1:
                raise Conflict(account.account_id)
            self.log.append(connection, facts)

        await self.database.write(work)


async def open_store(backend: Backend) -> SqliteRespondStore:
    """Make respond's tables where they are missing and return the store; raises SchemaTooNew."""
    vault = backend.vault("answers")
    assert isinstance(backend.database, Database) and isinstance(backend.bus, SqliteLog)
    assert isinstance(vault, FileVault)
    await migrate(backend.database, "respond", MIGRATIONS)
    store = SqliteRespondStore(backend.database, backend.bus, vault)
    store.epoch = await epoch_of(backend, "respond")
    return store


def document_of(ticket: Ticket) -> dict[str, object]:
    """Return the two columns that hold the ticket itself."""
    return {"doc": encode_ticket(ticket), "version": ticket.version}


@contextlib.contextmanager
def name_taken(account: Account) -> Iterator[None]:
    """Say that the user name is taken where the table says that a row is there already."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise UsernameTaken(account.username) from error
