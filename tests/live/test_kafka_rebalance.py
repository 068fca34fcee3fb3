"""Readers come and go while facts are published: nothing is lost, and each feedback's facts keep their order."""

import asyncio
from datetime import UTC, datetime

import pytest

from hotline.facts import Fact
from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.plumbing.consume import Consumer
from hotline.plumbing.seal import Sealer
from tests.contract.facts_for_tests import received
from tests.servers import unique_name

pytestmark = pytest.mark.live
FEEDBACKS, FACTS = 12, 6


async def test_order_and_completeness_hold_while_readers_join_and_leave(kafka_url: str) -> None:
    options = KafkaOptions(prefix=unique_name())
    await ensure_topics(kafka_url, options, load_topics(replication=1))
    bus = await open_kafka(kafka_url, Sealer({"test": "a secret only for tests"}), options)
    seen: dict[str, list[int]] = {}

    async def handle(fact: Fact) -> None:
        seen.setdefault(fact.feedback_id, []).append(fact.seq)

    def join() -> asyncio.Task[None]:
        consumer = Consumer(bus=bus, group="respond", handle=handle, clock=lambda: datetime.now(UTC))
        return asyncio.create_task(consumer.run())

    readers = [join()]
    for seq in range(1, FACTS + 1):
        await bus.publish([received(f"f{number}", seq) for number in range(FEEDBACKS)])
        readers.append(join())
        if seq % 2 == 0:
            readers.pop(0).cancel()
    while await bus.lag("respond"):  # noqa: ASYNC110 - the lag lies on the broker
        await asyncio.sleep(0.05)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await bus.close()
    assert len(seen) == FEEDBACKS
    for order in seen.values():
        assert list(dict.fromkeys(order)) == list(range(1, FACTS + 1))
