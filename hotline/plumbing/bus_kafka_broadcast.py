"""All facts of some kinds from an instant on, without a group: every process reads every one, nothing is recorded.

Used by `bus_kafka.py` for `subscribe_all`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from hotline.facts import FactKind
from hotline.plumbing.bus import Delivery
from hotline.plumbing.bus_kafka_client import broker_errors, close_quietly, started
from hotline.plumbing.bus_kafka_reading import POLL_MS, delivery_of
from hotline.plumbing.failures import FactUnreadable
from hotline.plumbing.log import step


class KafkaBroadcast:
    """See `Broadcast`; the instant is when facts reached the broker."""

    def __init__(
        self,
        connect: Callable[[], AIOKafkaConsumer],
        partitions: Sequence[TopicPartition],
        since: datetime,
        kinds: frozenset[FactKind],
    ) -> None:
        self.connect = connect
        self.partitions = list(partitions)
        self.since = since
        self.kinds = {kind.encode() for kind in kinds}
        self.consumer: AIOKafkaConsumer | None = None
        self.ends: dict[TopicPartition, int] = {}
        self.trouble: str | None = None

    async def backlog(self, limit: int) -> list[Delivery]:
        """See `Broadcast`."""
        consumer = await self.reader()
        with broker_errors("read facts"):
            while self.ends:
                batch = await self.some(consumer, limit)
                # Looked at after every poll: where facts keep coming none is ever empty.
                for partition, end in list(self.ends.items()):
                    if await consumer.position(partition) >= end:
                        del self.ends[partition]
                if batch:
                    return batch
        return []

    async def next_batch(self, limit: int) -> list[Delivery]:
        """See `Broadcast`."""
        consumer = await self.reader()
        with broker_errors("read facts"):
            while True:
                if batch := await self.some(consumer, limit):
                    return batch

    async def some(self, consumer: AIOKafkaConsumer, limit: int) -> list[Delivery]:
        """Return what of the wanted kinds came within a poll, perhaps nothing."""
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=limit)
        wanted = [record for records in found.values() for record in records if self.is_wanted(record)]
        return [delivery for record in wanted if (delivery := self.read(record)) is not None]

    def is_wanted(self, record: Any) -> bool:
        """Tell a record's kind by its header alone."""
        return any(name == "ce_type" and content in self.kinds for name, content in record.headers)

    def read(self, record: Any) -> Delivery | None:
        """Read a record; one that is no fact of hotline is passed over with an alarm."""
        try:
            return delivery_of(record)
        except FactUnreadable as error:
            self.trouble = f"{type(error).__name__}: {error} (partition {record.partition}, offset {record.offset})"
            step("fact_passed_over", level="ERROR", error=self.trouble)
            return None

    async def reader(self) -> AIOKafkaConsumer:
        """Stand, on the first call, at the first fact that reached the broker at `since` or later."""
        if self.consumer is None:
            consumer = await started(self.connect(), "read facts")
            try:
                with broker_errors("read facts"):
                    consumer.assign(self.partitions)
                    # The ends first: what comes while the broker looks for the instant lies behind them.
                    self.ends = await consumer.end_offsets(self.partitions)
                    moment = int(self.since.timestamp() * 1000)
                    found = await consumer.offsets_for_times(dict.fromkeys(self.partitions, moment))
                    for partition in self.partitions:
                        start = found.get(partition)
                        consumer.seek(partition, self.ends[partition] if start is None else start.offset)
            except BaseException:
                await close_quietly(consumer)
                raise
            self.consumer = consumer
        return self.consumer

    async def close(self) -> None:
        """See `Broadcast`."""
        consumer, self.consumer = self.consumer, None
        if consumer is not None:
            await close_quietly(consumer)
