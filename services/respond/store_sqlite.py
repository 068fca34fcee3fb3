"""respond's store in the embedded database: tables `respond_*`, the document as JSON beside indexed columns."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from hotline.facts import Fact
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.plumbing.migrations import Migration, migrate
from hotline.plumbing.sqlite import Database
from services.respond.access import is_open_to_staff
from services.respond.accounts import Account
from services.respond.documents import decode_account, decode_ticket, encode_account, encode_ticket
from services.respond.store import Attention, Conflict, Page, UsernameTaken
from services.respond.ticket import UNANSWERED, Status, Ticket

MIGRATIONS = (
    Migration(
        number=1,
        statements=(
            """create table respond_ticket (
                 feedback_id text primary key, version integer not null, doc blob not null, status text not null,
                 restricted integer not null, urgent integer not null, is_screened integer not null,
                 is_received integer not null, is_unanswered integer not null, is_at_desk integer not null,
                 received_at text, next_attention_at text, next_due_at text, broken_at text) without rowid""",
            "create index respond_attention on respond_ticket (next_attention_at) where next_attention_at is not null",
            """create index respond_desk on respond_ticket (urgent desc, next_due_at)
                 where is_at_desk = 1 and restricted = 0""",
            "create index respond_restricted on respond_ticket (is_screened, next_due_at) where restricted = 1",
            "create index respond_running on respond_ticket (next_due_at) where is_unanswered = 1 and is_received = 1",
            "create index respond_broken on respond_ticket (broken_at desc) where broken_at is not null",
            "create index respond_received on respond_ticket (received_at)",
            """create table respond_ticket_agency (
                 agency_id text not null, status text not null, urgent integer not null, next_due_at text,
                 feedback_id text not null, primary key (feedback_id, agency_id)) without rowid""",
            "create index respond_inbox on respond_ticket_agency (agency_id, status, urgent desc, next_due_at)",
            """create table respond_file (
                 file_id text not null, feedback_id text not null, primary key (file_id, feedback_id)) without rowid""",
            "create index respond_file_ticket on respond_file (feedback_id)",
            "create table respond_erased (feedback_id text primary key) without rowid",
            """create table respond_account (
                 account_id text primary key, username text not null unique collate nocase,
                 version integer not null, doc blob not null) without rowid""",
        ),
    ),
)

TICKET_COLUMNS = (
    "doc, version, status, restricted, urgent, is_screened, is_received, is_unanswered, is_at_desk, received_at,"
    " next_attention_at, next_due_at, broken_at"
)
SET_TICKET = ", ".join(f"{name.strip()} = ?" for name in TICKET_COLUMNS.split(","))
DESK = "from respond_ticket where is_at_desk = 1 and restricted = 0"


class SqliteRespondStore:
    """The `RespondStore` of the embedded default; make it with `open_store`."""

    def __init__(self, database: Database, log: SqliteLog) -> None:
        self.database = database
        self.log = log

    async def get(self, feedback_id: str) -> Ticket | None:
        """See `RespondStore`."""
        found = await self._tickets("from respond_ticket where feedback_id = ?", feedback_id)
        return found[0] if found else None

    async def add(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        try:
            await self.database.write(lambda connection: self._add(connection, ticket, attention, facts))
        except sqlite3.IntegrityError as error:
            raise Conflict(ticket.feedback_id) from error

    def _add(self, connection: sqlite3.Connection, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        values = columns_of(ticket, attention)
        marks = ",".join("?" * (len(values) + 1))
        connection.execute(
            f"insert into respond_ticket ({TICKET_COLUMNS}, feedback_id) values ({marks})",
            (*values, ticket.feedback_id),
        )
        index_agencies(connection, ticket, attention)
        index_files(connection, ticket)
        self.log.append(connection, facts)

    async def save(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        await self.database.write(lambda connection: self._save(connection, ticket, attention, facts))

    def _save(
        self, connection: sqlite3.Connection, ticket: Ticket, attention: Attention, facts: Sequence[Fact]
    ) -> None:
        cursor = connection.execute(
            f"update respond_ticket set {SET_TICKET} where feedback_id = ? and version = ?",
            (*columns_of(ticket, attention), ticket.feedback_id, ticket.version - 1),
        )
        if cursor.rowcount != 1:
            raise Conflict(ticket.feedback_id)
        index_agencies(connection, ticket, attention)
        index_files(connection, ticket)
        self.log.append(connection, facts)

    async def for_desk(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(f"{DESK} order by urgent desc, next_due_at", page)

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
            f" where agency_id = ? and a.status in ({marks}) order by a.urgent desc, a.next_due_at",
            page,
            agency_id,
            *sorted(statuses),
        )

    async def count_for_agency(self, agency_id: str) -> Mapping[Status, int]:
        """See `RespondStore`."""
        query = "select status, count(*) as n from respond_ticket_agency where agency_id = ? group by status"
        rows = await self.database.read(lambda connection: connection.execute(query, (agency_id,)).fetchall())
        return {Status(row["status"]): row["n"] for row in rows}

    async def restricted(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where restricted = 1 and is_received = 1 order by is_screened, next_due_at"
        return await self._page(where, page)

    async def running(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(
            "from respond_ticket where is_unanswered = 1 and is_received = 1 order by next_due_at", page
        )

    async def broken(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page("from respond_ticket where broken_at is not null order by broken_at desc", page)

    async def all_received(self, since: datetime) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._tickets("from respond_ticket where received_at >= ? order by received_at", stamp(since))

    async def needing_attention(self, now: datetime, limit: int) -> list[Ticket]:
        """See `RespondStore`."""
        where = "from respond_ticket where next_attention_at <= ? order by next_attention_at limit ?"
        return await self._tickets(where, stamp(now), limit)

    async def _page(self, source: str, page: Page, *values: object) -> list[Ticket]:
        return await self._tickets(f"{source} limit ? offset ?", *values, page.limit, page.offset)

    async def _tickets(self, source: str, *values: object) -> list[Ticket]:
        rows = await self.database.read(
            lambda connection: connection.execute(f"select respond_ticket.doc {source}", values).fetchall()
        )
        return [decode_ticket(row["doc"]) for row in rows]

    async def file_ids(self) -> frozenset[str]:
        """See `RespondStore`."""
        query = "select file_id from respond_file"
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

    async def release_files(self, file_ids: Collection[str], unlink: Callable[[str], None]) -> None:
        """See `RespondStore`."""

        def work(connection: sqlite3.Connection) -> None:
            for file_id in file_ids:
                if not connection.execute("select 1 from respond_file where file_id = ?", (file_id,)).fetchone():
                    unlink(file_id)

        if file_ids:
            await self.database.write(work)

    async def is_erased(self, feedback_id: str) -> bool:
        """See `RespondStore`."""
        query = "select 1 from respond_erased where feedback_id = ?"
        return await self.database.read(
            lambda connection: connection.execute(query, (feedback_id,)).fetchone() is not None
        )

    async def account(self, account_id: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account("account_id", account_id)

    async def account_named(self, username: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account("username", username)

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
        try:
            await self.database.write(lambda connection: self._add_account(connection, account, facts))
        except sqlite3.IntegrityError as error:
            raise UsernameTaken(account.username) from error

    def _add_account(self, connection: sqlite3.Connection, account: Account, facts: Sequence[Fact]) -> None:
        values = (account.account_id, account.username, account.version, encode_account(account))
        connection.execute("insert into respond_account values (?,?,?,?)", values)
        self.log.append(connection, facts)

    async def save_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        await self.database.write(lambda connection: self._save_account(connection, account, facts))

    def _save_account(self, connection: sqlite3.Connection, account: Account, facts: Sequence[Fact]) -> None:
        cursor = connection.execute(
            "update respond_account set username = ?, version = ?, doc = ? where account_id = ? and version = ?",
            (account.username, account.version, encode_account(account), account.account_id, account.version - 1),
        )
        if cursor.rowcount != 1:
            raise Conflict(account.account_id)
        self.log.append(connection, facts)


async def open_store(database: Database, log: SqliteLog) -> SqliteRespondStore:
    """Make respond's tables where they are missing and return the store."""
    await migrate(database, "respond", MIGRATIONS)
    return SqliteRespondStore(database, log)


