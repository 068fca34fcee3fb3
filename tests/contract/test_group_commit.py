"""The embedded database's promise: many writers, one fsynced transaction, each on its own."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.migrations import Migration, SchemaTooNew, migrate
from hotline.plumbing.sqlite import Database, insert_rows

TABLE = Migration(
    number=1,
    statements=("create table note (id integer primary key, body text not null unique check (length(body) < 100))",),
)


@pytest.fixture
async def notes(database: Database) -> Database:
    await migrate(database, "test", (TABLE,))
    return database


def add(body: str | None) -> "object":
    return lambda connection: connection.execute("insert into note (body) values (?)", (body,)).lastrowid


async def bodies(database: Database) -> list[str]:
    return await database.read(lambda c: [row["body"] for row in c.execute("select body from note order by body")])


async def test_one_failing_write_among_fifty_undoes_only_itself(notes: Database) -> None:
    writes = [notes.write(add(None if number == 25 else f"{number:02}")) for number in range(50)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results].count(sqlite3.IntegrityError) == 1
    assert isinstance(results[25], sqlite3.IntegrityError)
    assert await bodies(notes) == [f"{number:02}" for number in range(50) if number != 25]


async def test_a_failing_write_leaves_nothing_of_its_earlier_statements(notes: Database) -> None:
    def write_then_fail(connection: sqlite3.Connection) -> None:
        connection.execute("insert into note (body) values ('half')")
        raise ValueError

    results = await asyncio.gather(notes.write(write_then_fail), notes.write(add("whole")), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert await bodies(notes) == ["whole"]


TOO_LONG = "x" * 100


def add_all(connection: sqlite3.Connection, bodies: Sequence[str]) -> list[tuple[str, int]]:
    """Add notes by few statements, whatever their number; say of each how many were added with it."""
    insert_rows(connection, "insert into note (body)", [(body,) for body in bodies])
    return [(body, len(bodies)) for body in bodies]


@pytest.mark.parametrize("failing", [None, 0, 25, 49])
async def test_shared_work_is_done_together_and_one_failing_item_among_fifty_fails_alone(
    notes: Database, failing: int | None
) -> None:
    has_begun, is_waiting_over = threading.Event(), threading.Event()
    first = asyncio.ensure_future(notes.write(lambda _: (has_begun.set(), is_waiting_over.wait(10))))
    await asyncio.to_thread(has_begun.wait)
    items = [TOO_LONG if number == failing else f"{number:02}" for number in range(50)]
    waiting = [asyncio.ensure_future(notes.write_shared(add_all, item)) for item in items]
    while notes.jobs.qsize() < len(items):  # noqa: ASYNC110 - a queue of threads has no event
        await asyncio.sleep(0)
    is_waiting_over.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    at_once = 50 if failing is None else 1
    for item, result in zip(items, results[1:], strict=True):
        assert isinstance(result, sqlite3.IntegrityError) if item == TOO_LONG else result == (item, at_once)
    assert await bodies(notes) == [item for item in items if item != TOO_LONG]


@given(count=st.integers(0, 200))
def test_rows_by_few_statements_are_all_there_in_their_order(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table note (id integer primary key, body text)")
    wanted = [(f"{number}",) for number in range(count)]
    assert insert_rows(connection, "insert into note (body)", wanted) == count
    assert connection.execute("select body from note order by id").fetchall() == wanted


def test_rows_that_are_there_are_not_counted() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table note (body text unique)")
    rows = [(str(number),) for number in range(7)]
    before = "insert or ignore into note"
    assert [insert_rows(connection, before, rows[:3]), insert_rows(connection, before, rows)] == [3, 4]


async def test_concurrent_writes_share_transactions(notes: Database) -> None:
    commits: list[str] = []
    await notes.write(lambda connection: connection.set_trace_callback(commits.append))
    await asyncio.gather(*(notes.write(add(str(number))) for number in range(200)))
    await notes.write(lambda connection: connection.set_trace_callback(None))
    assert 1 <= sum(statement == "COMMIT" for statement in commits) < 100


async def test_a_client_gone_in_mid_commit_harms_nobody(notes: Database) -> None:
    leaving = asyncio.ensure_future(notes.write(add("of the one who left")))
    staying = asyncio.ensure_future(notes.write(add("of the one who stayed")))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert await bodies(notes) == ["of the one who left", "of the one who stayed"]
    await notes.write(add("later"))
    assert len(await bodies(notes)) == 3


WRITER_BESIDE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for number in range(100):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("insert into note (body) values (?)", (f"beside {number}",))
    connection.execute("COMMIT")
"""


