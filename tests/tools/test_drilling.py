"""The drill's own bookkeeping: what it reports, and what it calls wrong."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tools.delivery import Delivery
from tools.drilling import Drill, Outcome
from tools.stores import Census

MEANT = ("respond: feedback.received of poison: ",)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """A town that holds what a test says."""

    census_now: Census
    letters: list[str] = field(default_factory=list)

    def intake(self) -> Sequence[str]:
        return []

    async def census(self) -> Census:
        return self.census_now

    async def settled(self) -> None:
        return

    async def dead_letters(self) -> list[str]:
        return self.letters


def census(tickets: frozenset[str] = frozenset({"f1"}), doubled: tuple[str, ...] = ()) -> Census:
    return Census(feedback_ids={"k1": ("f1",), "slip-0": ("f2",)}, tickets=tickets, doubled=doubled)


def drill_of(town: Ledger, accepted: dict[str, str], outcomes: list[Outcome]) -> Drill:
    delivery = Delivery(urls=town.intake, name="k", rate=1.0, random=random.Random(1), accepted=accepted)
    return Drill(town=town, delivery=delivery, report=outcomes.append, meant=MEANT)


@pytest.mark.parametrize(
    ("accepted", "now", "lost", "doubled"),
    [
        ({"k1": "f1"}, census(), 0, 0),
        ({"k1": "f1", "k2": "f3"}, census(), 2, 0),
        ({"k1": "f1"}, census(tickets=frozenset()), 1, 0),
        ({"k1": "f1"}, census(doubled=("2 feedbacks of k1",)), 0, 1),
    ],
)
async def test_a_line_counts_what_is_not_as_promised(
    accepted: dict[str, str], now: Census, lost: int, doubled: int
) -> None:
    outcomes: list[Outcome] = []
    drill = drill_of(Ledger(census_now=now), accepted, outcomes)
    await drill.work_through("fault", 0.0)
    (outcome,) = outcomes
    assert (outcome.accepted, outcome.lost, outcome.doubled) == (len(accepted), lost, doubled)
    assert len(drill.wrong) == lost + doubled


async def test_a_ticket_is_asked_for_only_when_all_is_worked_through() -> None:
    outcomes: list[Outcome] = []
    drill = drill_of(Ledger(census_now=census(tickets=frozenset())), {"k1": "f1"}, outcomes)
    await drill.count("fault", 0.0)
    assert drill.wrong == []


async def test_an_imported_slip_without_ticket_is_lost() -> None:
    outcomes: list[Outcome] = []
    drill = drill_of(Ledger(census_now=census()), {"k1": "f1"}, outcomes)
    drill.slips = ("slip-0", "slip-1")
    await drill.work_through("fault", 0.0)
    assert drill.wrong == ["fault: slip-1", "fault: no ticket for slip-0"]


async def test_dead_letters_are_counted_once_and_are_wrong_unless_a_fault_was_about_them() -> None:
    outcomes: list[Outcome] = []
    town = Ledger(census_now=census(), letters=[f"{MEANT[0]}FactIsBad"])
    drill = drill_of(town, {"k1": "f1"}, outcomes)
    await drill.count("poison", 0.0)
    town.letters = [*town.letters, "respond: feedback.received of f1: KeyError"]
    await drill.count("handlers", 0.0)
    assert [outcome.dead_letters for outcome in outcomes] == [1, 1]
    assert drill.wrong == ["handlers: dead letter respond: feedback.received of f1: KeyError"]
