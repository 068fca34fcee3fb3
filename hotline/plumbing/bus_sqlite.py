"""The log of facts in the embedded database: a table, an offset a group, a table of dead letters.

A store appends its facts with `SqliteLog.append` inside its own write, so document and facts are one transaction and
no relay is needed. Readers wake at once for writes of this process and look twice a second for another's.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from hotline.facts import Fact, FactKind, Producer
from hotline.plumbing.bus import EVERY_KIND, Broadcast, DeadLetter, Delivery, Subscription
from hotline.plumbing.envelope import Envelope, close_fact, open_fact
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from hotline.plumbing.migrations import Migration, migrate
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database, insert_rows
from hotline.plumbing.waiting import Waits

OTHER_PROCESS_POLL_S = 0.5
# A stop over Tết, the longest there is, loses nothing; after it the stores alone hold the words.
KEPT_FOR = timedelta(days=30)
TRIM_PERIOD_S = 3600.0
ENVELOPE_COLUMNS = "fact_id, kind, feedback_id, producer, epoch, seq, at, cause, schema, state, key_id, sealed, trace"
MARKS = ",".join("?" * len(ENVELOPE_COLUMNS.split(",")))
_columns = attrgetter(*ENVELOPE_COLUMNS.split(", "))

MIGRATIONS = (
    Migration(
        number=1,
        statements=(
            """create table bus_fact (
                 position integer primary key autoincrement,
                 fact_id text not null unique, kind text not null, feedback_id text not null, producer text not null,
                 epoch integer not null, seq integer not null, at text not null, cause text not null,
                 schema integer not null, state blob not null, key_id text, sealed blob)""",
            "create index bus_fact_feedback on bus_fact (feedback_id)",
            "create table bus_offset (group_name text primary key, position integer not null) without rowid",
            """create table bus_dead_letter (
                 letter_id integer primary key autoincrement, group_name text not null,
                 fact_id text not null, kind text not null, feedback_id text not null, producer text not null,
                 epoch integer not null, seq integer not null, at text not null, cause text not null,
                 schema integer not null, state blob not null, key_id text, sealed blob,
                 error text not null, attempts integer not null, first_at text not null,
                 is_replaying integer not null default 0, unique (group_name, fact_id))""",
        ),
    ),
    # A feedback's facts are found by the beginning of their ids: a second index cost every append a page.
    Migration(number=2, statements=("drop index bus_fact_feedback",)),
    Migration(
        number=3,
        statements=(
            "alter table bus_fact add column trace text",
            "alter table bus_dead_letter add column trace text",
        ),
    ),
)


class SqliteLog:
    """The `Bus` of the embedded default; make it with `open_log`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.database = database
        self.sealer = sealer

    def append(self, connection: sqlite3.Connection, facts: Sequence[Fact]) -> None:
        """Append inside a store's own write: the facts are there if and only if its document is."""
        append_envelopes(connection, self.closed(facts))

    def closed(self, facts: Sequence[Fact]) -> list[Envelope]:
        """Return the facts as they lie in the log, in the trace of who asks."""
        return [close_fact(fact, self.sealer) for fact in facts]

    def erase(self, connection: sqlite3.Connection, feedback_id: str) -> None:
        """Remove every fact of a feedback but the one that says it was erased, from log and dead letters.

        That one stays in both: a group that could not handle it must still hear of it.
        """
        connection.executemany(
            "delete from bus_fact where fact_id > ? and fact_id < ? and feedback_id = ? and kind <> ?",
            [
                (f"{producer}:{feedback_id}:", f"{producer}:{feedback_id};", feedback_id, FactKind.FEEDBACK_ERASED)
                for producer in Producer
            ],
        )
        connection.execute(
            "delete from bus_dead_letter where feedback_id = ? and kind <> ?", (feedback_id, FactKind.FEEDBACK_ERASED)
        )

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See `Bus`."""
        await self.database.write(lambda connection: self.append(connection, facts))

    async def publish_envelopes(self, envelopes: Sequence[Envelope]) -> None:
        """See `Bus`."""
        await self.database.write(lambda connection: append_envelopes(connection, envelopes))

    def subscribe_all(self, since: datetime, kinds: frozenset[FactKind] = EVERY_KIND) -> Broadcast:
        """See `Bus`."""
        return SqliteBroadcast(self.database, since, kinds)

    def subscribe(self, group: str) -> Subscription:
        """See `Bus`."""
        return SqliteSubscription(self.database, group)

    def open(self, delivery: Delivery) -> Fact:
        """See `Bus`."""
        return open_fact(delivery.envelope, self.sealer)

    async def bury(self, group: str, delivery: Delivery, *, error: str, attempts: int, now: datetime) -> None:
        """See `Bus`; a fact that was erased meanwhile leaves no letter."""
        fact_id = delivery.envelope.fact_id
        values = (group, *columns_of(delivery.envelope), error, attempts, now.isoformat(), fact_id, fact_id)
        await self.database.write(
            lambda connection: connection.execute(
                f"insert into bus_dead_letter (group_name, {ENVELOPE_COLUMNS}, error, attempts, first_at)"
                f" select ?,{MARKS},?,?,?"
                " where exists (select 1 from bus_fact where fact_id = ?)"
                " or exists (select 1 from bus_dead_letter where fact_id = ?)"
                " on conflict (group_name, fact_id) do update set error = excluded.error,"
                " attempts = attempts + excluded.attempts, is_replaying = 0",
                values,
            )
        )

    async def dead_letters(self) -> list[DeadLetter]:
        """See `Bus`."""
        return [letter for letter, _ in await self.buried()]

    async def buried(self) -> list[tuple[DeadLetter, Envelope]]:
        """See `Bus`."""
        rows = await self.database.read(
            lambda connection: connection.execute("select * from bus_dead_letter order by letter_id").fetchall()
        )
        return [(letter_of(row), envelope_of(row)) for row in rows]

    async def replay(self, letter_id: int) -> bool:
        """See `Bus`."""
        return await self._touch("update bus_dead_letter set is_replaying = 1 where letter_id = ?", letter_id)

    async def discard(self, letter_id: int) -> bool:
        """See `Bus`."""
        return await self._touch("delete from bus_dead_letter where letter_id = ?", letter_id)

    async def _touch(self, statement: str, letter_id: int) -> bool:
        return await self.database.write(lambda connection: connection.execute(statement, (letter_id,)).rowcount == 1)

    async def ping(self) -> None:
        """See `Bus`."""
        await self.database.ping()

    async def lag(self, group: str) -> int:
        """See `Bus`."""
        return await self.database.read(lambda connection: count_unfinished(connection, group))

    async def lag_by_partition(self, group: str) -> dict[int, int]:
        """See `Bus`."""
        return {0: await self.lag(group)}

    async def close(self) -> None:
        """See `Bus`: the database is closed by whoever opened it."""

    async def trim(self, before: datetime) -> int:
        """Remove facts older than `before` that every group has finished; return how many."""
        return await self.database.write(lambda connection: trim_facts(connection, before))


async def trim_for_ever(log: SqliteLog, clock: Callable[[], datetime]) -> None:
    """Once an hour remove what is older than KEPT_FOR and finished by all; an unavailable database is waited out."""
    while True:
        try:
            removed = await log.trim(clock() - KEPT_FOR)
        except WorldIsDown as error:
            step("trim_waits", level="WARNING", error=type(error).__name__)
        else:
            if removed:
                step("facts_trimmed", count=removed)
        await asyncio.sleep(TRIM_PERIOD_S)


class SqliteSubscription:
    """One group's reading of the embedded log."""

    def __init__(self, database: Database, group: str) -> None:
        self.database = database
        self.group = group
        self.changed = asyncio.Event()
        self.waits = Waits()

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Subscription`."""
        self.database.watchers.add(self.changed)
        while True:
            self.changed.clear()
            batch = await self.database.read(
                lambda connection: read_batch(connection, self.group, limit, self.waits.held_back())
            )
            if batch:
                self.waits.begin_batch()
                return batch
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), OTHER_PROCESS_POLL_S)

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Subscription`."""
        done = [delivery for delivery in deliveries if self.holds(delivery)]
        letters = [(delivery.letter_id,) for delivery in done if delivery.letter_id is not None]
        positions = [delivery.position for delivery in done if delivery.letter_id is None]
        await self.database.write(lambda connection: finish(connection, self.group, max(positions, default=0), letters))
        self.waits.finish(delivery.letter_id for delivery in deliveries)

    def holds(self, delivery: Delivery) -> bool:
        """See `Subscription`: one process reads for a group."""
        return not self.waits.is_stopped(delivery.letter_id, delivery.position)

    def put_back(self, delivery: Delivery, *, reason: str, wait_s: float) -> None:
        """See `Subscription`: the log is one place, each replayed letter its own."""
        self.waits.stop(delivery.letter_id, delivery.position, reason, wait_s)

    @property
    def trouble(self) -> str | None:
        """See `Subscription`."""
        return self.waits.reason

    async def close(self) -> None:
        """See `Subscription`."""
        self.database.watchers.discard(self.changed)


class SqliteBroadcast:
    """All facts of some kinds from an instant on, for one reader that records nothing; it looks twice a second."""

    trouble: str | None = None

    def __init__(self, database: Database, since: datetime, kinds: frozenset[FactKind]) -> None:
        self.database = database
        self.since = since
        self.kinds = kinds
        self.position: int | None = None
        self.end = 0

    async def backlog(self, limit: int) -> list[Delivery]:
        """See `Broadcast`."""
        return await self.some(limit, is_backlog=True)

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Broadcast`."""
        while True:
            if batch := await self.some(limit, is_backlog=False):
                return batch
            await asyncio.sleep(OTHER_PROCESS_POLL_S)

    async def some(self, limit: int, *, is_backlog: bool) -> list[Delivery]:
        """Return the next facts, of the backlog those up to its end alone."""
        after = await self.begin() if self.position is None else self.position
        end = self.end if is_backlog else None
        batch, self.position = await self.database.read(
            lambda connection: read_kinds(connection, after, end, self.kinds, limit)
        )
        return batch

    async def begin(self) -> int:
        """Note where the backlog ends and return the position after which it begins."""
        begin, self.end = await self.database.read(
            lambda connection: (position_before(connection, self.since), newest_position(connection))
        )
        return begin

    async def close(self) -> None:
        """See `Broadcast`: it holds nothing."""


