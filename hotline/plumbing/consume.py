"""The only consuming loop: batches in, one handler a fact, offsets last.

Two kinds of failure, never mixed. The world is down: wait and try again without limit, no dead letter; where only this
release or its keys cannot read a fact, that fact's partition waits and the others go on. This fact is bad: try a few
times, then bury it and go on; too many buried in a row stop the process [Arroyo]. The batch is acknowledged only when
each of its facts is handled, buried or put back. While many people wait for an answer it takes small
batches and rests between them.
"""

import asyncio
import contextlib
import time
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hotline.facts import Fact, FactKind
from hotline.plumbing.bus import Bus, Delivery, Subscription
from hotline.plumbing.failures import FactIsBad, FactWaits, TooManyDeadLetters, WorldIsDown
from hotline.plumbing.log import step
from hotline.plumbing.pressure import PRESSURE, Pressure
from hotline.plumbing.tracing import span

Handle = Callable[[Fact], Awaitable[None]]

KNOWN_KINDS = frozenset(FactKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try: attempts on a fact before it is buried, waits between, burials in a row before stopping."""

    attempts: int = 5
    first_wait_s: float = 0.05
    longest_wait_s: float = 10.0
    burials_in_a_row: int = 20
    batch: int = 64
    drain_s: float = 10.0

    def wait_s(self, attempt: int) -> float:
        """Return the wait after the `attempt`-th failure: doubling, bounded."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt, 20))


@dataclass(slots=True, kw_only=True)
class Consumer:
    """One group's loop over one bus. `outage` is what all of it waits for now, `reading` what it reads with.

    Facts of kinds that this release knows and `kinds` does not name are passed over without being opened.
    """

    bus: Bus
    group: str
    handle: Handle
    clock: Callable[[], datetime]
    kinds: frozenset[FactKind] = frozenset(FactKind)
    patience: Patience = field(default_factory=Patience)
    pressure: Pressure = field(default_factory=lambda: PRESSURE)
    outage: str | None = None
    reading: Subscription | None = None
    burials: int = 0

    @property
    def trouble(self) -> str | None:
        """Why this loop, or a part of what it reads, waits now; None when all is well."""
        return self.outage or (self.reading.trouble if self.reading is not None else None)

    async def run(self) -> None:
        """Work until cancelled; a cancel lets the batch in hand finish and be acknowledged."""
        self.reading = subscription = self.bus.subscribe(self.group)
        try:
            await self.read_on(subscription)
        finally:
            await subscription.close()

    async def read_on(self, subscription: Subscription) -> None:
        """Take batch after batch; a large one only after a full one, when more is known to wait."""
        outages, limit = 0, self.pressure.batch_of(self.patience.batch, has_more=False)
        while True:
            try:
                batch = await subscription.next_batch(limit)
            except WorldIsDown as error:
                outages += 1
                await self.wait_for_world(error, outages)
                await self.look_again()
                continue
            outages = 0
            started = time.monotonic()
            await self.finish(asyncio.ensure_future(self.work_and_acknowledge(subscription, batch)))
            await self.pressure.rest_after(time.monotonic() - started)
            limit = self.pressure.batch_of(self.patience.batch, has_more=len(batch) >= limit)

    async def look_again(self) -> None:
        """Say that all is well when the bus answers again: the next fact, which would show it, may be long away."""
        with contextlib.suppress(WorldIsDown):
            await self.bus.ping()
            self.outage = None

    async def work_and_acknowledge(self, subscription: Subscription, batch: Sequence[Delivery]) -> None:
        """Handle the whole batch, then move the offset: never the other way round."""
        await self.work_through(subscription, batch)
        await self.acknowledge(subscription, batch)

    async def finish(self, work: "asyncio.Future[None]") -> None:
        """Wait for the batch; on a cancel give it `drain_s` to end."""
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work}, timeout=self.patience.drain_s)
            work.cancel()
            await asyncio.wait({work})
            raise

    async def acknowledge(self, subscription: Subscription, batch: Sequence[Delivery]) -> None:
        """Record the batch as finished, however long the store takes to come back."""
        attempt = 0
        while True:
            try:
                await subscription.ack(batch)
            except WorldIsDown as error:
                attempt += 1
                await self.wait_for_world(error, attempt)
            else:
                self.outage = None
                return

    async def work_through(self, subscription: Subscription, batch: Sequence[Delivery]) -> None:
        """Handle a batch: one feedback's facts in order, different feedbacks at the same time."""
        chains: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in batch:
            if not self.passes_over(delivery):
                chains[delivery.envelope.feedback_id].append(delivery)
        async with asyncio.TaskGroup() as group:
            for chain in chains.values():
                group.create_task(self.work_through_chain(subscription, chain))

    def passes_over(self, delivery: Delivery) -> bool:
        """Say whether the fact is of a known kind that this group has no use for."""
        kind = delivery.envelope.kind
        return kind in KNOWN_KINDS and kind not in self.kinds

    async def work_through_chain(self, subscription: Subscription, chain: Sequence[Delivery]) -> None:
        """Handle one feedback's facts in their order, but what another reader has been given meanwhile."""
        for delivery in chain:
            await self.work_on(subscription, delivery)

    async def work_on(self, subscription: Subscription, delivery: Delivery) -> None:
        """Handle one fact, or bury it: returns when one of the two is durable, or the fact waits or is ours no more."""
        failures, outages = 0, 0
        while subscription.holds(delivery):
            try:
                await self.handle_traced(delivery)
            except FactWaits as error:
                self.put_back(subscription, delivery, error)
            except WorldIsDown as error:
                outages += 1
                await self.wait_for_world(error, outages)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failure of this fact
                failures += 1
                if isinstance(error, FactIsBad) or failures >= self.patience.attempts:
                    await self.bury(delivery, error, failures)
                    return
                await asyncio.sleep(self.patience.wait_s(failures))
            else:
                self.burials, self.outage = 0, None
                return

    async def handle_traced(self, delivery: Delivery) -> None:
        """Hand the fact to the handler, in the trace of what caused it."""
        envelope = delivery.envelope
        with span(
            f"{self.group} {envelope.kind}", parent=envelope.trace, group=self.group, kind=envelope.kind,
            feedback_id=envelope.feedback_id, fact_id=envelope.fact_id,
        ):  # fmt: skip
            await self.handle(self.bus.open(delivery))

    def put_back(self, subscription: Subscription, delivery: Delivery, error: FactWaits) -> None:
        """Say that a fact cannot be read here, and let its partition wait; readiness shows `trouble` meanwhile."""
        reason = f"{type(error).__name__}: {error}"
        step("world_is_down", level="ERROR", group=self.group, error=reason, partition=delivery.partition)
        subscription.put_back(delivery, reason=reason, wait_s=self.patience.longest_wait_s)

    async def wait_for_world(self, error: WorldIsDown, attempt: int) -> None:
        """Say that the world is down, then wait; readiness shows `trouble` meanwhile."""
        self.outage = f"{type(error).__name__}: {error}"
        step("world_is_down", level="ERROR", group=self.group, error=self.outage, attempt=attempt)
        await asyncio.sleep(self.patience.wait_s(attempt))

    async def bury(self, delivery: Delivery, error: Exception, attempts: int) -> None:
        """Keep the fact as a dead letter; raises TooManyDeadLetters when that happens again and again."""
        where = describe(error)
        outages = 0
        while True:
            try:
                await self.bus.bury(self.group, delivery, error=where, attempts=attempts, now=self.clock())
                break
            except WorldIsDown as outage:
                outages += 1
                await self.wait_for_world(outage, outages)
        envelope = delivery.envelope
        step("dead_letter", level="ERROR", group=self.group, fact_id=envelope.fact_id, error=where, attempt=attempts,
             feedback_id=envelope.feedback_id)  # fmt: skip
        self.burials += 1
        if self.burials >= self.patience.burials_in_a_row:
            raise TooManyDeadLetters(
                f"{self.burials} facts in a row could not be handled by {self.group} (last: {where}): "
                "fix or roll back the release, then replay them with `hotline dead-letters replay`"
            )


def describe(error: Exception) -> str:
    """Name an error by class and place; never by its message, which may quote the citizen."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{'/'.join(frames[-1].filename.split('/')[-2:])}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"
