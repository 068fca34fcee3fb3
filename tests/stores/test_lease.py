"""One of several replicas holds a name, until it lets go or its time runs out."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hotline.plumbing.lease import hold, let_go
from hotline.plumbing.mongo import MongoDatabase

pytestmark = pytest.mark.live
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PERIOD = timedelta(seconds=10)
A_MOMENT = timedelta(milliseconds=1)


async def has(mongo: MongoDatabase, holder: str, after: timedelta = timedelta(), name: str = "relay:ingest") -> bool:
    return await hold(mongo, name, holder, now=NOW + after, period=PERIOD)


async def test_a_free_name_goes_to_one_of_those_who_ask_at_once(mongo: MongoDatabase) -> None:
    holders = [f"h{number}" for number in range(8)]
    assert sorted(await asyncio.gather(*(has(mongo, holder) for holder in holders))) == [False] * 7 + [True]
    assert sum([await has(mongo, holder) for holder in holders]) == 1


async def test_another_waits_until_the_time_has_run_out(mongo: MongoDatabase, other_mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    assert not await has(other_mongo, "b")
    assert not await has(other_mongo, "b", PERIOD)
    assert await has(other_mongo, "b", PERIOD + A_MOMENT)
    assert not await has(mongo, "a", PERIOD + A_MOMENT)


async def test_of_those_who_wait_for_a_name_whose_time_has_run_out_one_gets_it(mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    late = PERIOD + A_MOMENT
    assert sum(await asyncio.gather(*(has(mongo, f"h{number}", late) for number in range(8)))) == 1


async def test_a_holder_that_asks_again_has_it_for_longer(mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    assert await has(mongo, "a", PERIOD / 2)
    assert not await has(mongo, "b", PERIOD + A_MOMENT)
    assert await has(mongo, "b", PERIOD * 1.5 + A_MOMENT)


async def test_a_holder_that_lets_go_makes_nobody_wait(mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    await let_go(mongo, "relay:ingest", "a")
    await let_go(mongo, "relay:ingest", "a")
    assert await has(mongo, "b")


async def test_nobody_lets_go_for_another(mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    await let_go(mongo, "relay:ingest", "b")
    assert not await has(mongo, "b")


async def test_names_are_held_apart(mongo: MongoDatabase) -> None:
    assert await has(mongo, "a")
    assert await has(mongo, "b", name="relay:respond")
