"""A short drill of the servers: what `make drill` does to them at length, with short stops and few kills."""

from pathlib import Path

import pytest

from tools.drill_servers import BACKUP, Plan, faults_of, run_drill, short_plan
from tools.drilling import Drill, Outcome
from tools.faults_servers import POISON_LETTERS
from tools.server_install import CannotStart

# Half of it is enough on an idle machine of two cores.
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(300)]

ALL_BUT_BACKUPS = ("stopped", "killed", "fact")


async def run_short(plan: Plan) -> tuple[Drill, list[Outcome]]:
    """Run a drill and return it with its report."""
    outcomes: list[Outcome] = []
    try:
        return await run_drill(plan, outcomes.append), outcomes
    except CannotStart as error:
        pytest.skip(f"no servers: {error}")


async def test_stops_and_kills_of_broker_database_and_services_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = short_plan(data_dir=tmp_path, seed=7, only=ALL_BUT_BACKUPS)
    drill, outcomes = await run_short(plan)
    faults = faults_of(plan)
    assert len(faults) == 8
    assert drill.wrong == []
    assert [outcome.fault for outcome in outcomes] == [*faults, "all answered and worked through"]
    assert len(drill.delivery.accepted) == drill.delivery.sent >= plan.feedbacks
    assert {outcome.fault: outcome.dead_letters for outcome in outcomes if outcome.dead_letters} == {
        "facts that nobody can handle": len(POISON_LETTERS)
    }


async def test_services_restored_to_different_instants_lose_and_double_nothing(tmp_path: Path) -> None:
    drill, outcomes = await run_short(short_plan(data_dir=tmp_path, seed=7, only=(BACKUP,)))
    assert drill.wrong == []
    assert [outcome.fault for outcome in outcomes] == [BACKUP]
    assert len(drill.delivery.accepted) == drill.delivery.sent > 0
    assert outcomes[0].dead_letters == 0
