"""The drill of the servers: three services over a broker and a database, each of which is stopped and killed.

Called by `drill` and the live tests. At length every fault has its own servers and feedbacks and is followed to its
end (the test database grows slow with what it holds); in the short form all faults come one after the other under one
load, and are followed to the end together.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tools.delivery import Delivery
from tools.drilling import Drill, Outcome
from tools.faults_backup import back_up_and_restore
from tools.faults_servers import (
    POISON_LETTERS,
    die_before_marking,
    fail_now_and_then,
    kill_database,
    kill_one_of_two,
    kill_services,
    poison,
    stop_broker,
    stop_database,
)
from tools.server_town import ServerTown, open_town

Fault = Callable[[ServerTown], Awaitable[None]]

BACKUP = "backups under load, each service restored to another instant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a drill does: `feedbacks` at least for each fault (in the short form in all), a stop lasts `stopped_s`."""

    data_dir: Path
    feedbacks: int = 2000
    rate: float = 10.0
    seed: int = 1
    stopped_s: float = 60.0
    kills: int = 10
    deaths: int = 5
    die_one_in: int = 100
    is_short: bool = False
    only: tuple[str, ...] = ()


def short_plan(**more: Any) -> Plan:
    """Return the short form, with what is given otherwise."""
    short: dict[str, Any] = {
        "feedbacks": 200,
        "rate": 4.0,
        "stopped_s": 5.0,
        "kills": 2,
        "deaths": 1,
        "die_one_in": 5,
        "is_short": True,
    }
    return Plan(**short | more)


def faults_of(plan: Plan) -> Mapping[str, Fault]:
    """Return the faults of a plan by name, in their order; the backups are none of them."""
    every: dict[str, Fault] = {
        f"broker stopped for {plan.stopped_s:g} s": lambda town: stop_broker(town, plan.stopped_s),
        f"database stopped for {plan.stopped_s:g} s": lambda town: stop_database(town, plan.stopped_s),
        "database killed -9": kill_database,
        f"each service killed -9 {plan.kills} times": lambda town: kill_services(town, plan.kills),
        "two of each service, one of each killed -9": lambda town: kill_one_of_two(town, plan.stopped_s),
        "facts that nobody can handle": poison,
        "handlers that fail on one fact in ten": lambda town: fail_now_and_then(town, plan.stopped_s),
        "relays killed between publish and mark": lambda town: die_before_marking(town, plan.deaths, plan.die_one_in),
    }
    return {name: fault for name, fault in every.items() if is_asked_for(name, plan)}


def one_by_one(plan: Plan) -> list[Plan]:
    """Return a plan for each fault of a plan, with servers and folder of its own; one in the short form."""
    if plan.is_short:
        return [plan]
    names = [*faults_of(plan), *((BACKUP,) if is_asked_for(BACKUP, plan) else ())]
    return [
        replace(plan, data_dir=plan.data_dir / f"{number}", only=(name,)) for number, name in enumerate(names, start=1)
    ]


def is_asked_for(name: str, plan: Plan) -> bool:
    """Say whether a plan has the fault of this name."""
    return not plan.only or any(word in name for word in plan.only)


async def run_drill(plan: Plan, report: Callable[[Outcome], None]) -> Drill:
    """Run a drill in an empty `data_dir`; all that it started is ended, whatever happens."""
    town = await open_town(plan.data_dir, random.Random(plan.seed))
    delivery = Delivery(urls=town.intake, name=f"drill-{plan.seed}", rate=plan.rate, random=random.Random(plan.seed))
    drill = Drill(town=town, delivery=delivery, report=report, meant=POISON_LETTERS)
    try:
        await (run_short(drill, plan, town) if plan.is_short else run_long(drill, plan, town))
    finally:
        town.end()
    return drill


async def run_long(drill: Drill, plan: Plan, town: ServerTown) -> None:
    """Do every fault under a load of its own and follow it until all is worked through."""
    for name, fault in faults_of(plan).items():
        started = time.monotonic()
        async with drill.load(plan.feedbacks):
            await drill.until_sent(plan.feedbacks // 10)
            await fault(town)
        await drill.work_through(name, started)
    await run_backup(drill, plan, town, plan.feedbacks)


async def run_backup(drill: Drill, plan: Plan, town: ServerTown, feedbacks: int) -> None:
    """Lose the database and restore it from backups, where the plan asks for it."""
    if is_asked_for(BACKUP, plan):
        started = time.monotonic()
        await back_up_and_restore(drill, town, feedbacks)
        await drill.work_through(BACKUP, started)


async def run_short(drill: Drill, plan: Plan, town: ServerTown) -> None:
    """Do all faults under one load, and follow them together until all is worked through."""
    if faults := faults_of(plan):
        async with drill.load(plan.feedbacks):
            for name, fault in faults.items():
                await drill.do(name, partial(fault, town))
            started = time.monotonic()
        await drill.work_through("all answered and worked through", started)
    await run_backup(drill, plan, town, plan.feedbacks // 5)
