"""The loop that watches the clocks: warnings, breaches, escalations, ends of waits, closings.

What is due is a stored instant, so a ticker that was down takes the missed steps when it is back and the register says
that they were seen late. Any number of tickers may run.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime

from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from hotline.working_days import local_date
from services.respond.actions import Desk, attend, renew_promises, sweep_files

PERIOD_S = 5.0
SWEEP_PERIOD_S = 3600.0
CALENDAR_DAYS = 60


def ticker(desk: Desk, clock: Callable[[], datetime]) -> Callable[[], Awaitable[None]]:
    """Return the loop."""

    async def run() -> None:
        await once(desk, clock)
        warned_on: date | None = None
        while True:
            today = local_date(clock())
            if warned_on != today:
                warn_of_calendar(desk, today)
                warned_on = today
            await tick(desk, clock)
            await asyncio.sleep(PERIOD_S)

    return run


def warn_of_calendar(desk: Desk, today: date) -> None:
    """Say when the official calendar is about to run out: no peer's list of holidays did (docs/operations.md)."""
    left = desk.rules.calendar.days_left(today)
    if left < CALENDAR_DAYS:
        step("calendar_runs_out", level="ERROR", count=left)


async def once(desk: Desk, clock: Callable[[], datetime]) -> None:
    """Count the promises again if the calendar has changed since the last start."""
    try:
        renewed = await renew_promises(desk, clock())
    except WorldIsDown as error:
        step("world_is_down", level="ERROR", loop="ticker", error=str(error))
    else:
        step("promises_renewed", count=renewed)


async def tick(desk: Desk, clock: Callable[[], datetime]) -> None:
    """Take all that is due now; an unavailable store is waited out."""
    try:
        is_more = True
        while is_more:
            is_more = await attend(desk, clock()) > 0
    except WorldIsDown as error:
        step("world_is_down", level="ERROR", loop="ticker", error=str(error))


async def sweep_for_ever(desk: Desk, clock: Callable[[], datetime]) -> None:
    """Once an hour remove files of answers that nothing refers to; what is unavailable is waited out."""
    while True:
        await asyncio.sleep(SWEEP_PERIOD_S)
        try:
            await sweep_files(desk, clock())
        except (WorldIsDown, OSError) as error:
            step("sweep_waits", level="WARNING", error=type(error).__name__)
