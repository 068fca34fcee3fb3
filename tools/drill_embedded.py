"""The drill of the embedded shape: one process over one SQLite file is killed, stopped, locked out, left without disk.

Called by `drill` and the live tests.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.delivery import Delivery
from tools.drilling import Drill, Outcome
from tools.faults import (
    Patient,
    ask_to_stop,
    fill_the_disk,
    hold_the_lock,
    kill_an_import,
    kill_and_restart,
    write_slips,
)
from tools.load import FEEDBACK_PATH
from tools.processes import free_port, kill, start_hotline, stop, wait_until_ready
from tools.stores import Census, dead_letters, take_census, wait_until_drained

SLIPS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a drill does."""

    data_dir: Path
    kills: int = 20
    rate: float = 50.0
    seed: int = 1
    slips: int = SLIPS
    with_other_faults: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTown:
    """The one process and its file, see `Town`."""

    patient: Patient

    def intake(self) -> Sequence[str]:
        """See `Town`."""
        return [self.patient.server.url + FEEDBACK_PATH]

    async def census(self) -> Census:
        """See `Town`."""
        return await asyncio.to_thread(take_census, self.patient.data_dir)

    async def settled(self) -> None:
        """See `Town`."""
        await asyncio.to_thread(wait_until_drained, self.patient.data_dir)

    async def dead_letters(self) -> list[str]:
        """See `Town`."""
        return await asyncio.to_thread(dead_letters, self.patient.data_dir)


async def import_slips(drill: Drill, patient: Patient, count: int) -> None:
    """Import a batch that is killed in its middle."""
    path = patient.data_dir / "slips.csv"
    keys = write_slips(path, "slip", count)
    await kill_an_import(patient, path, "slip")
    drill.slips = tuple(keys)


async def do_faults(drill: Drill, plan: Plan, patient: Patient) -> None:
    """Do every fault of the plan, one after the other."""
    for number in range(1, plan.kills + 1):
        await drill.do(f"kill -9 ({number} of {plan.kills})", lambda: kill_and_restart(patient))
    if plan.with_other_faults:
        await drill.do("SIGTERM under load", lambda: ask_to_stop(patient))
        await drill.do("database locked for 5 s by another process", lambda: hold_the_lock(patient))
        await drill.do("no room on the disk for 5 s", lambda: fill_the_disk(patient))
        importing = "hotline import killed -9 twice and run again"
        await drill.do(importing, lambda: import_slips(drill, patient, plan.slips))


async def run_drill(plan: Plan, report: Callable[[Outcome], None]) -> Drill:
    """Run a drill in an empty `data_dir`; the server is stopped at the end, whatever happens."""
    chance = random.Random(plan.seed)
    port = free_port()
    server = start_hotline(plan.data_dir, port, LOG_LEVEL="WARNING")
    patient = Patient(data_dir=plan.data_dir, port=port, random=chance, server=server)
    town = EmbeddedTown(patient=patient)
    delivery = Delivery(urls=town.intake, name=f"drill-{plan.seed}", rate=plan.rate, random=random.Random(plan.seed))
    drill = Drill(town=town, delivery=delivery, report=report)
    try:
        await asyncio.to_thread(wait_until_ready, server)
        async with drill.load():
            await do_faults(drill, plan, patient)
            started = time.monotonic()
        await drill.work_through("all answered and worked through", started)
        await asyncio.to_thread(stop, patient.server)
    finally:
        kill(patient.server)
    return drill
