"""The loop that watches the clocks: warnings, breaches, escalations, ends of waits, closings.

What is due is a stored instant, so a ticker that was down takes the missed steps when it is back and the register says
that they were seen late. Any number of tickers may run.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from hotline.plumbing.periodic import Periodic
from hotline.working_days import local_date
from services.respond.actions import Desk, attend, renew_promises, sweep_files
from services.respond.store import Conflict

PERIOD_S = 5.0
SWEEP_PERIOD_S = 3600.0
CALENDAR_DAYS = 60


@dataclass(slots=True)
class Ticker:
    """The loop; `trouble` says why it waits now, None when all is well."""

    desk: Desk
    clock: Callable[[], datetime]
    trouble: str | None = None

    async def run(self) -> None:
        """Watch the clocks for ever; first, as soon as that can be, count the promises again on today's calendar."""
        warned_on: date | None = None
        is_renewed = False
        while True:
            today = local_date(self.clock())
            if warned_on != today:
                warn_of_calendar(self.desk, today)
                warned_on = today
            is_renewed = is_renewed or await have_renewed(self.desk, self.clock)
            self.trouble = await tick(self.desk, self.clock)
            await asyncio.sleep(PERIOD_S)


def warn_of_calendar(desk: Desk, today: date) -> None:
    """Say when the official calendar is about to run out: no peer's list of holidays did (docs/operations.md)."""
    left = desk.rules.calendar.days_left(today)
    if left < CALENDAR_DAYS:
        step("calendar_runs_out", level="ERROR", count=left)


async def have_renewed(desk: Desk, clock: Callable[[], datetime]) -> bool:
    """Count the promises again if the calendar has changed since the last start; False: it must be done again."""
    try:
        renewed = await renew_promises(desk, clock())
    except (WorldIsDown, Conflict) as error:
        step("promises_wait", level="ERROR", error=type(error).__name__)
        return False
    step("promises_renewed", count=renewed)
    return True


async def tick(desk: Desk, clock: Callable[[], datetime]) -> str | None:
    """Take all that is due now; an unavailable store is left for the next time, and the reason returned."""
    try:
        is_more = True
        while is_more:
            is_more = await attend(desk, clock()) > 0
    except WorldIsDown as error:
        step("world_is_down", level="ERROR", loop="ticker", error=str(error))
        return str(error)
    return None


def sweeping(desk: Desk, clock: Callable[[], datetime]) -> Periodic:
    """Return the loop that once an hour removes files of answers that nothing refers to."""
    return Periodic(
        do=lambda: sweep_files(desk, clock()),
        period_s=SWEEP_PERIOD_S,
        event="sweep_waits",
        waits_out=(WorldIsDown, OSError),
    )