async def test_another_process_writes_beside_the_server(notes: Database) -> None:
    beside = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", WRITER_BESIDE, str(notes.path)], stderr=subprocess.PIPE
    )
    await asyncio.gather(*(notes.write(add(f"server {number}")) for number in range(100)))
    _, errors = await asyncio.to_thread(beside.communicate)
    assert errors == b""
    assert len(await bodies(notes)) == 200


async def test_what_returned_is_there_after_reopening(notes: Database) -> None:
    await notes.write(add("kept"))
    await notes.close()
    again = await Database.open(notes.path)
    try:
        assert await bodies(again) == ["kept"]
    finally:
        await again.close()


async def test_readers_cannot_write(notes: Database) -> None:
    with pytest.raises(StoreUnavailable):
        await notes.read(lambda connection: connection.execute("insert into note (body) values ('x')"))


async def test_a_closed_database_says_so(notes: Database) -> None:
    await notes.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await notes.write(add("late"))


async def test_an_unusable_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "hotline.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await Database.open(tmp_path / "hotline.db")


async def test_migrations_run_once_and_a_newer_schema_is_refused(notes: Database) -> None:
    await migrate(notes, "test", (TABLE,))
    second = Migration(number=2, statements=("alter table note add column at text",))
    await migrate(notes, "test", (TABLE, second))
    with pytest.raises(SchemaTooNew, match="schema 2, this release knows 1"):
        await migrate(notes, "test", (TABLE,))


async def test_a_connection_that_breaks_in_mid_group_fails_that_group_and_the_next_write_goes_through(
    notes: Database,
) -> None:
    has_begun, is_waiting_over = threading.Event(), threading.Event()
    first = asyncio.ensure_future(notes.write(lambda _: (has_begun.set(), is_waiting_over.wait(10))))
    await asyncio.to_thread(has_begun.wait)
    works = (add("before"), lambda connection: connection.close(), add("behind"))
    waiting = [asyncio.ensure_future(notes.write(work)) for work in works]
    while notes.jobs.qsize() < len(works):  # noqa: ASYNC110 - a queue of threads has no event
        await asyncio.sleep(0)
    is_waiting_over.set()
    broken = await asyncio.gather(*waiting, return_exceptions=True)
    assert await first
    assert [type(result) for result in broken] == [StoreUnavailable] * 3
    await asyncio.wait_for(notes.write(add("after")), 10)
    assert await bodies(notes) == ["after"]


async def test_after_a_checkpoint_what_was_deleted_lies_in_no_file(notes: Database) -> None:
    await notes.write(add("these words are to be forgotten"))
    await notes.write(lambda connection: connection.execute("delete from note"))
    await asyncio.gather(notes.checkpoint(), notes.write(add("stays")))
    files = list(notes.path.parent.glob(f"{notes.path.name}*"))
    assert notes.path in files
    assert not any(b"to be forgotten" in file.read_bytes() for file in files)
    assert await bodies(notes) == ["stays"]


async def test_a_log_that_a_reader_holds_is_said_to_be_held(notes: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.plumbing.sqlite.CHECKPOINT_WAIT_S", 0.01)
    await notes.write(add("first"))
    reader = sqlite3.connect(notes.path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from note").fetchall()
    await notes.write(add("second"))
    with pytest.raises(StoreUnavailable, match="reader"):
        await notes.checkpoint()
    reader.close()
    await notes.checkpoint()
