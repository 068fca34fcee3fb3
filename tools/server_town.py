"""hotline in its second shape, on one machine: a broker and a database of its own, and each service as processes.

Called by the drill of the servers. A process has a name: `ingest` is the first of its service, `ingest.2` a replica;
each has its own port and folder, which it keeps over every restart. The shared test servers are never touched.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.broker import Progress, dead_letters, progress
from tools.load import FEEDBACK_PATH
from tools.messages import ROOT
from tools.processes import (
    HOST,
    Server,
    hotline_command,
    kill,
    settings_for,
    share_models,
    start,
    stop,
    wait_until_ready,
)
from tools.server_processes import KAFKA, MONGODB, TestServer, kill_server, server_port, start_server
from tools.stores import GROUPS, STUCK_S, Census
from tools.stores_mongo import facts_waiting, take_census

SERVICES = GROUPS
INTAKE = "ingest"
DATABASE = "hotline"
KEY_ID = "drill"
SECRET = "secret-of-the-drill-alone-which-ends-with-it"  # noqa: S105 - of nobody
LOOK_EVERY_S = 0.5
BROKER = {
    # What `hotline topics` asks of a broker.
    "offsets.retention.minutes": "43200",
}


class WrongEnd(Exception):
    """A process ended otherwise than it should."""


@dataclass(slots=True, kw_only=True)
class ServerTown:
    """The processes of a drill, see `Town`; `folder` holds all of their data, `random` chooses moments and victims."""

    folder: Path
    random: random.Random
    broker: TestServer
    database: TestServer
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, Server] = field(default_factory=dict)

    @property
    def store_url(self) -> str:
        """STORE_URL of the services."""
        return f"{self.database.url}/{DATABASE}"

    def settings(self, name: str) -> dict[str, str]:
        """Return the settings of a process."""
        return settings_for(
            self.folder / name,
            self.port_of(name),
            STORE_URL=self.store_url,
            BUS_URL=self.broker.url,
            SECRET_KEY=SECRET,
            SEAL_KEYS=f"{KEY_ID}:{SECRET}",
            METRICS_PORT=str(self.port_of(f"{name}/metrics")),
            LOG_LEVEL="WARNING",
        )

    def port_of(self, name: str) -> int:
        """Return the port that a process keeps."""
        return self.ports.setdefault(name, server_port())

    def metrics_url(self, name: str) -> str:
        """Return where a process shows itself to Prometheus."""
        return f"http://{HOST}:{self.port_of(f'{name}/metrics')}/metrics"

    def intake(self) -> Sequence[str]:
        """See `Town`: as a proxy would, every ingest that should run, dead or not; the first while none should."""
        names = [name for name in self.running if service_of(name) == INTAKE] or [INTAKE]
        return [f"http://{HOST}:{self.port_of(name)}{FEEDBACK_PATH}" for name in names]

    async def census(self) -> Census:
        """See `Town`."""
        return await asyncio.to_thread(take_census, self.store_url)

    async def dead_letters(self) -> list[str]:
        """See `Town`."""
        return await dead_letters(self.broker.url)

    async def settled(self) -> None:
        """See `Town`.

        Looks twice: nothing waits and nothing new came in between, so nothing was under way between the stores.
        """
        seen: tuple[int, Progress] | None = None
        moved_at = time.monotonic()
        while time.monotonic() - moved_at < STUCK_S:
            now = await asyncio.to_thread(facts_waiting, self.store_url), await progress(self.broker.url, GROUPS)
            if now == seen and now[0] == 0 and now[1].is_finished:
                return
            if now != seen:
                seen, moved_at = now, time.monotonic()
            await asyncio.sleep(LOOK_EVERY_S)

    async def start(self, *names: str, broken: Sequence[str] = ()) -> None:
        """Start processes and wait until all are ready; `broken` are the options of `tools.breaking`."""
        for name in names:
            self.launch(name, broken)
        await asyncio.gather(*(asyncio.to_thread(wait_until_ready, self.running[name]) for name in names))

    def launch(self, name: str, broken: Sequence[str] = ()) -> None:
        """Start a process and return at once."""
        folder = self.folder / name
        share_models(folder)
        run = ["run", service_of(name)]
        command = [sys.executable, "-m", "tools.breaking", *broken, *run] if broken else hotline_command(*run)
        self.running[name] = start(command, self.settings(name), self.port_of(name), folder / "server.log")

    def kill(self, name: str) -> None:
        """kill -9 a process; it counts as one that should run until it is stopped."""
        kill(self.running[name])

    async def stop(self, *names: str) -> None:
        """Ask processes to end, all at once; raises WrongEnd when one does not end well."""
        codes = await asyncio.gather(*(asyncio.to_thread(stop, self.running[name]) for name in names))
        for name, code in zip(names, codes, strict=True):
            server = self.running.pop(name)
            if code != 0:
                raise WrongEnd(f"{name} ended with {code} after SIGTERM; see {server.log}")

    async def keep_running(self, broken: Sequence[str]) -> list[str]:
        """Start again what has died, waiting for nothing; return the names."""
        died = [name for name, server in self.running.items() if server.process.poll() is not None]
        for name in died:
            self.launch(name, broken)
        return died

    async def hotline(self, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
        """Run a `hotline` command to its end and return what it printed; raises WrongEnd with what it said."""
        done = await asyncio.to_thread(
            subprocess.run, hotline_command(*arguments), check=False, capture_output=True, text=True, cwd=ROOT,
            env={**self.settings(SERVICES[0]), **(settings or {})},
        )  # fmt: skip
        if done.returncode != 0:
            raise WrongEnd(f"hotline {arguments[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
        return str(done.stdout)

    def end(self) -> None:
        """kill -9 all that runs."""
        for server in self.running.values():
            kill(server)
        kill_server(self.broker)
        kill_server(self.database)


def service_of(name: str) -> str:
    """Return which service a process runs."""
    return name.partition(".")[0]


async def open_town(folder: Path, chance: random.Random) -> ServerTown:
    """Start broker, database and one process of each service in an empty folder; raises CannotStart, DidNotStart."""
    started = await asyncio.gather(
        asyncio.to_thread(start_server, KAFKA, folder / KAFKA, properties=BROKER),
        asyncio.to_thread(start_server, MONGODB, folder / MONGODB),
        return_exceptions=True,
    )
    servers = [server for server in started if isinstance(server, TestServer)]
    try:
        for failure in started:
            if isinstance(failure, BaseException):
                raise failure
        town = ServerTown(folder=folder, random=chance, broker=servers[0], database=servers[1])
    except BaseException:
        for server in servers:
            kill_server(server)
        raise
    try:
        await town.hotline("topics", "--replication", "1")
        await town.start(*SERVICES)
    except BaseException:
        town.end()
        raise
    return town
