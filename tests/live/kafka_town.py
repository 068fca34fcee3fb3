"""What the tests of several readers over one broker share: fresh topics, readers with names, and what each handled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hotline.facts import Fact
from hotline.plumbing.bus import Bus
from hotline.plumbing.bus_kafka import KafkaBus, KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.plumbing.consume import Consumer, Patience
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.seal import Sealer
from tests.servers import unique_name

GROUP = "respond"
SEALER = Sealer({"test": "a secret only for tests"})
QUICK = Patience(first_wait_s=0.01, longest_wait_s=0.2)
# Far more than the slowest machine needs; what failed is told then, before the whole test is cut off.
NEVER_S = 60.0
FEEDBACKS = tuple(f"f{number}" for number in range(12))

Hook = Callable[[str, Fact], Awaitable[None]]


async def nothing(name: str, fact: Fact) -> None:
    """Do nothing more with a fact."""


@dataclass(slots=True, kw_only=True)
class Town:
    """Topics of one test and the readers of one group; `handled` is who finished which fact, in that order."""

    url: str
    options: KafkaOptions
    handled: list[tuple[str, str, int]] = field(default_factory=list)
    readers: dict[str, tuple[Consumer, asyncio.Task[None]]] = field(default_factory=dict)
    buses: list[Bus] = field(default_factory=list)

    async def open(self, sealer: Sealer = SEALER) -> KafkaBus:
        """Open a bus, as a process does; it is closed with the town."""
        bus = await open_kafka(self.url, sealer, self.options)
        self.buses.append(bus)
        return bus

    def join(self, name: str, bus: Bus, patience: Patience = QUICK, hook: Hook = nothing) -> Consumer:
        """Let a reader join the group; `hook` is called before a fact counts as handled."""

        async def handle(fact: Fact) -> None:
            await hook(name, fact)
            self.handled.append((name, fact.feedback_id, fact.seq))

        consumer = Consumer(bus=bus, group=GROUP, handle=handle, clock=lambda: datetime.now(UTC), patience=patience)
        self.readers[name] = (consumer, asyncio.create_task(consumer.run(), name=name))
        return consumer

    async def leave(self, name: str) -> None:
        """Stop a reader as SIGTERM does, and wait until it is gone."""
        _, running = self.readers.pop(name)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def seen(self, feedback_id: str) -> list[int]:
        """Return which facts of a feedback were handled, in the order of the first time."""
        return list(dict.fromkeys(seq for _, feedback, seq in self.handled if feedback == feedback_id))

    async def until(self, is_done: Callable[[], bool]) -> None:
        """Wait for something; a reader that ended by itself fails the test, and so does what never comes."""
        try:
            async with asyncio.timeout(NEVER_S):
                while not is_done():
                    for _, running in self.readers.values():
                        assert not running.done(), running
                    await asyncio.sleep(0.01)
        except TimeoutError:
            troubles = {name: consumer.trouble for name, (consumer, _) in self.readers.items()}
            raise AssertionError(f"it never came; readers: {troubles}; handled: {self.handled}") from None

    async def until_no_lag(self, bus: Bus) -> None:
        """Wait until the group has finished everything; an outage is waited out."""
        async with asyncio.timeout(NEVER_S):
            while True:
                try:
                    if not await bus.lag(GROUP):
                        return
                except WorldIsDown:
                    continue
                await asyncio.sleep(0.02)


@asynccontextmanager
async def new_town(url: str) -> AsyncIterator[Town]:
    """Make topics, and end all readers and buses after the block."""
    town = Town(url=url, options=KafkaOptions(prefix=unique_name()))
    await ensure_topics(url, town.options, load_topics(replication=1))
    try:
        yield town
    finally:
        for name in list(town.readers):
            await town.leave(name)
        for bus in town.buses:
            await bus.close()


async def publish_stubbornly(bus: Bus, fact: Fact) -> int:
    """Publish as the relay does, again and again until it is taken; returns how often it was not."""
    refusals = 0
    while True:
        try:
            await bus.publish([fact])
        except WorldIsDown:
            refusals += 1
        else:
            return refusals
