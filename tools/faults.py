"""The faults of the drill: what is done to a running hotline, each returning when the server is ready again.

Called by `drill` and the live tests. Nothing here judges the outcome.
"""

import asyncio
import csv
import random
import resource
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.messages import ROOT, load_messages
from tools.processes import (
    Server,
    hotline_command,
    kill,
    settings_for,
    start_hotline,
    stop,
    wait_until_ready,
)
from tools.stores import DATABASE, count_keys

LOCK_S = 5.0
DISK_FULL_S = 5.0
SETTLE_S = 1.0
ALMOST_NOTHING_BYTES = 4096
HOLD_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("begin immediate")
time.sleep(float(sys.argv[2]))
connection.execute("rollback")
"""


class WrongEnd(Exception):
    """A process ended otherwise than it should."""


@dataclass(slots=True, kw_only=True)
class Patient:
    """The hotline under drill; `server` changes with every start, `data_dir` and `port` never."""

    data_dir: Path
    port: int
    random: random.Random
    server: Server

    async def start(self) -> None:
        """Start it again on the same data and wait until it is ready."""
        self.server = start_hotline(self.data_dir, self.port, LOG_LEVEL="WARNING")
        await asyncio.to_thread(wait_until_ready, self.server)


async def kill_and_restart(patient: Patient) -> None:
    """kill -9 the process group at a random moment, start it again; one time in four kill it while it starts, too."""
    await asyncio.sleep(patient.random.uniform(0.1, 2.5))
    kill(patient.server)
    if patient.random.random() < 0.25:
        half_started = start_hotline(patient.data_dir, patient.port, LOG_LEVEL="WARNING")
        await asyncio.sleep(patient.random.uniform(0.0, 4.0))
        kill(half_started)
    await patient.start()


async def ask_to_stop(patient: Patient) -> None:
    """SIGTERM under load, which must end well, then start again; raises WrongEnd."""
    await asyncio.sleep(patient.random.uniform(0.5, 1.5))
    code = await asyncio.to_thread(stop, patient.server)
    if code != 0:
        raise WrongEnd(f"hotline ended with {code} after SIGTERM; see {patient.server.log}")
    await patient.start()


async def hold_the_lock(patient: Patient) -> None:
    """Let another process hold the database's write lock for a while."""
    command = [sys.executable, "-c", HOLD_LOCK, str(patient.data_dir / DATABASE), str(LOCK_S)]
    other = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True)
    if other.returncode != 0:
        raise WrongEnd(f"the other process could not take the lock: {other.stderr.decode()[-300:]}")
    await asyncio.sleep(SETTLE_S)


async def fill_the_disk(patient: Patient) -> None:
    """Let no file of the process grow for a while (its limit of file size), as on a full disk."""
    with no_room(patient.server.process.pid):
        await asyncio.sleep(DISK_FULL_S)
    await asyncio.sleep(SETTLE_S)
    await asyncio.to_thread(wait_until_ready, patient.server)


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    """Take from a process the right to write past a file's first page, and give it back."""
    usual = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (ALMOST_NOTHING_BYTES, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, usual)


async def kill_an_import(patient: Patient, slips: Path, name: str) -> None:
    """kill -9 `hotline import` in its middle beside the running server, twice, then let it finish; raises WrongEnd."""
    for _ in range(2):
        process = await start_import(patient, slips)
        await until_some_are_in(patient, process, name)
        if process.returncode is None:
            process.kill()
        await process.communicate()
    process = await start_import(patient, slips)
    _, said = await process.communicate()
    if process.returncode != 0:
        raise WrongEnd(f"hotline import ended with {process.returncode}: {said.decode()[-500:]}")


async def start_import(patient: Patient, slips: Path) -> Process:
    """Start `hotline import` on a batch."""
    return await asyncio.create_subprocess_exec(
        *hotline_command("import", str(slips)),
        cwd=ROOT, env=settings_for(patient.data_dir, patient.port), stdout=DEVNULL, stderr=PIPE,
    )  # fmt: skip


async def until_some_are_in(patient: Patient, process: Process, name: str) -> None:
    """Wait until the import has stored more slips than there were, and a random moment longer."""
    before = count_keys(patient.data_dir, name)
    while process.returncode is None:
        await asyncio.sleep(0.01)
        if count_keys(patient.data_dir, name) > before:
            break
    await asyncio.sleep(patient.random.uniform(0.0, 0.1))


def write_slips(path: Path, name: str, count: int) -> list[str]:
    """Write a batch of `count` box slips as CSV and return their keys (`external_id`); texts repeat, as in life."""
    messages = load_messages()
    opened_at = (datetime.now(UTC) - timedelta(hours=20)).astimezone().isoformat(timespec="seconds")
    keys = [f"{name}-{number}" for number in range(count)]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["row", "box", "opened_at", "text", "external_id"])
        for number, key in enumerate(keys):
            rows.writerow([number + 1, "HT-01", opened_at, messages[number % len(messages)].text, key])
    return keys