async def open_log(database: Database, sealer: Sealer) -> SqliteLog:
    """Make the log's tables where they are missing and return the log."""
    await migrate(database, "bus", MIGRATIONS)
    return SqliteLog(database, sealer)


def columns_of(envelope: Envelope) -> tuple[object, ...]:
    """Return the values of ENVELOPE_COLUMNS."""
    columns: tuple[object, ...] = _columns(envelope)
    return columns


def envelope_of(row: sqlite3.Row) -> Envelope:
    """Read an envelope out of a row that has ENVELOPE_COLUMNS."""
    return Envelope(**{name: row[name] for name in ENVELOPE_COLUMNS.split(", ")})


def letter_of(row: sqlite3.Row) -> DeadLetter:
    """Read a dead letter out of its row."""
    return DeadLetter(
        letter_id=row["letter_id"],
        group=row["group_name"],
        fact_id=row["fact_id"],
        kind=row["kind"],
        feedback_id=row["feedback_id"],
        error=row["error"],
        attempts=row["attempts"],
        first_at=datetime.fromisoformat(row["first_at"]),
        is_replaying=bool(row["is_replaying"]),
    )


def read_batch(connection: sqlite3.Connection, group: str, limit: int, held_back: set[Hashable]) -> list[Delivery]:
    """Return replayed dead letters, or else what comes after the group's offset; `held_back` are letters' ids or None.

    None stands for the facts.
    """
    letters = connection.execute(
        "select * from bus_dead_letter where group_name = ? and is_replaying = 1 order by letter_id limit ?",
        (group, limit),
    ).fetchall()
    letters = [row for row in letters if row["letter_id"] not in held_back]
    if letters:
        return [Delivery(position=0, envelope=envelope_of(row), letter_id=row["letter_id"]) for row in letters]
    if None in held_back:
        return []
    rows = connection.execute(
        "select * from bus_fact where position > ? order by position limit ?", (offset_of(connection, group), limit)
    )
    return [Delivery(position=row["position"], envelope=envelope_of(row)) for row in rows]


