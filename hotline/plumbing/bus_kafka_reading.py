"""Readings of the topic of facts: as a member of a group, or all of it without one.

Used by `bus_kafka.py`. A member hands out one batch at a time. While that is worked on, it keeps polling with its
partitions paused, so it stays in the group however long the world is down. Before partitions go to another member the
work in hand is given HANDOVER_S to end; what is not finished then is read again by whoever has the partition.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from hotline.plumbing.bus import Delivery
from hotline.plumbing.bus_kafka_client import BusUnavailable, broker_errors, close_quietly
from hotline.plumbing.bus_kafka_letters import LetterBox
from hotline.plumbing.bus_kafka_wire import Letter, envelope_of, letter_key
from hotline.plumbing.log import step

HANDOVER_S = 20.0
COMMIT_S = 30.0
POLL_MS = 500
KEPT_RECORDS = 64

Records = dict[TopicPartition, list[Any]]


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc] # the driver's interface, without types
    """One member of a group."""

    def __init__(self, connect: Callable[[], AIOKafkaConsumer], group: str, facts: str, letters: LetterBox) -> None:
        self.connect = connect
        self.group = group
        self.facts = facts
        self.letters = letters
        self.consumer: AIOKafkaConsumer | None = None
        self.polling: asyncio.Task[None] | None = None
        self.kept: Records = {}
        self.idle, self.steady = asyncio.Event(), asyncio.Event()
        self.idle.set()
        # Counts how often partitions went; a batch handed out before that is not ours any more.
        self.term, self.batch_term = 0, 0
        self.finished: dict[TopicPartition, int] = {}

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Subscription`; waits as long as it takes, the broker gone or not."""
        consumer = await self.member()
        await self.stop_polling()
        while True:
            await self.steady.wait()
            term = self.term
            if not self.kept:
                with broker_errors("read facts"):
                    consumer.resume(*consumer.paused())
                    records = await consumer.getmany(timeout_ms=POLL_MS, max_records=limit)
                if term != self.term or not self.steady.is_set():
                    continue
                self.kept = records
            batch = await self.deliveries_of(self.kept)
            if term != self.term or not self.steady.is_set():
                continue
            self.kept = {}
            if batch:
                return self.hand_out(batch)

    async def member(self) -> AIOKafkaConsumer:
        """Join the group on the first call."""
        if self.consumer is None:
            consumer = self.connect()
            consumer.subscribe([self.facts, self.letters.topic], listener=self)
            try:
                with broker_errors("join the group of readers"):
                    await consumer.start()
            except BaseException:
                await close_quietly(consumer)
                raise
            self.consumer = consumer
        return self.consumer

    async def deliveries_of(self, records: Records) -> list[Delivery]:
        """Return what is this group's to work on: replayed letters that still wait first, then facts."""
        facts, letters = [], []
        for partition, found in records.items():
            for record in found:
                if partition.topic == self.facts:
                    facts.append(delivery_of(record))
                elif record.value is not None and record.key.startswith(letter_key(self.group, "")):
                    letters.append(record)
        if not letters:
            return facts
        await self.letters.catch_up()
        waiting = {record.key: record for record in letters}
        return [*(
            replayed(letter, record)
            for key, record in waiting.items()
            if (letter := self.letters.letters.get(key)) is not None and letter.about.is_replaying
        ), *facts]  # fmt: skip

    def hand_out(self, batch: list[Delivery]) -> list[Delivery]:
        """Give a batch away and keep the membership alive meanwhile."""
        self.batch_term = self.term
        self.idle.clear()
        self.polling = asyncio.create_task(self.keep_polling(), name=f"kafka.poll.{self.group}")
        return batch

    async def keep_polling(self) -> None:
        """Poll with everything paused; what a new assignment brings before it is paused is kept for the next batch."""
        while self.consumer is not None:
            try:
                self.consumer.pause(*self.consumer.assignment())
                term = self.term
                records = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=KEPT_RECORDS)
            except KafkaError:
                await asyncio.sleep(POLL_MS / 1000)
                continue
            if term == self.term and self.steady.is_set():
                for partition, found in records.items():
                    self.kept.setdefault(partition, []).extend(found)

    async def stop_polling(self) -> None:
        """End the polling of a batch in hand."""
        polling, self.polling = self.polling, None
        if polling is not None:
            polling.cancel()
            await asyncio.wait({polling})

    def holds(self, delivery: Delivery) -> bool:
        """See `Subscription`."""
        return self.batch_term == self.term

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Subscription`; after the partitions went it records nothing, and the new member does the work again."""
        await self.letters.settle(deliveries, self.group)
        if not self.holds(deliveries[0]):
            step("ack_after_revocation", level="WARNING", group=self.group, count=len(deliveries))
        else:
            await self.commit(self.offsets_of(deliveries))
        self.idle.set()

    def offsets_of(self, deliveries: Sequence[Delivery]) -> dict[TopicPartition, int]:
        """Return the offset after the last finished record of each partition, where it moves forward."""
        offsets: dict[TopicPartition, int] = {}
        for delivery in deliveries:
            topic = self.facts if delivery.letter_id is None else self.letters.topic
            partition = TopicPartition(topic, delivery.partition)
            offsets[partition] = max(offsets.get(partition, 0), delivery.position + 1)
        return {partition: offset for partition, offset in offsets.items() if offset > self.finished.get(partition, 0)}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit; that the group has moved on meanwhile is said and is no failure."""
        if not offsets or self.consumer is None:
            return
        try:
            with broker_errors("commit offsets"):
                async with asyncio.timeout(COMMIT_S):
                    await self.consumer.commit(offsets)
        except BusUnavailable as error:
            if not isinstance(error.__cause__, CommitFailedError | IllegalStateError):
                raise
            step("ack_after_revocation", level="WARNING", group=self.group, error=type(error.__cause__).__name__)
            return
        self.finished |= offsets

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Hand nothing more out and let the work in hand end before the partitions go."""
        self.steady.clear()
        try:
            async with asyncio.timeout(HANDOVER_S):
                await self.idle.wait()
        except TimeoutError:
            step("handed_over_unfinished", level="WARNING", group=self.group)
        self.term += 1
        self.kept = {}
        self.finished = {}

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Go on from what is committed."""
        self.steady.set()

    async def close(self) -> None:
        """Leave the group; calling twice is safe."""
        await self.stop_polling()
        self.idle.set()
        consumer, self.consumer = self.consumer, None
        if consumer is not None:
            await close_quietly(consumer)


class KafkaBroadcast:
    """All facts from an instant on, without a group: every process reads every one, and nothing is recorded."""

    def __init__(
        self, connect: Callable[[], AIOKafkaConsumer], partitions: Sequence[TopicPartition], since: datetime
    ) -> None:
        self.connect = connect
        self.partitions = partitions
        self.since = since
        self.consumer: AIOKafkaConsumer | None = None

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Subscription`."""
        if self.consumer is None:
            self.consumer = await self.start()
        while True:
            with broker_errors("read facts"):
                records = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=limit)
            batch = [delivery_of(record) for found in records.values() for record in found]
            if batch:
                return batch

    async def start(self) -> AIOKafkaConsumer:
        """Stand at the first fact that reached the broker at `since` or later."""
        consumer = self.connect()
        try:
            with broker_errors("read facts"):
                await consumer.start()
                partitions = list(self.partitions)
                consumer.assign(partitions)
                moment = int(self.since.timestamp() * 1000)
                found = await consumer.offsets_for_times(dict.fromkeys(partitions, moment))
                ends = await consumer.end_offsets(partitions)
                for partition in partitions:
                    start = found.get(partition)
                    consumer.seek(partition, ends[partition] if start is None else start.offset)
        except BaseException:
            await close_quietly(consumer)
            raise
        return consumer

    def holds(self, delivery: Delivery) -> bool:
        """See `Subscription`: nobody takes anything away."""
        return True

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing is recorded."""

    async def close(self) -> None:
        """Stop reading; calling twice is safe."""
        consumer, self.consumer = self.consumer, None
        if consumer is not None:
            await close_quietly(consumer)


def delivery_of(record: Any) -> Delivery:
    """Return the delivery of a fact's record."""
    envelope = envelope_of(record.headers, record.value)
    return Delivery(position=record.offset, partition=record.partition, envelope=envelope)


def replayed(letter: Letter, record: Any) -> Delivery:
    """Return the delivery of a replayed letter."""
    return Delivery(
        position=record.offset,
        partition=record.partition,
        envelope=letter.envelope,
        letter_id=letter.about.letter_id,
    )
