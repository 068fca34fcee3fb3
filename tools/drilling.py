"""The course of a drill, whatever the shape of what is drilled: load, faults, counting from outside, a line each.

`drill_embedded` and `drill_servers` say which faults; a `Town` is what they are done to. Feedback comes from a sender
that repeats each request under its key until it is answered 201. After a fault, and once more when everything is worked
through, the stores are held to every 201 so far.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import click

from tools.delivery import Delivery
from tools.stores import Census

SHOWN = 5
LOOK_EVERY_S = 0.1

Fault = Callable[[], Awaitable[None]]


class Town(Protocol):
    """A hotline under drill: where it takes feedback, and what it holds, seen from outside."""

    def intake(self) -> Sequence[str]:
        """Return the addresses that take feedback now."""

    async def census(self) -> Census:
        """Count what the stores hold."""

    async def settled(self) -> None:
        """Wait until every fact is worked through, or nothing has moved for two minutes."""

    async def dead_letters(self) -> list[str]:
        """Name every fact that could not be handled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One line of the report: `accepted` and `dead_letters` are those since the last line."""

    fault: str
    accepted: int
    lost: int
    doubled: int
    dead_letters: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class Drill:
    """A drill under way; `wrong` says all that should not be, the report counts it.

    `slips` are the keys of a batch once it is imported; `meant` begin the dead letters that a fault is about.
    """

    town: Town
    delivery: Delivery
    report: Callable[[Outcome], None]
    counted: int = 0
    slips: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()
    letters: frozenset[str] = frozenset()
    wrong: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def load(self, at_least: int = 0) -> AsyncIterator[None]:
        """Let feedback come while the block runs, `at_least` so many, and wait until all of it is answered."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self.delivery.run(stopping, at_least))
            yield
            stopping.set()
            await sending

    async def until_sent(self, count: int) -> None:
        """Wait until so many feedbacks have been sent since the last line."""
        while self.delivery.sent - self.counted < count:  # noqa: ASYNC110 - the sender tells nobody
            await asyncio.sleep(LOOK_EVERY_S)

    async def do(self, name: str, fault: Fault) -> None:
        """Do one fault, count the stores, report."""
        started = time.monotonic()
        await fault()
        await self.count(name, time.monotonic() - started)

    async def work_through(self, name: str, started: float) -> None:
        """Wait until everything is worked through and hold the stores to a ticket for each; `started` is monotonic."""
        await self.town.settled()
        await self.count(name, time.monotonic() - started, is_settled=True)

    async def count(self, name: str, seconds: float, *, is_settled: bool = False) -> None:
        """Hold the stores to every 201 so far; when all is worked through also to a ticket for each."""
        accepted = dict(self.delivery.accepted)
        census = await self.town.census()
        lost = census.lost(accepted.items()) + [key for key in self.slips if key not in census.feedback_ids]
        if is_settled:
            slips = [(key, feedback_id) for key in self.slips for feedback_id in census.feedback_ids.get(key, ())]
            lost += [f"no ticket for {key}" for key in census.without_ticket([*accepted.items(), *slips])]
        doubled = [*census.doubled, *self.delivery.contradictions]
        new_letters = await self.new_letters()
        faults = [*lost, *doubled, *unmeant(new_letters, self.meant)]
        self.wrong += [f"{name}: {fault}" for fault in faults]
        for fault in [*lost[:SHOWN], *doubled[:SHOWN], *new_letters[:SHOWN]]:
            click.echo(f"{name}: {fault}", err=True)
        new = len(accepted) - self.counted
        self.counted = len(accepted)
        self.report(
            Outcome(
                fault=name,
                accepted=new,
                lost=len(lost),
                doubled=len(doubled),
                dead_letters=len(new_letters),
                seconds=round(seconds, 2),
            )
        )

    async def new_letters(self) -> list[str]:
        """Return the dead letters since the last line."""
        letters = await self.town.dead_letters()
        new = sorted(set(letters) - self.letters)
        self.letters |= frozenset(letters)
        return new


def unmeant(letters: Sequence[str], meant: Sequence[str]) -> list[str]:
    """Name the dead letters that no fault was about."""
    return [f"dead letter {letter}" for letter in letters if not letter.startswith(tuple(meant))]
