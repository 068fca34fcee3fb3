"""`make demo`: a hotline to look around in, with invented senders and the 824 development messages.

Starts from an empty folder, makes an account for each role, starts the server, takes the messages in by the ways that
citizens' words really come (the API, signed 1022 calls, a file of box slips), waits until each has a ticket, prints
what went where and how to sign in, and then serves until Ctrl-C. The passwords are made anew each time and are printed
here alone.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from tqdm import tqdm

from hotline.agencies import AgencyDirectory, load_directory
from hotline.config import load_settings
from hotline.taxonomy import Taxonomy, load_taxonomy
from tools.demo_accounts import DemoAccount, make_accounts
from tools.demo_messages import send_all, write_box_slips
from tools.messages import ROOT, Message, load_messages
from tools.processes import (
    Server,
    empty_folder,
    end_on_sigterm,
    hotline_command,
    settings_for,
    start_hotline,
    stop,
    wait_until_ready,
)
from tools.stores import dead_letters, facts_unread, reading, wait_until_drained

DEMO_DIR = ROOT / "var" / "demo"
DEFAULT_PORT = 8080
RESTRICTED = "cần bảo mật"
IN_REVIEW = "chờ người xem lại"


class NotAllThere(click.ClickException):
    """Some message has no ticket."""


@contextlib.contextmanager
def serving(data_dir: Path, port: int) -> Iterator[Server]:
    """Start the demo's server and stop it at the end."""
    server = start_hotline(data_dir, port)
    try:
        wait_until_ready(server)
        yield server
    finally:
        stop(server)


def take_in(server: Server, data_dir: Path, port: int, messages: Sequence[Message]) -> None:
    """Take every message in on its own channel, with one progress bar."""
    slips = [message for message in messages if message.channel == "box"]
    others = [message for message in messages if message.channel != "box"]
    with tqdm(total=len(messages), unit="tin", desc="Tiếp nhận") as bar:
        asyncio.run(send_all(server.url, others, bar.update))
        path = write_box_slips(data_dir / "phieu-hom-thu.csv", slips)
        command = hotline_command("import", str(path))
        done = subprocess.run(
            command, cwd=ROOT, env=settings_for(data_dir, port), check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise NotAllThere(f"hotline import: {done.stderr.strip()[-500:]}")
        bar.update(len(slips))


def wait_for_tickets(data_dir: Path, count: int) -> None:
    """Wait until everything is worked through, with a progress bar; raises NotAllThere."""
    with tqdm(total=count, unit="phiếu", desc="Phân loại, chuyển") as bar:
        while (unread := facts_unread(data_dir)) > 0:
            bar.update(count_tickets(data_dir) - bar.n)
            time.sleep(0.3)
            if unread == facts_unread(data_dir):
                wait_until_drained(data_dir)
                break
        bar.update(count_tickets(data_dir) - bar.n)
    found, buried = count_tickets(data_dir), dead_letters(data_dir)
    if found != count or buried:
        raise NotAllThere(f"{found} of {count} messages have a ticket; dead letters: {buried[:3]}")


def count_tickets(data_dir: Path) -> int:
    """Return how many tickets of received feedback there are."""
    with reading(data_dir) as connection:
        row = connection.execute("select count(*) from respond_ticket where is_received = 1").fetchone()
        return int(row[0])


def tickets_by_code_and_agency(data_dir: Path) -> Counter[tuple[str, str]]:
    """Count the tickets; a restricted one is counted under no code and no agency, one in review under no agency."""
    counted: Counter[tuple[str, str]] = Counter()
    with reading(data_dir) as connection:
        for (document,) in connection.execute("select doc from respond_ticket"):
            ticket = json.loads(document)["ticket"]
            if ticket.get("restricted"):
                counted[RESTRICTED, ""] += 1
                continue
            code = (ticket.get("classification") or {}).get("code", "")
            route = ticket.get("route") or {}
            counted[code, route.get("answers", IN_REVIEW)] += 1
    return counted


def print_tickets(counted: Counter[tuple[str, str]], taxonomy: Taxonomy, directory: AgencyDirectory) -> None:
    """Print one line a code and agency."""
    click.echo(f"\n{'số phiếu':>8}  {'chỉ số':<58}  cơ quan trả lời")
    for (code, agency), count in sorted(counted.items()):
        name = taxonomy.display_name(code, "vi") if code and code != RESTRICTED else code
        answers = directory.get(agency).name if directory.has(agency) else agency
        click.echo(f"{count:>8}  {name[:58]:<58}  {answers}")
    click.echo(f"{sum(counted.values()):>8}  tất cả")


def print_sign_in(url: str, people: Sequence[tuple[DemoAccount, str]]) -> None:
    """Print who can sign in and where they begin."""
    click.echo(f"\nTrang của người dân: {url}/      Đăng nhập: {url}/sign-in")
    click.echo(f"{'vai trò':<16}  {'tên đăng nhập':<18}  {'mật khẩu':<22}  bắt đầu ở")
    for person, password in people:
        click.echo(f"{person.role.value:<16}  {person.username:<18}  {password:<22}  {url}{person.looks_at}")


@click.command()
@click.option("--data-dir", default=DEMO_DIR, type=click.Path(path_type=Path), help="An empty folder of its own.")
@click.option("--load-only", is_flag=True, help="Stop the server when everything is loaded, instead of serving on.")
def main(data_dir: Path, load_only: bool) -> None:
    """Load the development messages into an empty hotline, say how to sign in as each role, and serve."""
    end_on_sigterm()
    port = int(os.environ.get("PORT") or DEFAULT_PORT)
    empty_folder(data_dir, may_empty=DEMO_DIR)
    settings = settings_for(data_dir, port)
    people = asyncio.run(make_accounts(settings))
    messages = load_messages()
    with serving(data_dir, port) as server:
        take_in(server, data_dir, port, messages)
        wait_for_tickets(data_dir, len(messages))
        locality = load_settings(settings).locality
        print_tickets(tickets_by_code_and_agency(data_dir), load_taxonomy(), load_directory(locality))
        print_sign_in(f"http://localhost:{port}", people)
        if not load_only:
            click.echo("\nĐang chạy; Ctrl-C để dừng. (Running; Ctrl-C stops it.)")
            wait_for_end(server)
    if load_only:
        click.echo(f"\nChạy lại: DATA_DIR={os.path.relpath(data_dir)} PORT={port} .venv/bin/hotline run")


def wait_for_end(server: Server) -> None:
    """Wait until the server ends or somebody presses Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        server.process.wait()


if __name__ == "__main__":
    main()
