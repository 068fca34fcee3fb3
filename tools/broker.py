"""Looks at the broker from outside, with the driver alone: how far the groups are, what is a dead letter, what is odd.

Called by the drill of the servers. It joins no group and commits nothing; `put_poison` alone writes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

FACTS, LETTERS = "hotline.facts", "hotline.dead-letters"
POLL_MS = 200
ANSWER_S = 60.0
UNREADABLE = b'{"state":{},"sealed":"' + b"A" * 64 + b'"}'

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many facts lie on the topic, and how many of them each group has not finished."""

    facts: int
    unread: Mapping[str, int]

    @property
    def is_finished(self) -> bool:
        """Whether every group has finished every fact."""
        return not any(self.unread.values())


@asynccontextmanager
async def opened(client: Any) -> AsyncIterator[Any]:
    """Start a client of the driver for as long as the block lasts."""
    await client.start()
    try:
        yield client
    finally:
        await (client.close() if hasattr(client, "close") else client.stop())


def place_of(url: str) -> str:
    """Return the address of a BUS_URL as the driver takes it."""
    return url.removeprefix("kafka://")


async def progress(url: str, groups: Sequence[str]) -> Progress:
    """Ask how far the groups are; one that never read has finished nothing."""
    server = place_of(url)
    reader = AIOKafkaConsumer(bootstrap_servers=server)
    async with (
        asyncio.timeout(ANSWER_S),
        opened(reader),
        opened(AIOKafkaAdminClient(bootstrap_servers=server)) as admin,
    ):
        partitions = await partitions_of(admin, FACTS)
        ends = await reader.end_offsets(partitions)
        unread = {}
        for group in groups:
            done = await admin.list_consumer_group_offsets(f"hotline.{group}", partitions=partitions)
            positions = {at: max(done[at].offset, 0) if at in done else 0 for at in partitions}
            unread[group] = sum(ends[at] - positions[at] for at in partitions)
    return Progress(facts=sum(ends.values()), unread=unread)


async def partitions_of(admin: AIOKafkaAdminClient, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic."""
    (description,) = await admin.describe_topics([topic])
    return [TopicPartition(topic, partition["partition"]) for partition in description["partitions"]]


async def dead_letters(url: str) -> list[str]:
    """Name the dead letters by group, kind, feedback and where they failed; one for each key of the topic."""
    reader = AIOKafkaConsumer(bootstrap_servers=place_of(url), auto_offset_reset="earliest", enable_auto_commit=False)
    letters: dict[bytes, str] = {}
    async with asyncio.timeout(ANSWER_S), opened(reader):
        partition = TopicPartition(LETTERS, 0)
        reader.assign([partition])
        await reader.seek_to_beginning(partition)
        end = (await reader.end_offsets([partition]))[partition]
        while await reader.position(partition) < end:
            for record in (await reader.getmany(timeout_ms=POLL_MS)).get(partition, ()):
                if record.value is None:
                    letters.pop(record.key, None)
                else:
                    letters[record.key] = said_of(record.headers)
    return list(letters.values())


def said_of(headers: Headers) -> str:
    """Return one dead letter in a line."""
    named = {name: value.decode() for name, value in headers}
    return f"{named['letter_group']}: {named['ce_type']} of {named['ce_subject']}: {named['letter_error']}"


async def put_poison(url: str, key_id: str, kinds: Sequence[tuple[str, str]], name: str) -> None:
    """Put one fact of each (kind, producer) on the topic that looks like any other and can never be opened.

    It is about the feedback `name`, its words sealed by nobody under a key that the services have.
    """
    async with opened(AIOKafkaProducer(bootstrap_servers=place_of(url), acks="all")) as producer:
        for kind, by in kinds:
            headers = [(f"ce_{word}", value.encode()) for word, value in attributes(kind, by, name, key_id)]
            await producer.send_and_wait(FACTS, key=name.encode(), value=UNREADABLE, headers=headers)


def attributes(kind: str, by: str, name: str, key_id: str) -> list[tuple[str, str]]:
    """Return what every fact says of itself (CloudEvents)."""
    return [
        ("specversion", "1.0"),
        ("source", f"/hotline/{by}"),
        ("id", f"{by}:{name}:0.1"),
        ("type", kind),
        ("subject", name),
        ("time", "2026-11-25T08:00:00+00:00"),
        ("producer", by),
        ("epoch", "0"),
        ("seq", "1"),
        ("cause", "poison"),
        ("factschema", "1"),
        ("keyid", key_id),
    ]
