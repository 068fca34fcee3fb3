"""What one reading has put back: facts that this process cannot read yet, where they lie and when they come again.

Used by the `Subscription` of every bus. A place is what is read in order: a partition, or the whole embedded log.
Only the place of such a fact waits, from that fact on; all others go on.
"""

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why a place waits, and until when (monotonic seconds)."""

    reason: str
    until: float


@dataclass(slots=True, kw_only=True)
class Waits:
    """The places of a reading that wait. `stopped` is where each stopped in the batch in hand."""

    places: dict[Hashable, Wait] = field(default_factory=dict)
    stopped: dict[Hashable, int] = field(default_factory=dict)

    def begin_batch(self) -> None:
        """Forget where the last batch stopped; places that wait go on waiting."""
        self.stopped = {}

    def stop(self, place: Hashable, position: int, reason: str, wait_s: float) -> int:
        """Let a place wait from a position on, and return the first position that waits there."""
        self.places[place] = Wait(reason=reason, until=time.monotonic() + wait_s)
        self.stopped[place] = min(position, self.stopped.get(place, position))
        return self.stopped[place]

    def is_stopped(self, place: Hashable, position: int) -> bool:
        """Say whether a fact of the batch in hand lies at or after where its place stopped."""
        return place in self.stopped and position >= self.stopped[place]

    def finish(self, places: Iterable[Hashable]) -> None:
        """The batch in hand is finished: of its places those that did not stop in it wait no more."""
        for place in places:
            if place not in self.stopped:
                self.places.pop(place, None)

    def held_back(self) -> set[Hashable]:
        """Return the places whose time to be tried again has not come."""
        now = time.monotonic()
        return {place for place, wait in self.places.items() if wait.until > now}

    def clear(self) -> None:
        """Forget all: the places are somebody else's now."""
        self.places, self.stopped = {}, {}

    @property
    def reason(self) -> str | None:
        """Why a place waits now, None when none does."""
        return next((wait.reason for wait in self.places.values()), None)
