"""The `hotline` command: `run` starts the services, every other verb comes from a service's `commands.py`.

Settings come from the environment and are checked before anything starts. A command that fails says why in one
sentence on standard error and ends with 1; wrong usage ends with 2.
"""

import importlib
import os

import click

from hotline.plumbing.command_line import read_settings, run_or_explain
from hotline.plumbing.log import configure_logging

SERVICES = ("ingest", "classify", "respond")
# What is stored holds names and telephone numbers: files and folders are for the owner of the process alone.
OWNER_ONLY = 0o077


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hotline")
def hotline() -> None:
    """Take what citizens tell their government, find who must answer, and hold the promises against the clock."""


@hotline.command()
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
def run(services: tuple[str, ...]) -> None:
    """Start the named services in this process, all three when none is named (HOST, PORT, DATA_DIR; see operations.md).

    Over one SQLite file all three run together; over MongoDB and Kafka each runs as often as one likes.
    """
    settings = read_settings()
    names = tuple(name for name in SERVICES if name in services) or SERVICES
    if settings.is_embedded and names != SERVICES:
        raise click.UsageError("over one sqlite file all three services run in one process: `hotline run`")
    configure_logging(settings.log_level)
    from services.server import serve

    run_or_explain(serve(settings, names, known=SERVICES))


@hotline.group("dead-letters")
def dead_letters() -> None:
    """Facts that a service could not handle: list, show, replay, discard."""


@dead_letters.command("list")
def list_letters() -> None:
    """Print one JSON object a dead letter, the oldest first."""
    run_letters("list", None)


@dead_letters.command("show")
@click.argument("letter_id", type=int)
def show_letter(letter_id: int) -> None:
    """Print one dead letter: which fact, which service, where it failed. Never the citizen's words."""
    run_letters("show", letter_id)


@dead_letters.command("replay")
@click.argument("letter_id", type=int)
def replay_letter(letter_id: int) -> None:
    """Hand a dead letter to its service again, after what broke it was mended. Safe to say twice."""
    run_letters("replay", letter_id)


@dead_letters.command("discard")
@click.argument("letter_id", type=int)
@click.confirmation_option(prompt="The fact will never be handled by this service. Discard it?")
def discard_letter(letter_id: int) -> None:
    """Forget a dead letter for good."""
    run_letters("discard", letter_id)


def run_letters(verb: str, letter_id: int | None) -> None:
    """Do one verb on the dead letters of the configured bus, beside a running server."""
    settings = read_settings()
    from services.dead_letters import work_on_letters

    run_or_explain(work_on_letters(settings, verb, letter_id))


@hotline.command()
@click.option(
    "--replication", type=click.IntRange(1), help="Copies of each topic, where there are fewer than 3 brokers."
)
def topics(replication: int | None) -> None:
    """Make Kafka's topics where they are missing and compare them and the brokers with what they should be.

    Says every difference and ends with 1 when there is one. Nothing that exists is changed or removed.
    """
    settings = read_settings()
    if settings.is_embedded:
        raise click.UsageError("BUS_URL names a sqlite file, which has no topics: nothing is to be made")
    from services.topics import make_and_compare

    run_or_explain(make_and_compare(settings, replication))


def add_service_commands() -> None:
    """Add each service's verbs, and those that go through all of them, to the group."""
    for name in (*(f"{service}.commands" for service in SERVICES), "backup_commands"):
        module = importlib.import_module(f"services.{name}")
        for command in module.commands:
            hotline.add_command(command)


def main() -> None:
    """Entry point of the console script; whatever a verb writes, no other user of the machine can read."""
    os.umask(OWNER_ONLY)
    add_service_commands()
    hotline()
