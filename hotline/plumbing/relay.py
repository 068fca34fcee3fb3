"""Carries stored facts from MongoDB to the bus: one relay a service at a time, whichever replica holds the lease.

Run as a loop of each process that serves over MongoDB. A document's facts go out in their order, are taken out of it
after the broker's acknowledgement, and never before; killed in between they go out again, which changes nothing. It
never touches a document's `version` or content.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hotline.plumbing.bus import Bus
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.lease import hold, let_go
from hotline.plumbing.log import step
from hotline.plumbing.mongo import Collection, MongoDatabase
from hotline.plumbing.outbox import HAS_PENDING, all_taken, oldest_age_s, pending_of, some_taken

LEASE = timedelta(seconds=10)
KEEP_EVERY_S = LEASE.total_seconds() / 3
LOOK_EVERY_S = 0.5
DOCUMENTS_AT_ONCE = 200
LONGEST_WAIT_S = 5.0
STUCK_WAIT_S = 30.0


class Relay:
    """One service's relay; `trouble` says why it waits now, None when all is well."""

    def __init__(
        self,
        mongo: MongoDatabase,
        bus: Bus,
        service: str,
        collections: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self.mongo = mongo
        self.bus = bus
        self.service = service
        self.collections = [mongo.collection(name) for name in collections]
        self.clock = clock
        self.holder = secrets.token_hex(8)
        self.changed = asyncio.Event()
        self.trouble: str | None = None
        self.renew_at: datetime | None = None
        self.stuck: dict[str, float] = {}

    async def run(self) -> None:
        """Carry for ever; what cannot be reached is waited for. A cancel lets another replica take over at once."""
        self.mongo.watchers.add(self.changed)
        keeping = asyncio.create_task(self.keep_lease(), name=f"keeps {self.lease}")
        failures = 0
        try:
            while True:
                self.changed.clear()
                try:
                    carried = await self.carry_if_holder()
                except WorldIsDown as error:
                    failures += 1
                    self.trouble = f"{type(error).__name__}: {error}"
                    step("relay_waits", level="ERROR", service=self.service, error=self.trouble, attempt=failures)
                    await asyncio.sleep(min(LOOK_EVERY_S * failures, LONGEST_WAIT_S))
                    continue
                failures, self.trouble = 0, None
                if not carried:
                    await self.wait()
        finally:
            self.mongo.watchers.discard(self.changed)
            keeping.cancel()
            with contextlib.suppress(WorldIsDown):
                await let_go(self.mongo, self.lease, self.holder)

    @property
    def lease(self) -> str:
        """Return the name of this service's lease."""
        return lease_of(self.service)

    async def carry_if_holder(self) -> int:
        """Carry what waits when the lease is ours, or can be; returns how many documents were freed of their facts."""
        if (self.renew_at is None or self.clock() >= self.renew_at) and not await self.take_lease():
            return 0
        return sum([await self.carry(collection) for collection in self.collections])

    async def take_lease(self) -> bool:
        """Take or renew the lease; says whether it is ours."""
        now = self.clock()
        is_ours = await hold(self.mongo, self.lease, self.holder, now=now, period=LEASE)
        self.renew_at = now + LEASE / 3 if is_ours else None
        return is_ours

    async def keep_lease(self) -> None:
        """Renew a lease that is ours while carrying hangs on a broker: who restores must see that we serve."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            if self.renew_at is not None:
                with contextlib.suppress(WorldIsDown):
                    await self.take_lease()

    async def carry(self, collection: Collection) -> int:
        """Carry one collection's oldest waiting facts; raises WorldIsDown when one of them could not be published.

        What was acknowledged is taken out all the same.
        """
        stuck = self.stuck_now()
        limit = DOCUMENTS_AT_ONCE + len(stuck)
        found = await collection.find(HAS_PENDING, sort=[("pending_since", 1)], limit=limit, fields=["pending"])
        waiting = [document for document in found if document["_id"] not in stuck]
        outcomes = await asyncio.gather(*(self.publish(document) for document in waiting), return_exceptions=True)
        done = [document for document, outcome in zip(waiting, outcomes, strict=True) if outcome is True]
        if done and await collection.update_each([all_taken(document) for document in done]) < len(done):
            # Some have got more facts meanwhile: they keep waiting with those.
            await collection.update_each([some_taken(document) for document in done])
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(done)

    async def publish(self, document: Mapping[str, Any]) -> bool:
        """Publish a document's facts in their order; says whether all are acknowledged. Raises WorldIsDown.

        One that the broker will never take (too large for it) waits with an alarm and holds no other document up.
        """
        try:
            await self.bus.publish_envelopes(pending_of(document))
        except WorldIsDown:
            raise
        except Exception as error:  # noqa: BLE001 - whatever refuses these facts must not stop all others
            self.stuck[document["_id"]] = time.monotonic() + STUCK_WAIT_S
            step("facts_stuck", level="ERROR", service=self.service, feedback_id=document["_id"],
                 error=type(error).__name__)  # fmt: skip
            return False
        return True

    def stuck_now(self) -> frozenset[str]:
        """Return the documents whose turn to be tried again has not come."""
        now = time.monotonic()
        self.stuck = {name: until for name, until in self.stuck.items() if until > now}
        return frozenset(self.stuck)

    async def wait(self) -> None:
        """Wait for a write of this process, or for the next look at what others wrote."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), LOOK_EVERY_S)

    async def pending_count(self) -> int:
        """Return how many documents hold facts that wait, of this service."""
        return sum([await collection.count(HAS_PENDING) for collection in self.collections])

    async def oldest_pending_age_s(self, now: datetime) -> float:
        """Return how long the oldest fact has waited at `now`, in seconds; 0 when none does."""
        ages = [0.0]
        for collection in self.collections:
            oldest = await collection.find(HAS_PENDING, sort=[("pending_since", 1)], limit=1, fields=["pending_since"])
            ages += [oldest_age_s(document["pending_since"], now) for document in oldest]
        return max(ages)


def lease_of(service: str) -> str:
    """Return the name of the lease that a service's relay holds while it runs."""
    return f"relay:{service}"
