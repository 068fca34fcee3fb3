"""The `hotline due` command: what a citizen received at an instant is promised, one JSON object a line.

Clerks and tests check the calendar with it. It reads arguments or a file and stores nothing.
"""

import json
import sys
from datetime import date, datetime, time
from typing import TextIO

import click

from hotline.plumbing.command_line import read_settings
from hotline.promises import Policies, SlaPolicy, UnknownPolicy, load_policies, promise
from hotline.working_days import VN, NaiveInstant, OutOfCalendar, WorkingCalendar, load_calendar

DEFAULT_POLICY = "ha-giang-1022"


@click.command("due")
@click.argument("received_at", nargs=-1)
@click.option("--file", "source", type=click.File("r", encoding="utf-8"), help="One RECEIVED_AT a line; - is stdin.")
@click.option("--policy", "policy_id", default=DEFAULT_POLICY, show_default=True, help="Id of the policy promised.")
def due_command(received_at: tuple[str, ...], source: TextIO | None, policy_id: str) -> None:
    """Say when feedback received at RECEIVED_AT is to be acknowledged and answered.

    RECEIVED_AT is an instant with its offset, such as 2026-11-20T08:00:00+07:00 or 2026-11-20T01:00:00Z, or a
    bare date such as 2026-11-20, which means the start of that day in Vietnam. Prints one JSON object a line,
    in the order given. Bad values are named all at once; then nothing is printed and the exit code is 1.
    """
    given = [*received_at, *(line.strip() for line in source or () if line.strip())]
    if not given:
        raise click.UsageError("give at least one RECEIVED_AT, or --file")
    policy = chosen_policy(load_policies(), policy_id)
    lines, faults = due_lines(given, policy, load_calendar(extra_notices=read_settings().calendar_notices))
    if faults:
        click.echo("\n".join(faults), err=True)
        sys.exit(1)
    click.echo("\n".join(lines))


def chosen_policy(policies: Policies, policy_id: str) -> SlaPolicy:
    """Return the policy, or end the command with the ids there are."""
    try:
        return policies.by_id(policy_id)
    except UnknownPolicy as error:
        raise click.ClickException(str(error)) from error


def due_lines(given: list[str], policy: SlaPolicy, calendar: WorkingCalendar) -> tuple[list[str], list[str]]:
    """Return the JSON lines, and one sentence for each value that cannot be used."""
    lines: list[str] = []
    faults: list[str] = []
    for value in given:
        try:
            lines.append(due_line(read_instant(value), policy, calendar))
        except NaiveInstant:
            faults.append(f"{value}: has no time zone; give its offset, such as {value}+07:00")
        except (OutOfCalendar, OverflowError):
            faults.append(f"{value}: outside the calendar, {calendar.starts_on} to {calendar.ends_on}")
        except ValueError:
            faults.append(f"{value}: not a date or an instant; give 2026-11-20 or 2026-11-20T08:00:00+07:00")
    return lines, faults


def read_instant(value: str) -> datetime:
    """Read an instant, or a bare date as its start in Vietnam; raises ValueError, NaiveInstant without an
    offset."""
    try:
        return datetime.combine(date.fromisoformat(value), time.min, VN)
    except ValueError:
        at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise NaiveInstant(value)
    return at


def due_line(received_at: datetime, policy: SlaPolicy, calendar: WorkingCalendar) -> str:
    """Return one JSON object; instants are shown in Vietnam's time."""
    told = promise(received_at, policy, calendar)
    return json.dumps(
        {
            "received_at": received_at.astimezone(VN).isoformat(),
            "acknowledgement_due_at": told.acknowledgement_due_at.astimezone(VN).isoformat(),
            "response_due_at": told.response_due_at.astimezone(VN).isoformat(),
            "working_days": told.working_days,
            "is_provisional": told.is_provisional,
        }
    )