def position_before(connection: sqlite3.Connection, since: datetime) -> int:
    """Return the position of the last fact older than an instant: found from the end, only newer ones are looked at."""
    row = connection.execute(
        "select position from bus_fact where at < ? order by position desc limit 1", (since.isoformat(),)
    ).fetchone()
    return int(row["position"]) if row else 0


def newest_position(connection: sqlite3.Connection) -> int:
    """Return the position of the newest fact, 0 when there is none."""
    return int(connection.execute("select max(position) from bus_fact").fetchone()[0] or 0)


def read_kinds(
    connection: sqlite3.Connection, after: int, end: int | None, kinds: frozenset[FactKind], limit: int
) -> tuple[list[Delivery], int]:
    """Return facts of some kinds after a position, up to `end` or all, and the position up to which was looked."""
    end = newest_position(connection) if end is None else end
    rows = connection.execute(
        f"select * from bus_fact where position > ? and position <= ? and kind in ({','.join('?' * len(kinds))})"
        " order by position limit ?",
        (after, end, *kinds, limit),
    )
    batch = [Delivery(position=row["position"], envelope=envelope_of(row)) for row in rows]
    return batch, batch[-1].position if len(batch) == limit else max(after, end)


def append_envelopes(connection: sqlite3.Connection, envelopes: Sequence[Envelope]) -> None:
    """Append sealed facts, but those that are there."""
    rows = [columns_of(envelope) for envelope in envelopes]
    insert_rows(connection, f"insert or ignore into bus_fact ({ENVELOPE_COLUMNS})", rows)


