"""The seam to the log of facts: what every backend promises, proven by tests/contract/.

A *group* is one service's reading of the whole log. Its *offset* says what it has finished; facts after it come again
after a crash, so handling a fact twice must be harmless. Facts of one feedback come in the order in which they were
published; facts of different feedbacks may be worked on at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hotline.facts import Fact, FactKind
from hotline.plumbing.envelope import Envelope

EVERY_KIND = frozenset(FactKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One fact handed to a group, still sealed; `letter_id` is set when it is a replayed dead letter."""

    position: int
    envelope: Envelope
    letter_id: int | None = None
    partition: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A fact that a group could not handle; `error` names where it failed, never the citizen's words."""

    letter_id: int
    group: str
    fact_id: str
    kind: str
    feedback_id: str
    error: str
    attempts: int
    first_at: datetime
    is_replaying: bool


class Subscription(Protocol):
    """One group's reading of the log."""

    async def next_batch(self, limit: int) -> list[Delivery]:
        """Wait for facts and return up to `limit`, replayed dead letters first; never an empty list."""

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Record that these, and all before them, are finished, but what was put back; a replayed letter is gone."""

    def holds(self, delivery: Delivery) -> bool:
        """Say whether a delivery of the last batch is this reader's to handle now.

        If not, another reader gets it, or it lies behind one that was put back: leave it alone.
        """

    def put_back(self, delivery: Delivery, *, reason: str, wait_s: float) -> None:
        """Let a delivery of the last batch wait, and what comes after it in its partition: for `wait_s`, then again.

        Others go on. It may come to another reader meanwhile, which may be able to read it.
        """

    @property
    def trouble(self) -> str | None:
        """Why something that was put back waits now, None when nothing does."""

    async def close(self) -> None:
        """End the reading, so that another reader of the group takes over at once; calling twice is safe."""


class Broadcast(Protocol):
    """One process's reading of every fact of some kinds, which records nothing."""

    async def backlog(self, limit: int) -> list[Delivery]:
        """Return up to `limit` of the facts that lay there when this was first asked; empty when all of them have come.

        It ends though facts keep coming; a few of those may be among them. Never waits for new facts; ask until it is
        empty before `next_batch`.
        """

    async def next_batch(self, limit: int) -> list[Delivery]:
        """Wait for facts and return up to `limit`; never an empty list."""

    @property
    def trouble(self) -> str | None:
        """Say of a fact that it could not be read and was passed over, None when there was none."""

    async def close(self) -> None:
        """End the reading; calling twice is safe."""


class Bus(Protocol):
    """The log of facts."""

    async def publish(self, facts: Sequence[Fact]) -> None:
        """Append facts durably, each feedback's in this order.

        Publishing a fact again is harmless: at most it comes again, with the same id, after the first time.
        """

    async def publish_envelopes(self, envelopes: Sequence[Envelope]) -> None:
        """Do the same with facts that are sealed already."""

    def subscribe(self, group: str) -> Subscription:
        """Return `group`'s reading; it starts where the group stopped, at the first fact when it is new."""

    def subscribe_all(self, since: datetime, kinds: frozenset[FactKind] = EVERY_KIND) -> Broadcast:
        """Return a reading of all facts of `kinds` from an instant on, older ones perhaps among them.

        Every process that asks gets every fact.
        """

    def open(self, delivery: Delivery) -> Fact:
        """Unseal a delivery; raises FactUnreadable, KeyMissing or FactIsBad."""

    async def bury(self, group: str, delivery: Delivery, *, error: str, attempts: int, now: datetime) -> None:
        """Keep a fact that cannot be handled; once per group and fact, however often it is said."""

    async def dead_letters(self) -> list[DeadLetter]:
        """Return all dead letters, the oldest first."""

    async def buried(self) -> list[tuple[DeadLetter, Envelope]]:
        """Return all dead letters with their facts, still sealed, the oldest first; for backups."""

    async def replay(self, letter_id: int) -> bool:
        """Hand a dead letter to its group again; False when there is none of that id."""

    async def discard(self, letter_id: int) -> bool:
        """Forget a dead letter; False when there is none of that id."""

    async def ping(self) -> None:
        """Return when the log can be reached now; raises WorldIsDown with the reason."""

    async def lag(self, group: str) -> int:
        """Return how many facts `group` has not finished."""

    async def lag_by_partition(self, group: str) -> dict[int, int]:
        """Return the same for each partition; the embedded log is one partition, 0."""

    async def close(self) -> None:
        """End all readings and let go of the broker; calling twice is safe."""
