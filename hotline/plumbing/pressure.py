"""How many callers wait for an answer now, and how far background work steps aside for them.

The web shell counts its requests here; the consuming loop asks between batches. People come first: what was taken in
is safe and can wait a moment to be worked on, a citizen who gets no answer cannot. Background work keeps a share of
the process however many wait, so nothing waits for ever. One count a process; it decides nothing else.
"""

import asyncio
from dataclasses import dataclass

MANY_WAITING = 8
# For each second of work as many of rest while many wait; a rest never lasts longer than LONGEST_REST_S.
RESTS_PER_WORK = 15.0
LONGEST_REST_S = 3.0
LOOK_EVERY_S = 0.05
SMALL_BATCH = 16


@dataclass(slots=True)
class Pressure:
    """The callers of one process that have asked and not been answered."""

    waiting: int = 0

    def __enter__(self) -> None:
        """Count one caller more, for as long as the block lasts."""
        self.waiting += 1

    def __exit__(self, *_: object) -> None:
        """Count one caller less."""
        self.waiting -= 1

    @property
    def is_high(self) -> bool:
        """Say whether so many wait that background work should step aside."""
        return self.waiting >= MANY_WAITING

    def batch_of(self, usual: int) -> int:
        """Return how many facts to take at once."""
        return min(usual, SMALL_BATCH) if self.is_high else usual

    def rest_s(self, worked_s: float) -> float:
        """Return how many seconds to rest after that much work: none while few wait."""
        return min(worked_s * RESTS_PER_WORK, LONGEST_REST_S) if self.is_high else 0.0

    async def rest_after(self, worked_s: float) -> None:
        """Rest after that much work, or until few wait."""
        left_s = self.rest_s(worked_s)
        while left_s > 0 and self.is_high:
            await asyncio.sleep(min(left_s, LOOK_EVERY_S))
            left_s -= LOOK_EVERY_S
        await asyncio.sleep(0)


PRESSURE = Pressure()
