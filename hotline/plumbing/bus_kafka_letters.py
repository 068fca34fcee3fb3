"""Dead letters in a compacted topic: the newest record of a key is the letter, a record without value removes it.

Used by `bus_kafka.py` and its readings. Every process reads the topic to its end before it answers, so all agree on
what has been written; letters are few. Fact and words in a letter are as they came, the words sealed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from hotline.facts import FactKind
from hotline.plumbing.bus import Delivery
from hotline.plumbing.bus_kafka_client import broker_errors
from hotline.plumbing.bus_kafka_wire import Letter, Record, letter_key, letter_of, letter_record, new_letter
from hotline.plumbing.failures import FactUnreadable
from hotline.plumbing.log import step

READ_S = 30.0
POLL_MS = 200

Send = Callable[[str, Sequence[Record]], Awaitable[None]]


class LetterBox:
    """All dead letters of all groups, as far as the topic has been read."""

    def __init__(self, reader: AIOKafkaConsumer, topic: str, send: Send) -> None:
        self.reader = reader
        self.topic = topic
        self.send = send
        self.letters: dict[bytes, Letter] = {}
        self.reading = asyncio.Lock()

    async def catch_up(self) -> None:
        """Read the topic to what is its end now."""
        with broker_errors("read the dead letters"):
            async with self.reading, asyncio.timeout(READ_S):
                ends = await self.reader.end_offsets(list(self.reader.assignment()))
                self.reader.resume(*ends)
                try:
                    while await self.is_behind(ends):
                        for records in (await self.reader.getmany(timeout_ms=POLL_MS)).values():
                            for record in records:
                                self.apply(record)
                finally:
                    # Else it waits at the broker for more, and every question asked meanwhile waits behind that.
                    self.reader.pause(*ends)

    async def is_behind(self, ends: dict[TopicPartition, int]) -> bool:
        """Tell whether something before `ends` has not been read."""
        for partition, end in ends.items():
            if await self.reader.position(partition) < end:
                return True
        return False

    def apply(self, record: Any) -> None:
        """Take one record of the topic in."""
        if record.value is None:
            self.letters.pop(record.key, None)
            return
        try:
            self.letters[record.key] = letter_of(record.headers, record.value)
        except FactUnreadable as error:
            step("letter_unreadable", level="ERROR", error=str(error), offset=record.offset)

    async def all(self) -> list[Letter]:
        """Return all letters, the oldest first."""
        await self.catch_up()
        return sorted(self.letters.values(), key=lambda letter: letter.about.first_at)

    async def bury(self, group: str, delivery: Delivery, *, error: str, attempts: int, now: datetime) -> None:
        """Keep a fact that cannot be handled; a replayed letter that was discarded or erased meanwhile stays gone."""
        await self.catch_up()
        before = self.letters.get(letter_key(group, delivery.envelope.fact_id))
        if before is None and delivery.letter_id is not None:
            return
        about = new_letter(group, delivery.envelope, error, attempts, now.isoformat())
        if before is not None:
            about = replace(about, attempts=attempts + before.about.attempts, first_at=before.about.first_at)
        await self.write(Letter(about=about, envelope=delivery.envelope))

    async def write(self, letter: Letter) -> None:
        """Write a letter over the one of its key."""
        await self.send(self.topic, [letter_record(letter)])

    async def remove(self, letters: Sequence[Letter]) -> None:
        """Remove letters."""
        if letters:
            await self.send(self.topic, [Record(key=letter.key, value=None) for letter in letters])

    async def find(self, letter_id: int) -> Letter | None:
        """Return a letter as it is now."""
        await self.catch_up()
        return next((letter for letter in self.letters.values() if letter.about.letter_id == letter_id), None)

    async def replay(self, letter_id: int) -> bool:
        """Mark a letter: the record that says so is what its group reads."""
        letter = await self.find(letter_id)
        if letter is None:
            return False
        await self.write(replace(letter, about=replace(letter.about, is_replaying=True)))
        return True

    async def discard(self, letter_id: int) -> bool:
        """Remove a letter; False when there is none of that id."""
        letter = await self.find(letter_id)
        await self.remove([letter] if letter else [])
        return letter is not None

    async def settle(self, deliveries: Sequence[Delivery], group: str) -> None:
        """Remove the letters of replays that were handled, and `group`'s letters on feedbacks that it saw erased."""
        replayed = {delivery.letter_id for delivery in deliveries if delivery.letter_id is not None}
        erased = {
            delivery.envelope.feedback_id
            for delivery in deliveries
            if delivery.envelope.kind == FactKind.FEEDBACK_ERASED
        }
        if not replayed and not erased:
            return
        await self.catch_up()
        await self.remove(
            [
                letter
                for letter in self.letters.values()
                if (letter.about.letter_id in replayed and letter.about.is_replaying)
                or (letter.about.group == group and is_wiped(letter, erased))
            ]
        )

    async def forget(self, feedback_ids: set[str]) -> None:
        """Remove every letter on feedbacks that were erased, but for those that say so."""
        await self.catch_up()
        await self.remove([letter for letter in self.letters.values() if is_wiped(letter, feedback_ids)])


def is_wiped(letter: Letter, erased: set[str]) -> bool:
    """Tell whether an erasing takes this letter: the one that says that it was erased stays."""
    return letter.about.feedback_id in erased and letter.about.kind != FactKind.FEEDBACK_ERASED
