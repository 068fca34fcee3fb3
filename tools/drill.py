"""`make drill`: does hotline keep its promises when it is killed, stopped, locked out or left without disk?

First as one process over one file, then as three services over a broker and a database of their own (see `drilling`).
Prints one JSON line a fault (`fault`; `accepted`: 201s since the last line; `lost`: promised and not there; `doubled`;
`dead_letters`: facts since the last line that could not be handled; `seconds`: until the servers were ready again, and
where each fault is followed to its end, until all was worked through) and ends with 1 when anything was lost, doubled
or a dead letter that no fault was about.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from tools import drill_embedded, drill_servers
from tools.drilling import SHOWN, Drill, Outcome
from tools.messages import ROOT
from tools.processes import empty_folder, end_on_sigterm
from tools.server_install import CannotStart

DEFAULT_DIR = ROOT / "var" / "drill"
SHAPES = ("embedded", "servers")


def report(outcome: Outcome) -> None:
    """Print a line."""
    click.echo(json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__}))


def conclude(drill: Drill) -> bool:
    """Say what the sender went through and what was wrong; tell whether nothing was."""
    click.echo(f"setbacks the sender got over: {dict(drill.delivery.setbacks)}", err=True)
    for fault in drill.wrong[:SHOWN]:
        click.echo(f"wrong: {fault}", err=True)
    return not drill.wrong


@click.command()
@click.option("--shape", type=click.Choice(SHAPES), multiple=True, default=SHAPES, help="Drill this one alone.")
@click.option("--kills", type=int, help="How often each process is killed with signal 9 (embedded 20, servers 10).")
@click.option("--rate", type=float, help="New feedbacks a second (embedded 50, servers 10).")
@click.option("--feedbacks", type=int, help="How many at least for each fault of the servers (2000, in short 200).")
@click.option("--seed", default=1, show_default=True, help="Chooses the moments of the kills.")
@click.option("--only-kills", is_flag=True, help="Leave the other faults of the embedded shape out.")
@click.option("--only", multiple=True, help="Of the servers' faults those alone that have this word in their name.")
@click.option("--short", is_flag=True, help="Do the servers' faults briefly, under one load, as the tests do.")
@click.option(
    "--data-dir", default=DEFAULT_DIR, type=click.Path(path_type=Path), help="An empty folder on a real disk."
)
def main(
    shape: tuple[str, ...],
    kills: int | None,
    rate: float | None,
    feedbacks: int | None,
    seed: int,
    only_kills: bool,
    only: tuple[str, ...],
    short: bool,
    data_dir: Path,
) -> None:
    """Break hotline under load and count what it promised; one JSON line a fault, exit code 1 if anything is wrong."""
    end_on_sigterm()
    folder = empty_folder(data_dir.resolve(), may_empty=DEFAULT_DIR)
    given: dict[str, Any] = {"seed": seed} | {
        name: value for name, value in (("kills", kills), ("rate", rate)) if value is not None
    }
    is_well = True
    if "embedded" in shape:
        plan = drill_embedded.Plan(data_dir=folder / "embedded", with_other_faults=not only_kills, **given)
        is_well &= conclude(asyncio.run(drill_embedded.run_drill(plan, report)))
    if "servers" in shape:
        given |= {"feedbacks": feedbacks} if feedbacks is not None else {}
        make = drill_servers.short_plan if short else drill_servers.Plan
        is_well &= drill_the_servers(make(data_dir=folder / "servers", only=only, **given))
    sys.exit(0 if is_well else 1)


def drill_the_servers(plan: drill_servers.Plan) -> bool:
    """Run a drill of the servers and tell whether nothing was wrong; where they cannot be had, say why and end."""
    is_well = True
    try:
        for one in drill_servers.one_by_one(plan):
            is_well &= conclude(asyncio.run(drill_servers.run_drill(one, report)))
    except CannotStart as error:
        sys.exit(f"drill: {error}")
    return is_well


if __name__ == "__main__":
    main()
