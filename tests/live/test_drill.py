"""A short drill: what `make drill` does at length, with few faults."""

from pathlib import Path

import pytest

from tools.drill_embedded import Plan, run_drill
from tools.drilling import Drill, Outcome
from tools.stores import dead_letters

pytestmark = [pytest.mark.live, pytest.mark.slow]


async def run_short(plan: Plan) -> tuple[Drill, list[Outcome]]:
    """Run a drill and return it with its report."""
    outcomes: list[Outcome] = []
    return await run_drill(plan, outcomes.append), outcomes


def faults_of(outcomes: list[Outcome]) -> list[Outcome]:
    """Return the lines that say something was lost or doubled."""
    return [outcome for outcome in outcomes if outcome.lost or outcome.doubled]


async def test_three_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = Plan(data_dir=tmp_path, kills=3, rate=20, seed=7, with_other_faults=False)
    drill, outcomes = await run_short(plan)
    assert faults_of(outcomes) == []
    assert [outcome.fault for outcome in outcomes][-1] == "all answered and worked through"
    assert len(drill.delivery.accepted) == drill.delivery.sent > 0
    assert dead_letters(tmp_path) == []


async def test_a_stop_a_locked_file_no_room_and_a_killed_import_lose_and_double_nothing(tmp_path: Path) -> None:
    drill, outcomes = await run_short(Plan(data_dir=tmp_path, kills=0, rate=10, seed=7, slips=600))
    assert faults_of(outcomes) == []
    assert len(outcomes) == 5
    assert len(drill.delivery.accepted) == drill.delivery.sent > 0
    assert len(drill.slips) == 600
    assert dead_letters(tmp_path) == []
