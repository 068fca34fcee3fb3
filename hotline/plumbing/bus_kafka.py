"""The log of facts on Apache Kafka: the `Bus` of a province.

Opened by `backend.py`. One topic of facts keyed by feedback, one compacted topic of dead letters; `hotline topics`
makes both. The driver is imported by the `bus_kafka` files alone. The broker cannot tell a fact said twice from two:
a repeat lies there twice, and is harmless as every reader keeps the newest (docs/facts.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from hotline.facts import Fact, FactKind
from hotline.plumbing.bus import EVERY_KIND, Broadcast, DeadLetter, Delivery, Subscription
from hotline.plumbing.bus_kafka_broadcast import KafkaBroadcast
from hotline.plumbing.bus_kafka_client import (
    MAX_MESSAGE_BYTES,
    BusUnavailable,
    KafkaOptions,
    broker_errors,
    client_settings,
    close_quietly,
    knock,
    reader_settings,
    started,
)
from hotline.plumbing.bus_kafka_letters import LetterBox
from hotline.plumbing.bus_kafka_reading import KafkaSubscription
from hotline.plumbing.bus_kafka_wire import Record, record_of
from hotline.plumbing.envelope import Envelope, close_fact, open_fact
from hotline.plumbing.failures import FactIsBad
from hotline.plumbing.seal import Sealer

__all__ = ["BusUnavailable", "KafkaBus", "KafkaOptions", "open_kafka"]

PUBLISH_S = 30.0
PING_S = 5.0
QUESTION_WAIT_MS = 20


class KafkaBus:
    """See `Bus`; make it with `open_kafka`."""

    def __init__(self, url: str, sealer: Sealer, options: KafkaOptions) -> None:
        self.sealer = sealer
        self.options = options
        self.settings = client_settings(url, options)
        self.producer: AIOKafkaProducer | None = None
        self.starting = asyncio.Lock()
        self.admin = AIOKafkaAdminClient(**self.settings)
        self.reader = self.consumer(fetch_max_wait_ms=QUESTION_WAIT_MS)
        self.letters = LetterBox(self.reader, options.dead_letters, self.send)
        self.readings: list[KafkaSubscription | KafkaBroadcast] = []
        self.partitions: list[TopicPartition] = []

    async def start(self) -> None:
        """Reach the broker and see that both topics are there; raises BusUnavailable."""
        await knock(self.settings)
        with broker_errors("reach the broker"):
            await self.reader.start()
            await self.admin.start()
            self.partitions = await self.partitions_of(self.options.facts)
            letters = await self.partitions_of(self.options.dead_letters)
            self.reader.assign(letters)
            self.reader.pause(*letters)
        await self.writer()

    async def partitions_of(self, topic: str) -> list[TopicPartition]:
        """Return the partitions of a topic; raises BusUnavailable when there is no such topic."""
        (description,) = await self.admin.describe_topics([topic])
        if description["error_code"] or not description["partitions"]:
            raise BusUnavailable(f"the broker has no topic {topic}: make it with `hotline topics`")
        return [TopicPartition(topic, number) for number in range(len(description["partitions"]))]

    async def writer(self) -> AIOKafkaProducer:
        """Return the producer, started anew after one that could not go on."""
        async with self.starting:
            if self.producer is None:
                producer = AIOKafkaProducer(
                    **self.settings, acks="all", enable_idempotence=True, max_request_size=MAX_MESSAGE_BYTES
                )
                self.producer = await started(producer, "reach the broker")
            return self.producer

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See `Bus`."""
        await self.publish_envelopes([close_fact(fact, self.sealer) for fact in facts])

    async def publish_envelopes(self, envelopes: Sequence[Envelope]) -> None:
        """See `Bus`: a feedback's next fact goes out only when the one before it is safe."""
        for together in in_turns(envelopes):
            await self.send(self.options.facts, [record_of(envelope) for envelope in together])
        erased = {envelope.feedback_id for envelope in envelopes if envelope.kind == FactKind.FEEDBACK_ERASED}
        if erased:
            await self.letters.forget(erased)

    async def send(self, topic: str, records: Sequence[Record]) -> None:
        """Write records of different keys durably, all of them tried; raises BusUnavailable when one is not.

        Raises FactIsBad for one that no broker takes, as it is too large.

        One that was not in PUBLISH_S may still arrive later: whoever says it again repeats it, which is harmless.
        """
        producer = await self.writer()
        with broker_errors("publish"):
            async with asyncio.timeout(PUBLISH_S):
                sent = await asyncio.gather(
                    *(
                        producer.send_and_wait(topic, value=record.value, key=record.key, headers=record.headers)
                        for record in records
                    ),
                    return_exceptions=True,
                )
            failure = next((outcome for outcome in sent if isinstance(outcome, BaseException)), None)
            if isinstance(failure, MessageSizeTooLargeError):
                raise FactIsBad(f"a fact is larger than the {MAX_MESSAGE_BYTES} bytes that a topic takes")
            if failure is not None:
                await self.retire(producer, failure)
                raise failure

    async def retire(self, producer: AIOKafkaProducer, failure: BaseException) -> None:
        """Let go of a producer that cannot go on; the next publish starts another."""
        if isinstance(failure, KafkaError) and not failure.retriable and self.producer is producer:
            self.producer = None
            await close_quietly(producer)

    def subscribe(self, group: str) -> Subscription:
        """See `Bus`."""
        reading = KafkaSubscription(
            lambda: self.consumer(group_id=self.options.group(group)), group, self.options.facts, self.letters
        )
        self.readings.append(reading)
        return reading

    def subscribe_all(self, since: datetime, kinds: frozenset[FactKind] = EVERY_KIND) -> Broadcast:
        """See `Bus`; the instant is when facts reached the broker."""
        reading = KafkaBroadcast(self.consumer, self.partitions, since, kinds)
        self.readings.append(reading)
        return reading

    def consumer(self, **more: Any) -> AIOKafkaConsumer:
        """Return a reader that records nothing by itself."""
        return AIOKafkaConsumer(**self.settings, **reader_settings(), **more)

    def open(self, delivery: Delivery) -> Fact:
        """See `Bus`."""
        return open_fact(delivery.envelope, self.sealer)

    async def bury(self, group: str, delivery: Delivery, *, error: str, attempts: int, now: datetime) -> None:
        """See `Bus`."""
        await self.letters.bury(group, delivery, error=error, attempts=attempts, now=now)

    async def dead_letters(self) -> list[DeadLetter]:
        """See `Bus`."""
        return [letter for letter, _ in await self.buried()]

    async def buried(self) -> list[tuple[DeadLetter, Envelope]]:
        """See `Bus`."""
        return [(letter.about, letter.envelope) for letter in await self.letters.all()]

    async def replay(self, letter_id: int) -> bool:
        """See `Bus`."""
        return await self.letters.replay(letter_id)

    async def discard(self, letter_id: int) -> bool:
        """See `Bus`."""
        return await self.letters.discard(letter_id)

    async def ping(self) -> None:
        """See `Bus`."""
        with broker_errors("reach the broker"):
            async with asyncio.timeout(PING_S):
                await self.reader.end_offsets(self.partitions)

    async def lag(self, group: str) -> int:
        """See `Bus`."""
        return sum((await self.lag_by_partition(group)).values())

    async def lag_by_partition(self, group: str) -> dict[int, int]:
        """Return how many facts of each partition `group` has not finished."""
        with broker_errors("ask how far the group is"):
            async with asyncio.timeout(PUBLISH_S):
                committed = await self.admin.list_consumer_group_offsets(
                    self.options.group(group), partitions=self.partitions
                )
                starts = await self.reader.beginning_offsets(self.partitions)
                ends = await self.reader.end_offsets(self.partitions)
        return {
            partition.partition: ends[partition]
            - max(starts[partition], committed[partition].offset if partition in committed else 0)
            for partition in self.partitions
        }

    async def close(self) -> None:
        """See `Bus`: readings leave their groups, what is being written goes out."""
        for reading in self.readings:
            await reading.close()
        producer, self.producer = self.producer, None
        for client in (producer, self.admin, self.reader):
            if client is not None:
                await close_quietly(client)


def in_turns(envelopes: Sequence[Envelope]) -> Iterator[list[Envelope]]:
    """Yield the first fact of each feedback, then the second of each, and so on."""
    chains: dict[str, list[Envelope]] = defaultdict(list)
    for envelope in envelopes:
        chains[envelope.feedback_id].append(envelope)
    for turn in range(max(map(len, chains.values()), default=0)):
        yield [chain[turn] for chain in chains.values() if turn < len(chain)]


async def open_kafka(url: str, sealer: Sealer, options: KafkaOptions) -> KafkaBus:
    """Reach the broker at `kafka://host:port[,host:port]`; raises BusUnavailable with the reason and the remedy."""
    bus = KafkaBus(url, sealer, options)
    try:
        await bus.start()
    except BaseException:
        await bus.close()
        raise
    return bus