def stamp(at: datetime | None) -> str | None:
    """Return an instant as text that sorts as the instants do; all are UTC."""
    return at.isoformat(timespec="microseconds") if at else None


def columns_of(ticket: Ticket, attention: Attention) -> tuple[object, ...]:
    """Return the values of TICKET_COLUMNS."""
    is_unanswered = ticket.is_received and ticket.status in UNANSWERED
    waits = ticket.acknowledgement is None or ticket.status in {Status.RECEIVED, Status.IN_REVIEW}
    return (
        encode_ticket(ticket),
        ticket.version,
        ticket.status,
        # What is not classified yet may be a denunciation: it is listed with the restricted until then.
        ticket.restricted or ticket.classification is None,
        ticket.urgent,
        bool(ticket.screening and ticket.screening.decision),
        ticket.is_received,
        is_unanswered,
        is_unanswered and waits,
        stamp(ticket.received_at) if ticket.is_received else None,
        stamp(attention.next_attention_at),
        stamp(attention.next_due_at),
        stamp(ticket.breaches[-1].detected_at) if ticket.breaches else None,
    )


def index_agencies(connection: sqlite3.Connection, ticket: Ticket, attention: Attention) -> None:
    """Keep the inboxes: one row an agency that works on the ticket, if it is open to staff."""
    connection.execute("delete from respond_ticket_agency where feedback_id = ?", (ticket.feedback_id,))
    if ticket.route is None or not is_open_to_staff(ticket):
        return
    connection.executemany(
        "insert into respond_ticket_agency (agency_id, status, urgent, next_due_at, feedback_id) values (?,?,?,?,?)",
        [
            (agency_id, ticket.status, ticket.urgent, stamp(attention.next_due_at), ticket.feedback_id)
            for agency_id in sorted(ticket.route.agency_ids)
        ],
    )


def index_files(connection: sqlite3.Connection, ticket: Ticket) -> None:
    """Keep which files the ticket's draft and answers refer to, so that the sweeper leaves them."""
    files = [
        *(ticket.draft.files if ticket.draft else ()),
        *(file for answer in ticket.answers for file in answer.files),
    ]
    if not files and not ticket.draft and not ticket.answers:
        return
    connection.execute("delete from respond_file where feedback_id = ?", (ticket.feedback_id,))
    connection.executemany(
        "insert or ignore into respond_file values (?, ?)", [(file.file_id, ticket.feedback_id) for file in files]
    )


def erase_rows(connection: sqlite3.Connection, feedback_id: str) -> frozenset[str]:
    """Remove the feedback's rows, leave the mark, and return the files that nobody keeps any more."""
    held = connection.execute("select file_id from respond_file where feedback_id = ?", (feedback_id,)).fetchall()
    for table in ("respond_ticket", "respond_ticket_agency", "respond_file"):
        connection.execute(f"delete from {table} where feedback_id = ?", (feedback_id,))
    connection.execute("insert or ignore into respond_erased values (?)", (feedback_id,))
    still = "select 1 from respond_file where file_id = ?"
    return frozenset(row["file_id"] for row in held if not connection.execute(still, (row["file_id"],)).fetchone())
