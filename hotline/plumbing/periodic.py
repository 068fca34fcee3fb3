"""One thing done again and again beside everything else; what is unavailable is waited out and said.

Used by the services for sweeping, offering again and the like.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step


@dataclass(slots=True, kw_only=True)
class Periodic:
    """A loop; `event` is what the log says when it must wait, `trouble` why it waits now, None when all is well.

    Failures other than `waits_out` end it, and with it the process.
    """

    do: Callable[[], Awaitable[object]]
    period_s: float
    event: str
    waits_out: tuple[type[Exception], ...] = (WorldIsDown,)
    trouble: str | None = None

    async def run(self) -> None:
        """Wait a period, do it, for ever."""
        while True:
            await asyncio.sleep(self.period_s)
            await self.once()

    async def once(self) -> None:
        """Do it once."""
        try:
            await self.do()
        except self.waits_out as error:
            self.trouble = type(error).__name__
            step(self.event, level="WARNING", error=self.trouble)
        else:
            self.trouble = None
