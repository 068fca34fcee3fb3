"""The relay loses no fact, changes the order of none within its document, and waits for what is away."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hotline.plumbing import mongo as driver
from hotline.plumbing import relay as relays
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.lease import LEASES
from hotline.plumbing.mongo import Collection, MongoDatabase
from hotline.plumbing.outbox import PENDING_INDEX, more_pending, new_outbox
from hotline.plumbing.relay import LEASE, Relay
from hotline.plumbing.sqlite import Database
from tests.contract.facts_for_tests import RECEIVED_AT, received
from tests.stores.another_process import KILLED
from tests.stores.another_relay import COLLECTION, SERVICE
from tests.stores.cutting import cuttable
from tests.stores.meanwhile import Meanwhile
from tests.stores.watching import Plans, assert_no_collection_scan, carried

pytestmark = pytest.mark.live
PATIENCE_S = 30.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock that a test moves."""

    now: datetime = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True, kw_only=True)
class Things:
    """A collection of documents with facts in them, and the log where they must arrive."""

    backend: Backend
    collection: Collection
    clock: Clock = field(default_factory=Clock)

    async def put(self, name: str, *numbers: int) -> None:
        """Write a document with these facts of its feedback, or add them to it."""
        facts, sealer = [received(name, seq=number) for number in numbers], self.backend.sealer
        if not await self.collection.update_one({"_id": name}, {"$inc": {"version": 1}, **more_pending(facts, sealer)}):
            await self.collection.insert_one({"_id": name, "version": 1, **new_outbox(facts, sealer)})

    def relay(self, mongo: MongoDatabase | None = None, bus: SqliteLog | None = None) -> Relay:
        """Return a relay of these documents, in another process's hands when it has its own database."""
        assert isinstance(self.backend.database, MongoDatabase)
        return Relay(mongo or self.backend.database, bus or self.backend.bus, SERVICE, [COLLECTION], self.clock)

    async def on_the_bus(self) -> dict[str, list[int]]:
        """Return the numbers of the facts on the bus by feedback, in the order in which they first came."""
        found: dict[str, list[int]] = {}
        if await self.backend.bus.lag("test"):
            for delivery in await self.backend.bus.subscribe("test").next_batch(10_000):
                found.setdefault(delivery.envelope.feedback_id, []).append(delivery.envelope.seq)
        return found

    async def waiting(self) -> dict[str, list[int]]:
        """Return the numbers of the facts that wait in each document that says that some do."""
        found = await self.collection.find({"pending_since": {"$exists": True}})
        return {document["_id"]: [fact["seq"] for fact in document["pending"]] for document in found}


@pytest.fixture
async def things(mongodb_backend: Backend, mongo: MongoDatabase) -> Things:
    await mongo.ensure_indexes(COLLECTION, (PENDING_INDEX,))
    return Things(backend=mongodb_backend, collection=mongo.collection(COLLECTION))


