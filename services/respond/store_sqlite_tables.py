"""respond's tables in the embedded database, and the rows of agencies and files that go with a ticket's.

Called by `store_sqlite` inside its writes.
"""

import sqlite3
from collections.abc import Mapping

from hotline.plumbing.migrations import Migration
from services.respond.columns import NEVER, Column, agencies_of, files_of, similar_of
from services.respond.ticket import Ticket


def instant_of(path: str) -> str:
    """Return SQL for an instant of a ticket's document as `columns.stamp` writes it, to the millisecond."""
    return f"strftime('%Y-%m-%dT%H:%M:%f', json_extract(cast(doc as text), '{path}')) || '000+00:00'"


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
    Migration(
        number=2,
        statements=(
            "alter table respond_ticket add column acknowledgement_due_at text",
            "alter table respond_ticket add column response_due_at text",
            "alter table respond_ticket add column is_late integer not null default 0",
            # As the promises were made: a pause since is counted when the ticket is saved next.
            f"""update respond_ticket set
                 acknowledgement_due_at = case when json_extract(cast(doc as text), '$.ticket.acknowledgement') is null
                   then {instant_of("$.ticket.promises[0].promise.acknowledgement_due_at")} end,
                 response_due_at = case when status <> 'awaiting_citizen'
                   then {instant_of("$.ticket.promises[#-1].promise.response_due_at")} end,
                 is_late = broken_at is not null
                 where is_unanswered = 1""",
            f"update respond_ticket set next_due_at = '{NEVER}' where next_due_at is null",
            f"update respond_ticket_agency set next_due_at = '{NEVER}' where next_due_at is null",
            """create index respond_acknowledgement_due on respond_ticket (acknowledgement_due_at)
                 where acknowledgement_due_at is not null""",
            "create index respond_response_due on respond_ticket (response_due_at) where response_due_at is not null",
            "create index respond_late on respond_ticket (is_late) where is_late = 1",
        ),
    ),
    Migration(
        number=3,
        statements=(
            """create table respond_similar (
                 similar_to text not null, received_at text not null, feedback_id text not null,
                 primary key (similar_to, feedback_id)) without rowid""",
            "create index respond_similar_newest on respond_similar (similar_to, received_at desc, feedback_id)",
            "create index respond_similar_ticket on respond_similar (feedback_id)",
        ),
    ),
    Migration(
        number=4,
        statements=(
            "alter table respond_ticket add column duplicate_of text",
            """update respond_ticket set duplicate_of = json_extract(cast(doc as text), '$.ticket.duplicate_of')
                 where status = 'duplicate'""",
            "create index respond_duplicate on respond_ticket (duplicate_of) where duplicate_of is not null",
        ),
    ),
)

# A file row of an erased ticket only waits for the file's removal: it keeps no file.
OF_ERASED = "exists (select 1 from respond_erased e where e.feedback_id = respond_file.feedback_id)"


def index_agencies(connection: sqlite3.Connection, ticket: Ticket, columns: Mapping[str, Column]) -> None:
    """Keep the inboxes: one row an agency that works on the ticket."""
    connection.execute("delete from respond_ticket_agency where feedback_id = ?", (ticket.feedback_id,))
    connection.executemany(
        "insert into respond_ticket_agency (agency_id, status, urgent, next_due_at, feedback_id) values (?,?,?,?,?)",
        [
            (agency_id, columns["status"], columns["urgent"], columns["next_due_at"], ticket.feedback_id)
            for agency_id in agencies_of(ticket)
        ],
    )


def index_similar(connection: sqlite3.Connection, ticket: Ticket, columns: Mapping[str, Column]) -> None:
    """Keep under which tickets this one is found as like them."""
    connection.execute("delete from respond_similar where feedback_id = ?", (ticket.feedback_id,))
    connection.executemany(
        "insert into respond_similar (similar_to, received_at, feedback_id) values (?,?,?)",
        [(other, columns["received_at"], ticket.feedback_id) for other in similar_of(ticket)],
    )


def index_files(connection: sqlite3.Connection, ticket: Ticket) -> frozenset[str]:
    """Keep which files the ticket's draft and answers refer to; return those that it did not refer to before."""
    wanted, held = files_of(ticket), held_files(connection, ticket.feedback_id)
    dropped, new = held - wanted, wanted - held
    connection.executemany(
        "delete from respond_file where feedback_id = ? and file_id = ?",
        [(ticket.feedback_id, file_id) for file_id in dropped],
    )
    connection.executemany(
        "insert into respond_file (file_id, feedback_id) values (?, ?)",
        [(file_id, ticket.feedback_id) for file_id in new],
    )
    return new


def held_files(connection: sqlite3.Connection, feedback_id: str) -> frozenset[str]:
    """Return the files in a feedback's rows, an erased one's too."""
    query = "select file_id from respond_file where feedback_id = ?"
    return frozenset(row["file_id"] for row in connection.execute(query, (feedback_id,)))


def is_file_kept(connection: sqlite3.Connection, file_id: str) -> bool:
    """Say whether a ticket refers to the file."""
    query = f"select 1 from respond_file where file_id = ? and not {OF_ERASED}"
    return connection.execute(query, (file_id,)).fetchone() is not None


def forget_file(connection: sqlite3.Connection, file_id: str) -> None:
    """Remove the rows in which erased tickets wait for the file's removal."""
    connection.execute(f"delete from respond_file where file_id = ? and {OF_ERASED}", (file_id,))


def is_erased(connection: sqlite3.Connection, feedback_id: str) -> bool:
    """Say whether the mark of an erasure is there."""
    query = "select 1 from respond_erased where feedback_id = ?"
    return connection.execute(query, (feedback_id,)).fetchone() is not None


def erase_rows(connection: sqlite3.Connection, feedback_id: str) -> frozenset[str]:
    """Remove the ticket, leave the mark, and return its files that nobody keeps any more."""
    connection.execute("insert or ignore into respond_erased values (?)", (feedback_id,))
    for table in ("respond_ticket", "respond_ticket_agency", "respond_similar"):
        connection.execute(f"delete from {table} where feedback_id = ?", (feedback_id,))
    held = held_files(connection, feedback_id)
    kept = {file_id for file_id in held if is_file_kept(connection, file_id)}
    for file_id in kept:
        forget_file(connection, file_id)
    return held - kept
