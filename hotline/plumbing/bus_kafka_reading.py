"""A member of a group: reads the facts of its partitions and records how far it is.

Used by `bus_kafka.py`. A member hands out one batch at a time. While that is worked on, it keeps polling with its
partitions paused, so it stays in the group however long the world is down. Before partitions go to another member the
work in hand is given HANDOVER_S to end; what is not finished then is read again by whoever has the partition. A fact
that cannot be read here lets its partition wait, and no other.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from hotline.plumbing.bus import Delivery
from hotline.plumbing.bus_kafka_client import HANDOVER_S, BusUnavailable, broker_errors, close_quietly, started
from hotline.plumbing.bus_kafka_letters import LetterBox
from hotline.plumbing.bus_kafka_wire import Letter, envelope_of, letter_key
from hotline.plumbing.failures import FactUnreadable
from hotline.plumbing.log import step
from hotline.plumbing.waiting import Waits

COMMIT_S = 30.0
POLL_MS = 500
KEPT_RECORDS = 64
UNREADABLE_WAIT_S = 10.0

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
        self.waits = Waits()
        self.idle = asyncio.Event()
        self.idle.set()
        # Counts how often partitions went; a batch handed out before that is not ours any more.
        self.term, self.batch_term = 0, 0
        self.finished: dict[TopicPartition, int] = {}

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Subscription`; waits as long as it takes, the broker gone or not."""
        consumer = await self.member()
        await self.stop_polling()
        while True:
            if not self.kept:
                self.kept = await self.poll(consumer, limit)
            term = self.term
            self.waits.begin_batch()
            batch = await self.deliveries_of(self.kept)
            if term == self.term:
                self.kept = {}
                if batch:
                    return self.hand_out(batch)

    async def member(self) -> AIOKafkaConsumer:
        """Join the group on the first call, and again after a failure."""
        if self.consumer is None:
            consumer = self.connect()
            consumer.subscribe([self.facts, self.letters.topic], listener=self)
            self.consumer = await started(consumer, "join the group of readers")
        return self.consumer

    async def poll(self, consumer: AIOKafkaConsumer, limit: int) -> Records:
        """Read what partitions that need not wait hold; a member that cannot go on leaves, to join anew.

        The driver hands out nothing while partitions change hands, and then only of those that are ours now.
        """
        try:
            with broker_errors("read facts"):
                consumer.resume(*(consumer.paused() - self.waits.held_back()))
                records: Records = await consumer.getmany(timeout_ms=POLL_MS, max_records=limit)
                return records
        except BusUnavailable:
            await self.leave()
            raise

    async def deliveries_of(self, records: Records) -> list[Delivery]:
        """Return what is this group's to work on: replayed letters that still wait first, then facts."""
        facts: list[Delivery] = []
        letters: dict[bytes, Any] = {}
        for partition, found in records.items():
            if partition.topic == self.facts:
                facts += self.facts_of(partition, found)
                continue
            letters |= {
                record.key: record
                for record in found
                if record.value is not None and (record.key or b"").startswith(letter_key(self.group, ""))
            }
        if not letters:
            return facts
        await self.letters.catch_up()
        return [*(
            replayed(letter, record)
            for key, record in letters.items()
            if (letter := self.letters.letters.get(key)) is not None and letter.about.is_replaying
        ), *facts]  # fmt: skip

    def facts_of(self, partition: TopicPartition, found: Sequence[Any]) -> list[Delivery]:
        """Return a partition's facts up to the first record that is none: there it waits, with an alarm."""
        facts: list[Delivery] = []
        for record in found:
            try:
                facts.append(delivery_of(record))
            except FactUnreadable as error:
                reason = f"{type(error).__name__}: {error} (partition {partition.partition}, offset {record.offset})"
                step("world_is_down", level="ERROR", group=self.group, error=reason, partition=partition.partition)
                self.stop(partition, record.offset, reason, UNREADABLE_WAIT_S)
                break
        return facts

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
                records = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=KEPT_RECORDS)
            except KafkaError:
                await asyncio.sleep(POLL_MS / 1000)
                continue
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
        return self.batch_term == self.term and not self.waits.is_stopped(self.place_of(delivery), delivery.position)

    def put_back(self, delivery: Delivery, *, reason: str, wait_s: float) -> None:
        """See `Subscription`."""
        if self.batch_term == self.term:
            self.stop(self.place_of(delivery), delivery.position, reason, wait_s)

    def stop(self, partition: TopicPartition, position: int, reason: str, wait_s: float) -> None:
        """Read a partition no further, and later from here again."""
        position = self.waits.stop(partition, position, reason, wait_s)
        if self.consumer is not None:
            self.consumer.pause(partition)
            self.consumer.seek(partition, position)

    @property
    def trouble(self) -> str | None:
        """See `Subscription`."""
        return self.waits.reason

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Subscription`; after the partitions went it records nothing, and the new member does the work again."""
        if self.batch_term != self.term:
            step("ack_after_revocation", level="WARNING", group=self.group, count=len(deliveries))
        else:
            done = [delivery for delivery in deliveries if self.holds(delivery)]
            await self.letters.settle(done, self.group)
            await self.commit(self.offsets_of(done))
            self.waits.finish(self.place_of(delivery) for delivery in deliveries)
        self.idle.set()

    def place_of(self, delivery: Delivery) -> TopicPartition:
        """Return the partition that a delivery was read from."""
        return TopicPartition(self.facts if delivery.letter_id is None else self.letters.topic, delivery.partition)

    def offsets_of(self, deliveries: Sequence[Delivery]) -> dict[TopicPartition, int]:
        """Return the offset after the last finished record of each partition, where it moves forward."""
        offsets: dict[TopicPartition, int] = {}
        for delivery in deliveries:
            partition = self.place_of(delivery)
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
        self.kept = {}
        try:
            async with asyncio.timeout(HANDOVER_S):
                await self.idle.wait()
        except TimeoutError:
            step("handed_over_unfinished", level="WARNING", group=self.group)
        self.forget()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Go on from what is committed, as the driver does by itself."""

    def forget(self) -> None:
        """Nothing that was read or finished before counts any more."""
        self.term += 1
        self.kept, self.finished = {}, {}
        self.waits.clear()

    async def leave(self) -> None:
        """Leave the group; the next batch joins it again."""
        consumer, self.consumer = self.consumer, None
        if consumer is not None:
            await close_quietly(consumer)
        self.forget()

    async def close(self) -> None:
        """Leave the group; calling twice is safe."""
        await self.stop_polling()
        self.idle.set()
        await self.leave()


def delivery_of(record: Any) -> Delivery:
    """Return the delivery of a fact's record; raises FactUnreadable."""
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
