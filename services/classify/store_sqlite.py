"""classify's store in the embedded database: tables `classify_*`, the document as JSON beside indexed columns."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations import Migration, migrate
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.sqlite import Database
from services.classify.documents import Classification, decode, encode
from services.classify.drift import Said, Week, counted
from services.classify.store import Conflict, Label
from services.classify.store_sqlite_likeness import (
    LIKENESS_BY_AGE,
    LIKENESS_TABLE,
    documents_alike,
    drop_keys,
    forget_keys,
    keep_keys,
)
from services.classify.ticket_word import TicketWord


def whole_seconds(column: str) -> str:
    """Return the rest of an update that writes UTC instants without microseconds as `sortable` does."""
    return f"{column} = replace({column}, '+00:00', '.000000+00:00') where length({column}) = 25"


MIGRATIONS = (
    Migration(
        number=1,
        statements=(
            """create table classify_classification (
                 feedback_id text primary key, version integer not null, doc blob not null,
                 needs_review integer not null, restricted integer not null, urgent integer not null,
                 received_at text not null, decided_at text) without rowid""",
            """create index classify_waiting on classify_classification
                 (restricted desc, urgent desc, received_at) where needs_review = 1""",
            """create index classify_decided on classify_classification (decided_at desc)
                 where decided_at is not null""",
            """create table classify_label (
                 feedback_id text not null, at text not null, text text not null, code text not null,
                 petition_kind text not null, urgent integer not null, model_version text not null,
                 was_correct integer not null, primary key (feedback_id, at)) without rowid""",
            "create table classify_erased (feedback_id text primary key) without rowid",
        ),
    ),
    Migration(
        number=2,
        statements=(
            """create table classify_ticket (
                 feedback_id text primary key, epoch integer not null, seq integer not null,
                 restricted integer not null, at text not null) without rowid""",
        ),
    ),
    # Instants of a whole second were written without microseconds: the same instant must be the same text.
    Migration(
        number=3,
        statements=(
            f"update classify_classification set {whole_seconds('received_at')}",
            f"update classify_classification set {whole_seconds('decided_at')}",
            f"update or replace classify_label set {whole_seconds('at')}",
            f"update classify_ticket set {whole_seconds('at')}",
        ),
    ),
    Migration(
        number=4,
        statements=(
            *(
                f"alter table classify_classification add column {column}"
                for column in (
                    "week text", "confidence integer", "needed_review integer", "suggested_code text",
                    "decided_code text", "is_corrected integer",
                )
            ),
            # Whole seconds: a fraction would be rounded. Vietnam is seven hours ahead; to Sunday, then back to Monday.
            """update classify_classification set
                 week = date(substr(received_at, 1, 19), '+7 hours', 'weekday 0', '-6 days'),
                 confidence = cast(round(json_extract(cast(doc as text), '$.suggested.confidence') * 1000) as integer),
                 needed_review = json_extract(cast(doc as text), '$.suggested.needs_review'),
                 suggested_code = json_extract(cast(doc as text), '$.suggested.code'),
                 decided_code = json_extract(cast(doc as text), '$.decisions[#-1].code'),
                 is_corrected = coalesce(
                   json_extract(cast(doc as text), '$.decisions[#-1].code')
                     <> json_extract(cast(doc as text), '$.suggested.code')
                   or json_extract(cast(doc as text), '$.decisions[#-1].petition_kind')
                     <> json_extract(cast(doc as text), '$.suggested.petition_kind'), 0)""",
            """create index classify_drift on classify_classification
                 (restricted, week, suggested_code, decided_code, confidence, needed_review, is_corrected)""",
        ),
    ),
    Migration(number=5, statements=LIKENESS_TABLE),
    Migration(number=6, statements=LIKENESS_BY_AGE),
)  # fmt: skip
COLUMNS = (
    "doc", "version", "needs_review", "restricted", "urgent", "received_at", "decided_at", "week", "confidence",
    "needed_review", "suggested_code", "decided_code", "is_corrected",
)  # fmt: skip
INSERT = f"({', '.join(COLUMNS)}, feedback_id) values ({', '.join('?' for _ in COLUMNS)}, ?)"
UPDATE = f"{', '.join(f'{column} = ?' for column in COLUMNS)} where feedback_id = ?"
COUNTED_WEEKS = "from classify_classification where restricted = 0 and week between ? and ?"

WAITING = "from classify_classification where needs_review = 1 and restricted <= ?"


class SqliteClassifyStore:
    """The `ClassifyStore` of the embedded default; make it with `open_store`."""

    epoch = 0

    def __init__(self, database: Database, log: SqliteLog) -> None:
        self.database = database
        self.log = log

    async def get(self, feedback_id: str) -> Classification | None:
        """See `ClassifyStore`."""
        found = await self._documents("where feedback_id = ?", (feedback_id,))
        return found[0] if found else None

    async def add(self, document: Classification, facts: Sequence[Fact], word: TicketWord | None = None) -> None:
        """See `ClassifyStore`."""
        try:
            await self.database.write(lambda connection: self._add(connection, document, facts, word))
        except sqlite3.IntegrityError as error:
            raise Conflict(document.feedback_id) from error

    def _add(
        self,
        connection: sqlite3.Connection,
        document: Classification,
        facts: Sequence[Fact],
        word: TicketWord | None,
    ) -> None:
        if is_erased(connection, document.feedback_id) or kept_word(connection, document.feedback_id) != word:
            raise Conflict(document.feedback_id)
        keep_keys(connection, document)
        connection.execute(
            f"insert into classify_classification {INSERT}",
            columns_of(document),
        )
        self.log.append(connection, facts)

    async def save(self, document: Classification, facts: Sequence[Fact], label: Label | None = None) -> None:
        """See `ClassifyStore`."""
        await self.database.write(lambda connection: self._save(connection, document, facts, label))

    def _save(
        self, connection: sqlite3.Connection, document: Classification, facts: Sequence[Fact], label: Label | None
    ) -> None:
        keep_keys(connection, document)
        cursor = connection.execute(
            f"update classify_classification set {UPDATE} and version = ?",
            (*columns_of(document), document.version - 1),
        )
        if cursor.rowcount != 1:
            raise Conflict(document.feedback_id)
        if document.state.restricted:
            # No training set may hold a denunciation (Luật BVBMNN 117/2025, LAW section 4).
            connection.execute("delete from classify_label where feedback_id = ?", (document.feedback_id,))
        elif label is not None:
            connection.execute(
                "insert or replace into classify_label (feedback_id, at, text, code, petition_kind, urgent,"
                " model_version, was_correct) values (?,?,?,?,?,?,?,?)",
                (label.feedback_id, sortable(label.at), label.text, label.code, label.petition_kind, label.urgent,
                 label.model_version, label.was_correct),
            )  # fmt: skip
        self.log.append(connection, facts)

    async def ticket_word(self, feedback_id: str) -> TicketWord | None:
        """See `ClassifyStore`."""
        return await self.database.read(lambda connection: kept_word(connection, feedback_id))

    async def keep_ticket_word(
        self,
        feedback_id: str,
        word: TicketWord,
        document: Classification | None,
        facts: Sequence[Fact],
        *,
        is_unclassified: bool = False,
    ) -> None:
        """See `ClassifyStore`."""

        def work(connection: sqlite3.Connection) -> None:
            if is_erased(connection, feedback_id):
                return
            before = kept_word(connection, feedback_id)
            if before is not None and before.order >= word.order:
                raise Conflict(feedback_id)
            if is_unclassified and is_classified(connection, feedback_id):
                raise Conflict(feedback_id)
            connection.execute(
                "insert or replace into classify_ticket values (?,?,?,?,?)",
                (feedback_id, *word.order, word.restricted, sortable(word.at)),
            )
            if document is not None:
                self._save(connection, document, facts, None)

        await self.database.write(work)

    async def to_review(self, *, include_restricted: bool, limit: int, offset: int = 0) -> list[Classification]:
        """See `ClassifyStore`."""
        where = (
            "where needs_review = 1 and restricted <= ? order by restricted desc, urgent desc, received_at, feedback_id"
        )
        return await self._documents(f"{where} limit ? offset ?", (include_restricted, limit, offset))

    async def count_to_review(self, *, include_restricted: bool) -> int:
        """See `ClassifyStore`."""
        return await self.database.read(
            lambda connection: int(
                connection.execute(f"select count(*) {WAITING}", (include_restricted,)).fetchone()[0]
            )
        )

    async def decided(self, *, include_restricted: bool, limit: int) -> list[Classification]:
        """See `ClassifyStore`."""
        where = "where decided_at is not null and restricted <= ? order by decided_at desc, feedback_id limit ?"
        return await self._documents(where, (include_restricted, limit))

    async def alike(
        self, keys: Sequence[int], *, since: datetime, until: datetime, per_key: int
    ) -> list[Classification]:
        """See `ClassifyStore`."""
        return await self.database.read(lambda connection: documents_alike(connection, keys, since, until, per_key))

    async def _documents(self, where: str, values: tuple[object, ...]) -> list[Classification]:
        rows = await self.database.read(
            lambda connection: connection.execute(f"select doc from classify_classification {where}", values).fetchall()
        )
        return [decode(row["doc"]) for row in rows]

    async def forget_likeness(self, before: datetime, limit: int) -> int:
        """See `ClassifyStore`."""
        return await self.database.write(lambda connection: forget_keys(connection, before, limit))

    async def labels(self) -> list[Label]:
        """See `ClassifyStore`."""
        rows = await self.database.read(
            lambda connection: connection.execute("select * from classify_label order by at, feedback_id").fetchall()
        )
        return [label_of(row) for row in rows]

    async def weeks(self, first: date, last: date) -> list[Week]:
        """See `ClassifyStore`."""
        query = (
            "select week, count(*) as feedbacks, sum(confidence) as sureness, sum(needed_review) as needed_review,"
            " count(decided_code) as decided, sum(is_corrected) as corrected"
            f" {COUNTED_WEEKS} group by week order by week desc"
        )
        return [
            Week(
                monday=date.fromisoformat(row["week"]),
                feedbacks=row["feedbacks"],
                sureness=row["sureness"],
                needed_review=row["needed_review"],
                decided=row["decided"],
                corrected=row["corrected"],
            )
            for row in await self._counted(query, first, last)
        ]

    async def said(self, first: date, last: date) -> list[Said]:
        """See `ClassifyStore`."""
        query = (
            f"select suggested_code, decided_code, count(*) as feedbacks {COUNTED_WEEKS} and decided_code is not null"
            " group by suggested_code, decided_code order by suggested_code, decided_code"
        )
        return [
            Said(suggested=row["suggested_code"], decided=row["decided_code"], feedbacks=row["feedbacks"])
            for row in await self._counted(query, first, last)
        ]

    async def _counted(self, query: str, first: date, last: date) -> list[sqlite3.Row]:
        values = (first.isoformat(), last.isoformat())
        return await self.database.read(lambda connection: connection.execute(query, values).fetchall())

    async def erase(self, feedback_id: str) -> None:
        """See `ClassifyStore`."""

        def work(connection: sqlite3.Connection) -> None:
            erase_rows(connection, feedback_id)
            self.log.erase(connection, feedback_id)

        await self.database.write(work)
        await self.database.checkpoint()

    async def is_erased(self, feedback_id: str) -> bool:
        """See `ClassifyStore`."""
        return await self.database.read(lambda connection: is_erased(connection, feedback_id))


async def open_store(backend: Backend) -> SqliteClassifyStore:
    """Make classify's tables where they are missing and return the store."""
    assert isinstance(backend.database, Database) and isinstance(backend.bus, SqliteLog)
    await migrate(backend.database, "classify", MIGRATIONS)
    store = SqliteClassifyStore(backend.database, backend.bus)
    store.epoch = await epoch_of(backend, "classify")
    return store


