"""Migrations of stored documents: each once, by one replica at a time, never over what a newer release wrote."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from hotline.plumbing import migrations_mongo
from hotline.plumbing.lease import hold
from hotline.plumbing.migrations import SchemaTooNew
from hotline.plumbing.migrations_mongo import LOCKED_FOR, MongoMigration, migrate
from hotline.plumbing.mongo import MongoDatabase

pytestmark = pytest.mark.live


class Ran:
    """Migrations that tell what ran, in order."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.at_once = 0
        self.most_at_once = 0

    def step(self, number: int, during: Callable[[], Awaitable[None]] | None = None) -> MongoMigration:
        """Return the migration of that number; `during` happens in it, before it has done its work."""

        async def run(mongo: MongoDatabase) -> None:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                if during is not None:
                    await during()
                self.numbers.append(number)
            finally:
                self.at_once -= 1

        return MongoMigration(number=number, run=run)


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations_mongo, "LOOK_EVERY_S", 0.02)


async def test_each_runs_once_in_order_of_its_number(mongo: MongoDatabase, ran: Ran) -> None:
    await migrate(mongo, "ingest", [ran.step(2), ran.step(1)])
    await migrate(mongo, "ingest", [ran.step(1), ran.step(2)])
    assert ran.numbers == [1, 2]
    await migrate(mongo, "ingest", [ran.step(1), ran.step(2), ran.step(3)])
    assert ran.numbers == [1, 2, 3]


async def test_each_service_has_its_own(mongo: MongoDatabase, ran: Ran) -> None:
    await migrate(mongo, "ingest", [ran.step(1)])
    await migrate(mongo, "respond", [ran.step(1)])
    assert ran.numbers == [1, 1]


async def test_of_replicas_that_start_at_once_one_migrates_and_the_others_wait_for_it(
    mongo: MongoDatabase, other_mongo: MongoDatabase, ran: Ran
) -> None:
    waits, goes_on = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        waits.set()
        await goes_on.wait()

    migrations = [ran.step(1, long), ran.step(2)]
    replicas = [asyncio.create_task(migrate(who, "ingest", migrations)) for who in (mongo, other_mongo, mongo)]
    await waits.wait()
    await asyncio.sleep(0.1)
    assert [task.done() for task in replicas] == [False] * 3
    goes_on.set()
    await asyncio.gather(*replicas)
    assert (ran.numbers, ran.most_at_once) == ([1, 2], 1)


@pytest.mark.parametrize("known", [[], [1], [1, 2]])
async def test_what_a_newer_release_wrote_is_refused(mongo: MongoDatabase, ran: Ran, known: list[int]) -> None:
    await migrate(mongo, "ingest", [ran.step(number) for number in (1, 2, 3)])
    said = f"ingest's documents are of schema 3, this release knows {max(known, default=0)}"
    with pytest.raises(SchemaTooNew, match=said):
        await migrate(mongo, "ingest", [ran.step(number) for number in known])
    assert ran.numbers == [1, 2, 3]


async def test_one_that_is_stopped_on_the_way_begins_again(mongo: MongoDatabase, ran: Ran) -> None:
    begun = asyncio.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(migrate(mongo, "ingest", [ran.step(1), ran.step(2, for_ever), ran.step(3)]))
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await migrate(mongo, "ingest", [ran.step(1), ran.step(2), ran.step(3)])
    assert ran.numbers == [1, 2, 3]


async def test_one_that_fails_is_told_and_begins_again(mongo: MongoDatabase, ran: Ran) -> None:
    async def fail() -> None:
        raise LookupError("a document that nobody expected")

    with pytest.raises(LookupError):
        await migrate(mongo, "ingest", [ran.step(1, fail)])
    await migrate(mongo, "ingest", [ran.step(1)])
    assert ran.numbers == [1]


async def test_the_lock_of_one_that_was_killed_runs_out(mongo: MongoDatabase, ran: Ran) -> None:
    long_ago = datetime.now(UTC) - LOCKED_FOR - timedelta(seconds=1)
    assert await hold(mongo, "migrate:ingest", "killed", now=long_ago, period=LOCKED_FOR)
    await migrate(mongo, "ingest", [ran.step(1)])
    assert ran.numbers == [1]
