"""Learns in every process which sessions hold no more: each reads every `account.changed` by itself, without a group.

`services/server.py` puts it before the services, so that a process has read what was revoked while it was away before
it answers its first request, whichever services it serves.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from hotline.facts import AccountState, FactKind
from hotline.plumbing.bus import Broadcast, Bus, Delivery
from hotline.plumbing.failures import FactIsBad, FactWaits, WorldIsDown
from hotline.plumbing.log import step
from hotline.web.audience import Sessions
from hotline.web.keys import SESSIONS
from hotline.web.service import Service

ACCOUNTS = frozenset({FactKind.ACCOUNT_CHANGED})
# The broker's clock, which says when a fact reached it, may differ from ours.
CLOCKS_DIFFER = timedelta(minutes=15)
AT_ONCE = 500
TRY_AGAIN_S = 1.0


class Revocations:
    """Reads what ends sessions. `outage` is what it waits for now; `unread` names a fact that it could not read."""

    def __init__(self, bus: Bus, clock: Callable[[], datetime], session_hours: int) -> None:
        self.bus = bus
        self.clock = clock
        self.longest = timedelta(hours=session_hours)
        self.sessions: Sessions | None = None
        self.reading: Broadcast | None = None
        self.outage: str | None = None
        self.unread: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why a session that was revoked may still hold here, None when all is well."""
        return self.outage or self.unread or (self.reading.trouble if self.reading is not None else None)

    async def start(self, app: web.Application) -> None:
        """Read what was revoked up to now, as far back as a session can be old; raises WorldIsDown."""
        self.sessions = app[SESSIONS]
        self.sessions.longest = self.longest
        self.reading = self.bus.subscribe_all(self.clock() - self.longest - CLOCKS_DIFFER, ACCOUNTS)
        while deliveries := await self.reading.backlog(AT_ONCE):
            self.apply(deliveries)

    async def run(self) -> None:
        """Go on reading for ever, after `start`."""
        assert self.reading is not None
        while True:
            try:
                deliveries = await self.reading.next_batch(AT_ONCE)
            except WorldIsDown as error:
                self.outage = f"{type(error).__name__}: {error}"
                step("revocations_wait", level="WARNING", error=type(error).__name__)
                await asyncio.sleep(TRY_AGAIN_S)
                await self.look_again()
                continue
            self.outage = None
            self.apply(deliveries)

    async def look_again(self) -> None:
        """Say that all is well when the bus answers again: the next revocation may be days away."""
        with contextlib.suppress(WorldIsDown):
            await self.bus.ping()
            self.outage = None

    def apply(self, deliveries: Sequence[Delivery]) -> None:
        """End the sessions issued before each account's last revocation; harmless when a fact comes again."""
        assert self.sessions is not None
        for delivery in deliveries:
            try:
                account = self.bus.open(delivery).state
            except (FactWaits, FactIsBad) as error:
                self.unread = f"{type(error).__name__}: {error}"
                step("revocation_unread", level="ERROR", fact_id=delivery.envelope.fact_id, error=type(error).__name__)
                continue
            if isinstance(account, AccountState) and account.revoked_before is not None:
                self.sessions.revoke(account.account_id, account.revoked_before)

    async def close(self) -> None:
        """End the reading."""
        if self.reading is not None:
            await self.reading.close()

    def service(self) -> Service:
        """Return it as the process sees it: no pages, one loop."""

        async def is_ready() -> bool:
            return self.trouble is None

        return Service(
            name="sessions",
            routes=(),
            loops={"revocations": self.run},
            watched={"revocations": self},
            close=self.close,
            ready=is_ready,
            start=self.start,
        )