def columns_of(document: Classification) -> tuple[object, ...]:
    """Return the values of COLUMNS, and the id."""
    state, last, count = document.state, document.decisions[-1:], counted(document)
    return (
        encode(document),
        document.version,
        state.needs_review,
        state.restricted,
        state.urgent,
        sortable(document.received_at),
        sortable(last[0].at) if last else None,
        count.week,
        count.confidence,
        count.needed_review,
        count.suggested_code,
        count.decided_code,
        count.is_corrected,
        document.feedback_id,
    )


def label_of(row: sqlite3.Row) -> Label:
    """Read a label out of its row."""
    return Label(
        feedback_id=row["feedback_id"],
        text=row["text"],
        code=row["code"],
        petition_kind=row["petition_kind"],
        urgent=bool(row["urgent"]),
        model_version=row["model_version"],
        was_correct=bool(row["was_correct"]),
        at=datetime.fromisoformat(row["at"]),
    )


def kept_word(connection: sqlite3.Connection, feedback_id: str) -> TicketWord | None:
    """Return respond's word, None when none is kept."""
    row = connection.execute("select * from classify_ticket where feedback_id = ?", (feedback_id,)).fetchone()
    if row is None:
        return None
    return TicketWord(
        order=(row["epoch"], row["seq"]),
        restricted=bool(row["restricted"]),
        at=datetime.fromisoformat(row["at"]),
    )


def is_classified(connection: sqlite3.Connection, feedback_id: str) -> bool:
    """Say whether there is a document."""
    query = "select 1 from classify_classification where feedback_id = ?"
    return connection.execute(query, (feedback_id,)).fetchone() is not None


def is_erased(connection: sqlite3.Connection, feedback_id: str) -> bool:
    """Say whether the mark of an erasure is there."""
    query = "select 1 from classify_erased where feedback_id = ?"
    return connection.execute(query, (feedback_id,)).fetchone() is not None


def erase_rows(connection: sqlite3.Connection, feedback_id: str) -> None:
    """Remove the feedback's rows and leave the mark."""
    drop_keys(connection, feedback_id)
    connection.execute("delete from classify_classification where feedback_id = ?", (feedback_id,))
    connection.execute("delete from classify_label where feedback_id = ?", (feedback_id,))
    connection.execute("delete from classify_ticket where feedback_id = ?", (feedback_id,))
    connection.execute("insert or ignore into classify_erased values (?)", (feedback_id,))
