"""Several readers of one group: what happens to work in hand when partitions move, when one stops, when one is slow."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from hotline.facts import Fact
from hotline.plumbing import bus_kafka_reading, pressure
from hotline.plumbing.bus_kafka import KafkaBus
from tests.contract.facts_for_tests import received
from tests.live.kafka_town import FEEDBACKS, GROUP, QUICK, SEALER, Town, new_town

pytestmark = pytest.mark.live
FACTS = 3


class Impatient(KafkaBus):
    """A bus whose readers the group gives up when nothing is heard of them for a second and a half."""

    def consumer(self, **more: Any) -> AIOKafkaConsumer:
        """Return a reader."""
        return super().consumer(**more, session_timeout_ms=1500)


@pytest.fixture
async def town(kafka_url: str) -> AsyncIterator[Town]:
    async with new_town(kafka_url) as town:
        yield town


def all_facts() -> list[Fact]:
    return [received(name, seq) for seq in range(1, FACTS + 1) for name in FEEDBACKS]


async def test_a_commit_after_the_partitions_went_is_said_and_changes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bus_kafka_reading, "HANDOVER_S", 0.05)
    bus = await town.open()
    await bus.publish(all_facts())
    slow, quick = bus.subscribe(GROUP), bus.subscribe(GROUP)
    batch = await slow.next_batch(100)
    joining = asyncio.create_task(quick.next_batch(100))
    await town.until(lambda: not slow.holds(batch[0]))
    await slow.ack(batch)
    assert "ack_after_revocation" in [record.getMessage() for record in caplog.records]
    assert await bus.lag(GROUP) == len(all_facts())
    again = [*await slow.next_batch(100), *await joining]
    assert sorted(delivery.envelope.fact_id for delivery in again) == sorted(fact.fact_id for fact in all_facts())


async def test_a_commit_of_a_member_that_was_frozen_and_given_up_is_said_and_changes_nothing(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not know yet that its partitions went: the broker tells it when it commits."""
    bus = Impatient(town.url, SEALER, town.options)
    town.buses.append(bus)
    await bus.start()
    await bus.publish(all_facts())
    reading = bus.subscribe(GROUP)
    batch = await reading.next_batch(100)
    time.sleep(4)  # noqa: ASYNC251 - nothing of this process may run, heartbeats neither
    await reading.ack(batch)
    assert "ack_after_revocation" in [record.getMessage() for record in caplog.records]
    assert await bus.lag(GROUP) == len(all_facts())
    again: set[str] = set()
    while len(again) < len(all_facts()):
        again |= {delivery.envelope.fact_id for delivery in await reading.next_batch(100)}


async def test_a_member_that_lost_its_partitions_starts_no_more_of_their_facts(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old batch ends after the fact in hand; whoever has the partition then begins after the last commit."""
    monkeypatch.setattr(bus_kafka_reading, "HANDOVER_S", 0.05)
    # The first batch holds the first fact of every feedback.
    monkeypatch.setattr(pressure, "SMALL_BATCH", len(all_facts()))
    release, started = asyncio.Event(), asyncio.Event()

    async def stand_still(name: str, fact: Fact) -> None:
        if name == "slow":
            started.set()
            await release.wait()

    bus = await town.open()
    await bus.publish(all_facts())
    slow = town.join("slow", bus, hook=stand_still)
    await started.wait()
    assert isinstance(slow.reading, bus_kafka_reading.KafkaSubscription)
    reading, term = slow.reading, slow.reading.term
    town.join("quick", bus)
    await town.until(lambda: reading.term > term)
    release.set()
    await town.until_no_lag(bus)
    for feedback_id in FEEDBACKS:
        turns = [(name, seq) for name, feedback, seq in town.handled if feedback == feedback_id]
        abandoned = turns.index(("slow", 1))
        owner = next(name for place, (name, _) in enumerate(turns) if place != abandoned)
        assert sorted(turns) == sorted([("slow", 1), *((owner, seq) for seq in range(1, FACTS + 1))])


async def test_members_that_come_and_go_never_work_on_one_feedback_at_once(town: Town) -> None:
    in_hand: set[str] = set()
    doubled: list[str] = []

    async def work(name: str, fact: Fact) -> None:
        if fact.feedback_id in in_hand:
            doubled.append(fact.fact_id)
        in_hand.add(fact.feedback_id)
        await asyncio.sleep(0.005)
        in_hand.discard(fact.feedback_id)

    bus = await town.open()
    town.join("reader 0", bus, hook=work)
    for seq in range(1, 7):
        await bus.publish([received(name, seq) for name in FEEDBACKS])
        town.join(f"reader {seq}", bus, hook=work)
        await town.until(lambda seq=seq: len(town.handled) >= (seq - 1) * len(FEEDBACKS))  # type: ignore[misc]
        if seq % 2 == 0:
            await town.leave(f"reader {seq // 2 - 1}")
    await town.until_no_lag(bus)
    assert doubled == []
    # Work in hand was finished and recorded before each handover: nothing was done twice.
    assert len(town.handled) == len(set(town.handled)) == 6 * len(FEEDBACKS)
    assert [town.seen(name) for name in FEEDBACKS] == [list(range(1, 7))] * len(FEEDBACKS)


async def test_order_and_completeness_hold_while_members_join_and_leave_in_a_hurry(town: Town) -> None:
    bus = await town.open()
    town.join("reader 0", bus)
    for seq in range(1, 7):
        await bus.publish([received(name, seq) for name in FEEDBACKS])
        town.join(f"reader {seq}", bus)
        if seq % 2 == 0:
            await town.leave(f"reader {seq // 2 - 1}")
    await town.until_no_lag(bus)
    assert [town.seen(name) for name in FEEDBACKS] == [list(range(1, 7))] * len(FEEDBACKS)


async def test_a_stop_finishes_and_records_what_is_in_hand_and_begins_nothing_more(town: Town) -> None:
    release, started = asyncio.Event(), asyncio.Event()

    async def wait(name: str, fact: Fact) -> None:
        started.set()
        await release.wait()

    bus = await town.open()
    await bus.publish(all_facts())
    town.join("first", bus, patience=replace(QUICK, batch=4), hook=wait)
    await started.wait()
    leaving = asyncio.create_task(town.leave("first"))
    await asyncio.sleep(0)
    release.set()
    await leaving
    assert len(town.handled) == 4
    assert await bus.lag(GROUP) == len(all_facts()) - 4
    town.join("second", bus)
    await town.until_no_lag(bus)
    assert len({(feedback_id, seq) for _, feedback_id, seq in town.handled}) == len(town.handled) == len(all_facts())