def offset_of(connection: sqlite3.Connection, group: str) -> int:
    """Return the last position that `group` has finished, 0 for a new group."""
    row = connection.execute("select position from bus_offset where group_name = ?", (group,)).fetchone()
    return int(row["position"]) if row else 0


def finish(connection: sqlite3.Connection, group: str, position: int, letters: Sequence[tuple[int]]) -> None:
    """Move the group's offset, never back, and drop replayed letters that were handled."""
    if position:
        connection.execute(
            "insert into bus_offset values (?, ?) on conflict (group_name)"
            " do update set position = max(position, excluded.position)",
            (group, position),
        )
    # A letter that failed again was buried again, which ended its replaying: it stays.
    connection.executemany("delete from bus_dead_letter where letter_id = ? and is_replaying = 1", letters)


def count_unfinished(connection: sqlite3.Connection, group: str) -> int:
    """Count the facts after the group's offset."""
    offset = offset_of(connection, group)
    return int(connection.execute("select count(*) from bus_fact where position > ?", (offset,)).fetchone()[0])


def trim_facts(connection: sqlite3.Connection, before: datetime) -> int:
    """Remove old facts that all known groups have finished; with no group nothing is removed."""
    slowest = connection.execute("select min(position) from bus_offset").fetchone()[0] or 0
    cursor = connection.execute("delete from bus_fact where position <= ? and at < ?", (slowest, before.isoformat()))
    return cursor.rowcount
