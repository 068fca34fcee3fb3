"""`make drill`: does hotline keep its promises when it is killed, stopped, locked out or left without disk?

Feedback comes in at a steady rate from a sender that repeats each request under its key until it is answered 201;
faults are done to the server meanwhile. After each fault, and once more when everything is worked through, the stores
are counted from outside: every 201 is there, nothing is there twice, everything has one ticket. Prints one JSON line a
fault (`fault`, `accepted`: 201s since the last line, `lost`, `doubled`, `seconds`: until the server was ready again)
and ends with 1 when anything was lost or doubled.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import click

from tools.delivery import Delivery
from tools.faults import (
    Patient,
    ask_to_stop,
    fill_the_disk,
    hold_the_lock,
    kill_an_import,
    kill_and_restart,
    write_slips,
)
from tools.messages import ROOT
from tools.processes import empty_folder, end_on_sigterm, free_port, kill, start_hotline, stop, wait_until_ready
from tools.stores import dead_letters, take_census, wait_until_drained

DEFAULT_DIR = ROOT / "var" / "drill"
SLIPS = 3000
SHOWN = 5

Fault = Callable[[], Awaitable[None]]


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
class Outcome:
    """One line of the report."""

    fault: str
    accepted: int
    lost: int
    doubled: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class Drill:
    """A drill under way; `slips` are the keys of the batch once it is imported."""

    plan: Plan
    patient: Patient
    delivery: Delivery
    report: Callable[[Outcome], None]
    counted: int = 0
    slips: tuple[str, ...] = ()

    async def do(self, name: str, fault: Fault) -> None:
        """Do one fault, count the stores, report."""
        started = time.monotonic()
        await fault()
        await self.count(name, time.monotonic() - started)

    async def count(self, name: str, seconds: float, *, is_last: bool = False) -> None:
        """Hold the stores to every 201 so far; the last time also to a ticket for each."""
        accepted = dict(self.delivery.accepted)
        census = await asyncio.to_thread(take_census, self.plan.data_dir)
        lost = census.lost(accepted.items()) + [key for key in self.slips if key not in census.feedback_ids]
        if is_last:
            lost += [f"no ticket for {key}" for key in census.without_ticket(accepted.items())]
            lost += [
                f"no ticket for {key}"
                for key in self.slips
                if not set(census.feedback_ids.get(key, ())) & census.tickets
            ]
        doubled = [*census.doubled, *self.delivery.contradictions]
        for fault in [*lost[:SHOWN], *doubled[:SHOWN]]:
            click.echo(f"{name}: {fault}", err=True)
        new = len(accepted) - self.counted
        self.counted = len(accepted)
        self.report(Outcome(fault=name, accepted=new, lost=len(lost), doubled=len(doubled), seconds=round(seconds, 2)))

    async def import_slips(self) -> None:
        """Import a batch that is killed in its middle."""
        path = self.plan.data_dir / "slips.csv"
        keys = write_slips(path, "slip", self.plan.slips)
        await kill_an_import(self.patient, path, "slip")
        self.slips = tuple(keys)

    async def run_faults(self) -> None:
        """Do every fault of the plan, one after the other."""
        for number in range(1, self.plan.kills + 1):
            await self.do(f"kill -9 ({number} of {self.plan.kills})", lambda: kill_and_restart(self.patient))
        if self.plan.with_other_faults:
            await self.do("SIGTERM under load", lambda: ask_to_stop(self.patient))
            await self.do("database locked for 5 s by another process", lambda: hold_the_lock(self.patient))
            await self.do("no room on the disk for 5 s", lambda: fill_the_disk(self.patient))
            await self.do("hotline import killed -9 twice and run again", self.import_slips)

    async def run(self) -> None:
        """Run the faults under load, then wait for the pipeline and count for the last time."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self.delivery.run(stopping))
            await self.run_faults()
            started = time.monotonic()
            stopping.set()
            await sending
        await asyncio.to_thread(wait_until_drained, self.plan.data_dir)
        await self.count("all answered and worked through", time.monotonic() - started, is_last=True)


async def run_drill(plan: Plan, report: Callable[[Outcome], None]) -> "Drill":
    """Run a drill in an empty `data_dir`; the server is stopped at the end, whatever happens."""
    chance = random.Random(plan.seed)
    port = free_port()
    server = start_hotline(plan.data_dir, port, LOG_LEVEL="WARNING")
    patient = Patient(data_dir=plan.data_dir, port=port, random=chance, server=server)
    delivery = Delivery(
        url=f"{server.url}/api/v1/feedback", name=f"drill-{plan.seed}", rate=plan.rate, random=random.Random(plan.seed)
    )
    drill = Drill(plan=plan, patient=patient, delivery=delivery, report=report)
    try:
        await asyncio.to_thread(wait_until_ready, server)
        await drill.run()
        await asyncio.to_thread(stop, patient.server)
    finally:
        kill(patient.server)
    return drill


@click.command()
@click.option("--kills", default=20, show_default=True, help="How often the server is killed with signal 9.")
@click.option("--rate", default=50.0, show_default=True, help="New feedbacks a second.")
@click.option("--seed", default=1, show_default=True, help="Chooses the moments of the kills.")
@click.option("--only-kills", is_flag=True, help="Leave the other faults out.")
@click.option(
    "--data-dir", default=DEFAULT_DIR, type=click.Path(path_type=Path), help="An empty folder on a real disk."
)
def main(kills: int, rate: float, seed: int, only_kills: bool, data_dir: Path) -> None:
    """Kill hotline under load and count what it promised; one JSON line a fault, exit code 1 if anything is wrong."""
    end_on_sigterm()
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        click.echo(json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__}))

    plan = Plan(
        data_dir=empty_folder(data_dir, may_empty=DEFAULT_DIR),
        kills=kills,
        rate=rate,
        seed=seed,
        with_other_faults=not only_kills,
    )
    drill = asyncio.run(run_drill(plan, report))
    buried = dead_letters(plan.data_dir)
    click.echo(f"setbacks the sender got over: {dict(drill.delivery.setbacks)}", err=True)
    for letter in buried[:SHOWN]:
        click.echo(f"dead letter: {letter}", err=True)
    sys.exit(1 if buried or any(outcome.lost or outcome.doubled for outcome in outcomes) else 0)


if __name__ == "__main__":
    main()
