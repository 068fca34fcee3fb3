"""`hotline user`: make, list, close and open accounts, and give new passwords, beside a running server.

A password is generated and printed once; it is never an argument, where others could read it.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from hotline.errors import Invalid
from hotline.plumbing.backend import open_backend
from hotline.plumbing.command_line import read_settings, run_or_explain
from hotline.roles import Role
from hotline.web.messages import load_messages
from hotline.working_days import local_date
from services.respond.account_actions import (
    UnknownAccount,
    close_account,
    create_account,
    generate_password,
    open_account,
    reset_password,
)
from services.respond.accounts import Account
from services.respond.actions import Desk
from services.respond.opening import open_desk

_MESSAGES = Path(__file__).parent

Work = Callable[[Desk, datetime], Awaitable[None]]


@click.group("user")
def user() -> None:
    """Accounts of people who work here: add, list, close, open, password."""


@user.command()
@click.argument("username")
@click.option("--name", "full_name", required=True, help="Full name, as on official papers.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--agency", "agency_id", help="Agency of staff or head; `hotline user agencies` lists the ids.")
@click.option("--screener", "is_screener", is_flag=True, help="May screen restricted matters.")
def add(username: str, full_name: str, role: str, agency_id: str | None, is_screener: bool) -> None:
    """Make an account and print its password, once."""
    password = generate_password()

    async def work(desk: Desk, now: datetime) -> None:
        account = await create_account(
            desk.store,
            desk.rules.directory,
            username=username,
            full_name=full_name,
            role=Role(role),
            password=password,
            now=now,
            agency_id=agency_id,
            is_screener=is_screener,
        )
        click.echo(f"{account.username} {password}")

    carry_out(work)


@user.command("list")
def list_accounts() -> None:
    """Print one line an account: user name, role, agency, state, full name."""

    async def work(desk: Desk, now: datetime) -> None:
        for account in await desk.store.accounts():
            state = "active" if account.is_active else "closed"
            marks = "screener" if account.is_screener else "-"
            click.echo(
                f"{account.username} {account.role} {account.agency_id or '-'} {marks} {state} {account.full_name}"
            )

    carry_out(work)


@user.command()
def agencies() -> None:
    """Print one line an agency that may have accounts today: its id and name."""

    async def work(desk: Desk, now: datetime) -> None:
        for body in desk.rules.directory.active(local_date(now)):
            if body.has_accounts:
                click.echo(f"{body.id} {body.name}")

    carry_out(work)


@user.command()
@click.argument("username")
def close(username: str) -> None:
    """Close an account; its sessions end at once."""

    async def work(desk: Desk, now: datetime) -> None:
        account = await find(desk, username)
        await close_account(desk.store, account.account_id, by="", now=now)
        click.echo(f"{account.username} is closed")

    carry_out(work)


@user.command("open")
@click.argument("username")
def open_again(username: str) -> None:
    """Open a closed account again."""

    async def work(desk: Desk, now: datetime) -> None:
        account = await find(desk, username)
        await open_account(desk.store, account.account_id, now)
        click.echo(f"{account.username} is open")

    carry_out(work)


@user.command()
@click.argument("username")
def password(username: str) -> None:
    """Give an account a new password and print it, once; its sessions end."""
    new = generate_password()

    async def work(desk: Desk, now: datetime) -> None:
        account = await find(desk, username)
        await reset_password(desk.store, account.account_id, new, now)
        click.echo(f"{account.username} {new}")

    carry_out(work)


async def find(desk: Desk, username: str) -> Account:
    """Return the account of a user name; raises UnknownAccount."""
    account = await desk.store.account_named(username.strip().lower())
    if account is None:
        raise UnknownAccount(username)
    return account


def carry_out(work: Work) -> None:
    """Do `work` on the configured store; every fault is told in one sentence."""
    settings = read_settings()

    async def run() -> None:
        async with open_backend(settings) as backend:
            await work(await open_desk(backend), datetime.now(UTC))

    try:
        run_or_explain(run())
    except Invalid as error:
        messages = load_messages([_MESSAGES])
        said = [messages.message("en", f"errors.{fault.code}", fault.params) for fault in error.errors]
        raise click.ClickException(" ".join(said)) from error
    except UnknownAccount as error:
        raise click.ClickException(f"there is no account {str(error)!r}; `hotline user list` names them") from error
