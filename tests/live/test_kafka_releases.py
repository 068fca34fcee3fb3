"""Releases and keys side by side: what one process cannot read waits for one that can, and holds nothing else up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace

from hotline.facts import SCHEMA, Fact
from hotline.plumbing.bus import Delivery
from hotline.plumbing.bus_kafka import KafkaBus
from hotline.plumbing.bus_kafka_reading import KafkaSubscription
from hotline.plumbing.bus_kafka_wire import Record
from hotline.plumbing.consume import Consumer
from hotline.plumbing.envelope import close_fact, open_fact
from hotline.plumbing.failures import FactIsBad
from hotline.plumbing.seal import Sealer
from tests.contract.facts_for_tests import received
from tests.live.kafka_town import FEEDBACKS, NEVER_S, SEALER, Town, new_town

pytestmark = pytest.mark.live
OLD, NEW = "a secret of last year, long enough", "a secret of this year, long enough"


class NextRelease(KafkaBus):
    """The bus of a release whose schema is one higher."""

    def open(self, delivery: Delivery) -> Fact:
        """See `Bus`."""
        return open_fact(delivery.envelope, self.sealer, newest=SCHEMA + 1)


class Impatient(KafkaBus):
    """A bus whose readers lose their membership after a second without polling, not after five minutes."""

    def consumer(self, **more: Any) -> AIOKafkaConsumer:
        """Return a reader."""
        return super().consumer(**more, max_poll_interval_ms=1000)


@pytest.fixture
async def town(kafka_url: str) -> AsyncIterator[Town]:
    async with new_town(kafka_url) as town:
        yield town


async def start(bus: KafkaBus, town: Town) -> KafkaBus:
    town.buses.append(bus)
    await bus.start()
    return bus


async def publish_of_next_release(bus: KafkaBus, facts: list[Fact]) -> None:
    await bus.publish_envelopes([replace(close_fact(fact, SEALER), schema=SCHEMA + 1) for fact in facts])


async def publish_until_it_waits(bus: KafkaBus, old: Consumer) -> int:
    """Let every partition hold what only the next release can read; returns the last `seq` after `old` met one.

    Again and again: after a stall of the machine the other reader may have had all partitions and read everything.
    """
    newest = 2
    async with asyncio.timeout(NEVER_S):
        while newest == 2 or "newer than this release" not in trouble_of(old):
            newest += 1
            await publish_of_next_release(bus, [received(name, newest) for name in FEEDBACKS])
            await asyncio.sleep(0.2)
    return newest


async def beside(bus: KafkaBus, feedback_id: str) -> set[str]:
    """Return the feedbacks that share no partition with this one."""
    reading = bus.subscribe("finds partitions")
    partitions: dict[str, int] = {}
    while len(partitions) < len(FEEDBACKS):
        batch = await reading.next_batch(100)
        partitions |= {delivery.envelope.feedback_id: delivery.partition for delivery in batch}
    await reading.close()
    return {name for name in FEEDBACKS if partitions[name] != partitions[feedback_id]}


def has(town: Town, names: set[str], facts: int) -> bool:
    return all(town.seen(name) == list(range(1, facts + 1)) for name in names)


def trouble_of(consumer: Consumer) -> str:
    return consumer.trouble or ""


async def test_an_unreadable_record_lets_its_partition_wait_and_costs_no_membership(town: Town) -> None:
    bus = await start(Impatient(town.url, SEALER, town.options), town)
    await bus.publish([received(name) for name in FEEDBACKS])
    others = await beside(bus, "f0")
    await bus.send(town.options.facts, [Record(key=b"f0", value=b"no fact")])
    await bus.publish([received(name, 2) for name in FEEDBACKS])
    reader = town.join("reader", bus)
    await town.until(lambda: has(town, others, 2) and "no fact of hotline" in trouble_of(reader))
    assert isinstance(reader.reading, KafkaSubscription)
    membership = reader.reading.term
    await asyncio.sleep(2.5)
    await bus.publish([received(name, 3) for name in FEEDBACKS])
    await town.until(lambda: has(town, others, 3))
    assert reader.reading.term == membership
    assert town.seen("f0") == [1]
    assert await bus.dead_letters() == []


async def test_a_replica_of_the_next_release_beside_one_of_this_loses_and_buries_nothing(town: Town) -> None:
    this, following = await town.open(), await start(NextRelease(town.url, SEALER, town.options), town)
    await this.publish([received(name) for name in FEEDBACKS])
    others = await beside(this, "f0")
    old = town.join("this release", this)
    town.join("next release", following)
    await town.until(lambda: has(town, set(FEEDBACKS), 1))
    await publish_of_next_release(following, [received("f0", 2)])
    await this.publish([received(name, 2) for name in others])
    await town.until(lambda: has(town, others, 2))
    newest = await publish_until_it_waits(following, old)
    await town.leave("this release")
    await town.until_no_lag(following)
    assert has(town, others, newest)
    assert town.seen("f0") == list(range(1, newest + 1))
    assert {name for name, _, seq in town.handled if seq > 2} == {"next release"}
    assert await this.dead_letters() == []


async def test_a_fact_that_no_broker_takes_is_refused_and_the_others_go_out(town: Town) -> None:
    """The relay sets the one aside; were it told that the broker is down it would wait for ever with all others."""
    bus = await town.open()
    with pytest.raises(FactIsBad, match="larger than"):
        await bus.publish([received("f0", text="ổ gà " * 4_000_000), received("f1")])
    await bus.publish([received("f0", 2)])
    town.join("reader", bus)
    await town.until_no_lag(bus)
    assert (town.seen("f0"), town.seen("f1")) == ([2], [1])


async def test_keys_rotate_readers_first(town: Town) -> None:
    """Writers seal with the old key until every reader has both; then with the new one; both are read meanwhile."""
    before, knows_both = await town.open(Sealer({"2025": OLD})), await town.open(Sealer({"2025": OLD, "2026": NEW}))
    after = await town.open(Sealer({"2026": NEW, "2025": OLD}))
    for seq, bus in enumerate((before, knows_both, after), start=1):
        await bus.publish([received(name, seq) for name in FEEDBACKS])
    town.join("reader", knows_both)
    await town.until_no_lag(before)
    assert has(town, set(FEEDBACKS), 3)
    batch = await before.subscribe("looks").next_batch(100)
    assert {delivery.envelope.key_id for delivery in batch} == {"2025", "2026"}


async def test_a_reader_without_the_key_waits_and_the_next_that_has_it_goes_on(town: Town) -> None:
    forgotten, given = await town.open(Sealer({"2025": OLD})), await town.open(Sealer({"2026": NEW, "2025": OLD}))
    await forgotten.publish([received(name) for name in FEEDBACKS])
    await given.publish([received(name, 2) for name in FEEDBACKS])
    waiting = town.join("without", forgotten)
    await town.until(lambda: has(town, set(FEEDBACKS), 1) and "SEAL_KEYS" in trouble_of(waiting))
    assert "no key '2026'" in trouble_of(waiting)
    await town.leave("without")
    town.join("with", given)
    await town.until_no_lag(given)
    assert has(town, set(FEEDBACKS), 2)
    assert {name for name, _, seq in town.handled if seq == 2} == {"with"}
    assert await given.dead_letters() == []
