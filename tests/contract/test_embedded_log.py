"""What only the embedded log promises: facts in a store's own transaction, erasing at once, trimming."""

import sqlite3
from datetime import timedelta

import pytest

from hotline.facts import FactKind
from hotline.plumbing.bus_sqlite import SqliteBroadcast, SqliteLog, open_log
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database
from tests.contract.facts_for_tests import RECEIVED_AT, WORDS, erased, received


@pytest.fixture
async def log(database: Database) -> SqliteLog:
    return await open_log(database, Sealer({"test": "a secret only for tests"}))


async def positions(log: SqliteLog) -> list[str]:
    return await log.database.read(
        lambda connection: [
            row["fact_id"] for row in connection.execute("select fact_id from bus_fact order by position")
        ]
    )


async def test_a_store_that_fails_says_nothing(log: SqliteLog) -> None:
    def work(connection: sqlite3.Connection) -> None:
        log.append(connection, [received("f1")])
        raise ValueError

    with pytest.raises(ValueError):
        await log.database.write(work)
    assert await positions(log) == []


async def test_erasing_leaves_only_that_it_was_erased(log: SqliteLog) -> None:
    await log.publish([received("f1"), received("f2"), received("f1", seq=2)])
    delivery = (await log.subscribe("respond").next_batch(1))[0]
    await log.bury("respond", delivery, error="ValueError at x.py:1", attempts=5, now=RECEIVED_AT)
    await log.publish([erased("f1")])
    await log.database.write(lambda connection: log.erase(connection, "f1"))
    assert await positions(log) == ["ingest:f2:0.1", "ingest:f1:0.9"]
    assert await log.dead_letters() == []


async def test_a_reader_of_all_begins_at_its_instant_and_looks_at_nothing_twice(log: SqliteLog) -> None:
    kinds = frozenset({FactKind.FEEDBACK_RECEIVED})
    await log.publish([received("f1", seq=seq) for seq in range(1, 5)])
    reading = log.subscribe_all(RECEIVED_AT + timedelta(seconds=3), kinds)
    assert [delivery.envelope.seq for delivery in await reading.backlog(1)] == [3]
    assert [delivery.envelope.seq for delivery in await reading.backlog(9)] == [4]
    await log.publish([erased("f2"), received("f3")])
    assert await reading.backlog(9) == []
    assert [delivery.envelope.feedback_id for delivery in await reading.next_batch(9)] == ["f3"]
    assert isinstance(reading, SqliteBroadcast)
    assert reading.position == 6


async def test_trimming_keeps_what_a_group_has_not_finished(log: SqliteLog) -> None:
    await log.publish([received("f1"), received("f2"), received("f3")])
    later = RECEIVED_AT + timedelta(days=40)
    assert await log.trim(later) == 0
    await log.subscribe("classify").ack(await log.subscribe("classify").next_batch(3))
    await log.subscribe("respond").ack(await log.subscribe("respond").next_batch(2))
    assert await log.trim(RECEIVED_AT - timedelta(days=1)) == 0
    assert await log.trim(later) == 2
    assert await positions(log) == ["ingest:f3:0.1"]


async def test_the_file_holds_no_words_in_the_log(log: SqliteLog) -> None:
    await log.publish([received("f1")])
    content = b"".join(path.read_bytes() for path in log.database.path.parent.glob("hotline.db*"))
    assert b"f1" in content
    assert WORDS.encode() not in content


async def test_a_letter_that_says_erased_outlives_the_erasing(log: SqliteLog) -> None:
    await log.publish([erased("f1")])
    delivery = (await log.subscribe("respond").next_batch(1))[0]
    await log.bury("respond", delivery, error="ValueError at x.py:1", attempts=5, now=RECEIVED_AT)
    await log.database.write(lambda connection: log.erase(connection, "f1"))
    assert [letter.kind for letter in await log.dead_letters()] == [FactKind.FEEDBACK_ERASED]


async def test_a_fact_erased_while_it_was_worked_on_is_not_buried(log: SqliteLog) -> None:
    await log.publish([received("f1")])
    delivery = (await log.subscribe("respond").next_batch(1))[0]
    await log.database.write(lambda connection: log.erase(connection, "f1"))
    await log.bury("respond", delivery, error="ValueError at x.py:1", attempts=5, now=RECEIVED_AT)
    assert await log.dead_letters() == []


async def test_publishing_a_fact_again_adds_nothing(log: SqliteLog) -> None:
    await log.publish([received("f1")])
    await log.publish([received("f1")])
    assert len(await log.subscribe("respond").next_batch(10)) == 1
