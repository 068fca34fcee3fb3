"""How many callers wait for an answer now, and how far background work steps aside for them.

The web shell counts its requests here; the consuming loop asks between batches. People come first: what was taken in
is safe and can wait a moment to be worked on, a citizen who gets no answer cannot. Background work keeps a share of
the process however many wait, so nothing waits for ever. One count a process; it decides nothing else.
"""

import asyncio
import math
import time
from dataclasses import dataclass

MANY_WAITING = 8
# For each second of work as many of rest while many wait; a rest never lasts longer than LONGEST_REST_S.
RESTS_PER_WORK = 31.0
LONGEST_REST_S = 3.0
LOOK_EVERY_S = 0.05
# Answers go out many at once: that nobody waits for a moment does not mean that the flood is over.
CALM_AFTER_S = 0.5
SMALL_BATCH = 4


@dataclass(slots=True)
class Pressure:
    """The callers of one process that have asked and not been answered."""

    waiting: int = 0
    many_waited_at: float = -math.inf

    def __enter__(self) -> None:
        """Count one caller more, for as long as the block lasts."""
        self.waiting += 1
        if self.waiting >= MANY_WAITING:
            self.many_waited_at = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """Count one caller less."""
        self.waiting -= 1

    @property
    def is_high(self) -> bool:
        """Say whether so many wait, or did a moment ago, that background work should step aside."""
        return self.waiting >= MANY_WAITING or time.monotonic() - self.many_waited_at < CALM_AFTER_S

    def batch_of(self, usual: int, *, has_more: bool) -> int:
        """Return how many facts to take at once: many only while few people wait and `has_more` facts are known to.

        After a pause nobody knows yet what comes: it may be the first second of a flood.
        """
        return usual if has_more and not self.is_high else min(usual, SMALL_BATCH)

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
