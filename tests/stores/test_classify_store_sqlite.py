"""What the embedded store of classify alone must prove: a file that an older release wrote is read on."""

import sqlite3

import pytest

from hotline.plumbing.backend import Backend
from hotline.plumbing.migrations import migrate
from hotline.plumbing.sqlite import Database
from services.classify.documents import Classification, encode
from services.classify.store_sqlite import MIGRATIONS, open_store
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
