"""What the embedded store of classify alone must prove: a file that an older release wrote is read on."""

import sqlite3
from datetime import UTC, date, datetime

import pytest

from hotline.plumbing.backend import Backend
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations import migrate
from hotline.plumbing.sqlite import Database
from hotline.taxonomy import PetitionKind
from services.classify.documents import Classification, encode
from services.classify.store_sqlite import COLUMNS, MIGRATIONS, columns_of, open_store
from tests.stores.classifications import A_MOMENT, NOW, classification, decided_by_lan, label, word

WITHOUT_MICROSECONDS = "2026-11-24T03:00:00+00:00"


@pytest.fixture
async def old_database(sqlite_backend: Backend) -> Database:
    """The tables before instants were stored with their microseconds always."""
    database = sqlite_backend.database
    assert isinstance(database, Database)
    await migrate(database, "classify", MIGRATIONS[:2])
    return database


def put_as_before(connection: sqlite3.Connection, document: Classification, received_at: str, decided_at: str) -> None:
    connection.execute(
        "insert into classify_classification values (?, 2, ?, 1, 0, 0, ?, ?)",
        (document.feedback_id, encode(document), received_at, decided_at),
    )


async def test_instants_written_before_keep_their_order(sqlite_backend: Backend, old_database: Database) -> None:
    later = NOW + A_MOMENT

    def write(connection: sqlite3.Connection) -> None:
        for name in ("c", "a"):
            whole = decided_by_lan(classification(name))
            put_as_before(connection, whole, WITHOUT_MICROSECONDS, WITHOUT_MICROSECONDS)
        fraction = decided_by_lan(classification("z", received_at=later), later)
        put_as_before(connection, fraction, later.isoformat(), later.isoformat())
        connection.execute("insert into classify_ticket values ('c', 0, 0, 0, ?)", (WITHOUT_MICROSECONDS,))

    await old_database.write(write)
    store = await open_store(sqlite_backend)
    await store.add(classification("b"), ())
    assert await store.ticket_word("c") == word(0, 0)
    waiting = await store.to_review(include_restricted=True, limit=9)
    assert [document.feedback_id for document in waiting] == ["a", "b", "c", "z"]
    decided = await store.decided(include_restricted=True, limit=9)
    assert [document.feedback_id for document in decided] == ["z", "a", "c"]


async def test_what_was_stored_before_is_counted_as_what_is_stored_now(
    sqlite_backend: Backend, old_database: Database
) -> None:
    sunday_night = datetime(2026, 11, 22, 16, 59, 59, 999_999, tzinfo=UTC)
    documents = (
        classification("undecided", received_at=sunday_night),
        decided_by_lan(classification("confirmed", received_at=sunday_night + A_MOMENT, confidence=0.345)),
        decided_by_lan(decided_by_lan(classification("code"), code="6.1"), code="6.2"),
        decided_by_lan(classification("kind", needs_review=False), petition_kind=PetitionKind.KHIEU_NAI),
    )

    def write(connection: sqlite3.Connection) -> None:
        for document in documents:
            put_as_before(connection, document, sortable(document.received_at), sortable(NOW))

    await old_database.write(write)
    store = await open_store(sqlite_backend)
    found = await old_database.read(
        lambda connection: connection.execute("select * from classify_classification order by feedback_id").fetchall()
    )
    now = {document.feedback_id: dict(zip(COLUMNS, columns_of(document), strict=False)) for document in documents}
    counts = COLUMNS[COLUMNS.index("week") :]
    assert {row["feedback_id"]: {name: row[name] for name in counts} for row in found} == {
        name: {count: values[count] for count in counts} for name, values in now.items()
    }
    assert [week.feedbacks for week in await store.weeks(date(2026, 11, 16), date(2026, 11, 23))] == [3, 1]


async def test_a_label_written_before_is_replaced_by_the_same_decisions(
    sqlite_backend: Backend, old_database: Database
) -> None:
    await old_database.write(
        lambda connection: connection.execute(
            "insert into classify_label values ('f1', ?, 'cũ', '1.1', 'khieu_nai', 0, 'm0', 1)",
            (WITHOUT_MICROSECONDS,),
        )
    )
    store = await open_store(sqlite_backend)
    assert [(found.text, found.at) for found in await store.labels()] == [("cũ", NOW)]
    await store.add(classification(), ())
    await store.save(decided_by_lan(classification()), (), label())
    assert await store.labels() == [label()]
