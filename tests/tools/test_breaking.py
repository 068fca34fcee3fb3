"""What the drill breaks on purpose is broken: else a drill that loses nothing would prove nothing."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from hotline.facts import Erased, Fact, FactKind, Producer
from tools.breaking import BrokeOnPurpose, Handle, failing
from tools.messages import ROOT

FACTS = 2000
NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def fact(number: int) -> Fact:
    return Fact(
        fact_id=f"ingest:f{number}:0.1",
        kind=FactKind.FEEDBACK_ERASED,
        feedback_id=f"f{number}",
        producer=Producer.INGEST,
        epoch=0,
        seq=1,
        at=NOW,
        cause="erased",
        state=Erased(erased_at=NOW),
    )


async def tries_of(handle: Handle, of: Fact) -> int:
    """Handle a fact until it is handled and return how often it failed."""
    failures = 0
    while True:
        try:
            await handle(of)
        except BrokeOnPurpose:
            failures += 1
        else:
            return failures


async def test_one_fact_in_ten_fails_once_half_of_them_after_the_work() -> None:
    worked: list[str] = []

    async def work(fact: Fact) -> None:
        worked.append(fact.fact_id)

    handle = failing(lambda: work, 10)()
    failures = [await tries_of(handle, fact(number)) for number in range(FACTS)]
    assert set(failures) == {0, 1}
    assert sum(failures) == pytest.approx(FACTS / 10, rel=0.25)
    assert len(worked) - FACTS == pytest.approx(FACTS / 20, rel=0.4)


def test_what_is_broken_is_still_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tools.breaking", "--handler", "10", "--relay", "5", "run", "--help"],
        check=False, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert said.returncode == 0
    assert "Start the named services" in said.stdout
