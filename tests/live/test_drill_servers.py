"""A short drill of the servers: what `make drill` does to them at length, with short stops and few kills."""

from pathlib import Path

import pytest

from tools.drill_servers import faults_of, run_drill, short_plan
from tools.drilling import Outcome
from tools.faults_servers import POISON_LETTERS
from tools.server_install import CannotStart

pytestmark = [pytest.mark.live, pytest.mark.slow]


async def test_stops_and_kills_of_broker_database_and_services_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = short_plan(data_dir=tmp_path, seed=7)
    outcomes: list[Outcome] = []
    try:
        drill = await run_drill(plan, outcomes.append)
    except CannotStart as error:
        pytest.skip(f"no servers: {error}")
    assert drill.wrong == []
    assert [outcome.fault for outcome in outcomes] == [*faults_of(plan, drill.town), "all answered and worked through"]
    assert len(drill.delivery.accepted) == drill.delivery.sent >= plan.feedbacks
    assert {outcome.fault: outcome.dead_letters for outcome in outcomes if outcome.dead_letters} == {
        "facts that nobody can handle": len(POISON_LETTERS)
    }