async def until(is_so: Callable[[], Any]) -> None:
    """Wait until something is so, looking often; fails when that takes longer than any machine needs."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = is_so()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def running() -> AsyncIterator[Callable[[Relay], asyncio.Task[None]]]:
    """Return what starts a relay's loop; it is stopped with the test."""
    tasks: list[asyncio.Task[None]] = []

    def start(relay: Relay) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(relay.run()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


Start = Callable[[Relay], "asyncio.Task[None]"]


async def test_facts_go_out_in_order_and_leave_their_documents(things: Things) -> None:
    await things.put("f1", 1, 2)
    await things.put("f2", 1)
    await things.put("f1", 3)
    assert await things.relay().carry(things.collection) == 2
    assert await things.on_the_bus() == {"f1": [1, 2, 3], "f2": [1]}
    assert await things.waiting() == {}
    assert await things.collection.find_one({"_id": "f1"}) == {"_id": "f1", "version": 2, "pending": []}
    assert await things.relay().carry(things.collection) == 0


async def test_facts_arrive_as_they_were_told(things: Things) -> None:
    facts = [received("f1", text="Nước ngập tới gối"), received("f1", seq=2)]
    await things.collection.insert_one({"_id": "f1", **new_outbox(facts, things.backend.sealer)})
    assert await carried(things.backend, SERVICE, [COLLECTION]) == facts


async def test_more_than_one_batch_is_carried_the_longest_waiting_first(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "DOCUMENTS_AT_ONCE", 2)
    for name, number in (("f3", 3), ("f1", 1), ("f2", 2), ("f4", 4)):
        await things.put(name, number)
    relay = things.relay()
    assert (await relay.carry(things.collection), list(await things.on_the_bus())) == (2, ["f1", "f2"])
    assert await relay.carry(things.collection) == 2
    assert await things.on_the_bus() == {"f1": [1], "f2": [2], "f3": [3], "f4": [4]}


async def test_a_document_that_gets_more_facts_while_it_is_carried_keeps_those(
    things: Things, meanwhile: Meanwhile, other_mongo: MongoDatabase
) -> None:
    await things.put("f1", 1, 2)
    await things.put("f2", 1)
    elsewhere = Things(backend=things.backend, collection=other_mongo.collection(COLLECTION))
    meanwhile.before(2, lambda: elsewhere.put("f1", 3, 4))
    relay = things.relay()
    await relay.carry(things.collection)
    assert meanwhile.has_happened
    assert await things.waiting() == {"f1": [3, 4]}
    await relay.carry(things.collection)
    assert await things.on_the_bus() == {"f1": [1, 2, 3, 4], "f2": [1]}
    assert await things.waiting() == {}


async def test_a_relay_killed_between_publishing_and_marking_publishes_again_and_the_log_ends_the_same(
    things: Things, mongo_address: str, tmp_path: Path
) -> None:
    await things.put("f1", 1, 2)
    await things.put("f2", 1)
    command = [sys.executable, "-m", "tests.stores.another_relay", mongo_address, str(tmp_path / "log.db")]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == KILLED
    told = {"f1": [1, 2], "f2": [1]}
    assert (await things.on_the_bus(), await things.waiting()) == (told, told)
    await things.put("f1", 3)
    assert await things.relay().carry(things.collection) == 2
    assert (await things.on_the_bus(), await things.waiting()) == ({**told, "f1": [1, 2, 3]}, {})


@pytest.mark.parametrize(("taken_too", "put_afterwards"), [([3], [4]), ([], [3, 4])])
async def test_a_document_that_another_relay_emptied_meanwhile_keeps_what_came_since(
    things: Things,
    meanwhile: Meanwhile,
    other_mongo: MongoDatabase,
    taken_too: list[int],
    put_afterwards: list[int],
) -> None:
    await things.put("f1", 1, 2)
    elsewhere = Things(backend=things.backend, collection=other_mongo.collection(COLLECTION))

    async def carry_elsewhere() -> None:
        await elsewhere.put("f1", *taken_too)
        await elsewhere.relay(other_mongo).carry(elsewhere.collection)
        await elsewhere.put("f1", *put_afterwards)

    meanwhile.before(2, carry_elsewhere)
    relay = things.relay()
    await relay.carry(things.collection)
    assert await things.waiting() == {"f1": put_afterwards}
    await relay.carry(things.collection)
    assert (await things.on_the_bus(), await things.waiting()) == ({"f1": [1, 2, *taken_too, *put_afterwards]}, {})


async def test_two_relays_that_both_believe_they_hold_lose_and_reorder_nothing(
    things: Things, other_mongo: MongoDatabase
) -> None:
    names, last = [f"f{number}" for number in range(12)], 10
    written = asyncio.Event()

    async def write(name: str) -> None:
        for number in range(1, last + 1):
            await things.put(name, number)

    async def carry(mongo: MongoDatabase | None) -> None:
        relay = things.relay(mongo)
        while not written.is_set() or await relay.pending_count():
            await relay.carry(relay.collections[0])

    carrying = [asyncio.create_task(carry(mongo)) for mongo in (None, other_mongo)]
    await asyncio.gather(*(write(name) for name in names))
    written.set()
    await asyncio.gather(*carrying)
    assert await things.on_the_bus() == {name: list(range(1, last + 1)) for name in names}
    assert await things.waiting() == {}


async def test_the_lease_lets_one_carry_and_its_end_another(things: Things, other_mongo: MongoDatabase) -> None:
    first, second = things.relay(), things.relay(other_mongo)
    assert await first.carry_if_holder() == 0
    await things.put("f1", 1)
    assert (await second.carry_if_holder(), await things.waiting()) == (0, {"f1": [1]})
    things.clock.now += LEASE / 2
    assert await first.carry_if_holder() == 1
    await things.put("f1", 2)
    things.clock.now += LEASE
    assert await second.carry_if_holder() == 0
    things.clock.now += timedelta(milliseconds=1)
    assert (await second.carry_if_holder(), await first.carry_if_holder()) == (1, 0)


class HangingBus(SqliteLog):
    """A bus whose broker never answers."""

    async def publish_envelopes(self, envelopes: Sequence[Envelope]) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_a_relay_that_hangs_on_its_broker_keeps_its_lease(
    things: Things, other_mongo: MongoDatabase, running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "KEEP_EVERY_S", 0.01)
    bus = things.backend.bus
    assert isinstance(bus, SqliteLog)
    await things.put("f1", 1)
    running(things.relay(bus=HangingBus(bus.database, bus.sealer)))
    second = things.relay(other_mongo)
    await until(lambda: _is_held(other_mongo, things.clock.now))
    things.clock.now += 2 * LEASE
    await until(lambda: _is_held(other_mongo, things.clock.now))
    assert await second.carry_if_holder() == 0
    assert await things.waiting() == {"f1": [1]}


async def _is_held(mongo: MongoDatabase, now: datetime) -> bool:
    found = await mongo.collection(LEASES).find_one({"_id": relays.lease_of(SERVICE)})
    return found is not None and found["expires_at"].astimezone(UTC) > now


async def test_a_relay_that_is_stopped_makes_nobody_wait(
    things: Things, other_mongo: MongoDatabase, running: Start
) -> None:
    task = running(things.relay())
    await things.put("f1", 1)
    await until(lambda: _has(things, {"f1": [1]}))
    second = things.relay(other_mongo)
    assert await second.carry_if_holder() == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await things.put("f1", 2)
    assert await second.carry_if_holder() == 1


async def _has(things: Things, facts: dict[str, list[int]]) -> bool:
    return await things.on_the_bus() == facts


async def test_a_write_of_this_process_wakes_its_relay(
    things: Things, running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "LOOK_EVERY_S", 10 * PATIENCE_S)
    assert isinstance(things.backend.database, MongoDatabase)
    relay = things.relay()
    running(relay)
    await until(lambda: relay.renew_at)
    await things.put("f1", 1)
    things.backend.database.wake_relay()
    await until(lambda: _has(things, {"f1": [1]}))


async def test_what_the_broker_will_never_take_holds_up_no_other_document(
    things: Things, caplog: pytest.LogCaptureFixture
) -> None:
    await things.put("stuck", 1, 2)
    from_a_newer_release = {"$set": {"pending.0.colour": "red"}}
    await things.collection.update_one({"_id": "stuck"}, from_a_newer_release)
    await things.put("f1", 3)
    relay = things.relay()
    assert await relay.carry(things.collection) == 1
    await things.put("f1", 4)
    assert await relay.carry(things.collection) == 1
    assert (await things.on_the_bus(), await things.waiting()) == ({"f1": [3, 4]}, {"stuck": [1, 2]})
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["facts_stuck"]
    await things.collection.update_one({"_id": "stuck"}, {"$unset": {"pending.0.colour": ""}})
    relay.stuck = dict.fromkeys(relay.stuck, 0.0)
    assert await relay.carry(things.collection) == 1
    assert (await things.on_the_bus(), await things.waiting()) == ({"f1": [3, 4], "stuck": [1, 2]}, {})


class WithoutOne(SqliteLog):
    """A real log that cannot be reached for one feedback, as when the broker of one partition is down."""

    unreachable = "away"

    async def publish_envelopes(self, envelopes: Sequence[Envelope]) -> None:
        """See `Bus`."""
        if any(envelope.feedback_id == self.unreachable for envelope in envelopes):
            raise StoreUnavailable("no leader")
        await super().publish_envelopes(envelopes)


async def test_what_was_acknowledged_is_not_published_again_because_another_was_not(things: Things) -> None:
    log = things.backend.bus
    assert isinstance(log, SqliteLog)
    for name in ("f1", "away", "f2"):
        await things.put(name, 1)
    with pytest.raises(StoreUnavailable):
        await things.relay(bus=WithoutOne(log.database, log.sealer)).carry(things.collection)
    assert (await things.on_the_bus(), await things.waiting()) == ({"f1": [1], "f2": [1]}, {"away": [1]})


async def test_a_bus_that_is_down_is_waited_for(things: Things, running: Start) -> None:
    log = things.backend.bus
    assert isinstance(log, SqliteLog)
    await log.database.close()
    await things.put("f1", 1)
    relay = things.relay()
    running(relay)
    await until(lambda: relay.trouble)
    assert await things.waiting() == {"f1": [1]}
    log.database = await Database.open(log.database.path)
    await until(lambda: _has(things, {"f1": [1]}))
    await until(lambda: relay.trouble is None)
    await log.database.close()


async def test_a_database_that_is_away_is_waited_for(
    things: Things, mongo_address: str, running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "SELECT_PRIMARY_MS", 100)
    async with cuttable(mongo_address) as (way, address):
        mongo = await MongoDatabase.open(address)
        relay = things.relay(mongo)
        running(relay)
        await until(lambda: relay.renew_at)
        await way.cut()
        await things.put("f1", 1)
        await until(lambda: relay.trouble)
        await way.mend()
        await until(lambda: _has(things, {"f1": [1]}))
        await until(lambda: relay.trouble is None)
        await mongo.close()


async def test_what_waits_is_counted_and_its_age_told(things: Things) -> None:
    relay = things.relay()
    assert (await relay.pending_count(), await relay.oldest_pending_age_s(RECEIVED_AT)) == (0, 0.0)
    await things.put("f1", 30)
    await things.put("f2", 10)
    await things.put("f2", 20)
    now = RECEIVED_AT + timedelta(seconds=70)
    assert (await relay.pending_count(), await relay.oldest_pending_age_s(now)) == (2, 60.0)


async def test_the_relay_reads_no_whole_collection(things: Things, plans: Plans) -> None:
    plans.forget()
    await things.put("f1", 1)
    relay = things.relay()
    relay.stuck = {"f0": float("inf")}
    await relay.carry_if_holder()
    await relay.pending_count()
    await relay.oldest_pending_age_s(things.clock())
    await assert_no_collection_scan(things.backend, plans)
