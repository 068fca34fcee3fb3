"""Opens what the settings name: database, log of facts, files, secret; one place that knows the schemes.

Called by `services/cli.py` and by tests; services are handed the `Backend`. Two shapes: everything in one SQLite
file, or MongoDB and Kafka. The modules of the one are never loaded for the other.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector

from hotline.config import Settings, sqlite_path
from hotline.plumbing.bus import Bus
from hotline.plumbing.failures import StoreUnavailable, WorldIsDown
from hotline.plumbing.files import FileVault, Vault
from hotline.plumbing.metrics import STORE_COMMAND_SECONDS, histogram
from hotline.plumbing.seal import DEFAULT_KEY_ID, Sealer
from hotline.plumbing.sqlite import Database

if TYPE_CHECKING:
    from hotline.plumbing.mongo import MongoDatabase
    from hotline.plumbing.relay import Relay

Clock = Callable[[], datetime]
Loop = Callable[[], Awaitable[None]]

# A probe waits a few seconds for its answer, not for a driver's patience.
ANSWERS_WITHIN_S = 3.0


def utc_now() -> datetime:
    """The clock of the edges."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What a service needs to store and to speak; `settings.secret_key` is always there, given or made.

    `loops` keep the backend itself in order; `relays` are those that were asked for, `measures` stand at
    /metrics.
    """

    database: "Database | MongoDatabase"
    bus: Bus
    sealer: Sealer
    settings: Settings
    clock: Clock
    loops: Mapping[str, Loop] = field(default_factory=dict)
    relays: "list[Relay]" = field(default_factory=list)
    measures: tuple[Collector, ...] = ()

    def vault(self, owner: str) -> Vault:
        """Return where one owner's files are kept: `feedback` of ingest, `answers` of respond."""
        if isinstance(self.database, Database):
            return FileVault(folder=self.settings.files_dir / owner)
        from hotline.plumbing.files_gridfs import GridVault

        return GridVault(self.database, owner)

    def relay(self, service: str, collections: Sequence[str]) -> Mapping[str, Loop]:
        """Return the loop that carries a service's stored facts to the bus; none where storing them publishes them."""
        if isinstance(self.database, Database):
            return {}
        from hotline.plumbing.relay import Relay

        relay = Relay(self.database, self.bus, service, collections, self.clock)
        self.relays.append(relay)
        return {"relay": relay.run}

    @property
    def dependencies(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what must answer for anything to work, by name, and how each is asked."""
        return {"store": self.database.ping, "bus": self.bus.ping}

    async def troubles(self) -> Mapping[str, str]:
        """Name the dependencies that do not answer now, each with the reason; nothing when all is well.

        A reason names no secret; each is waited for ANSWERS_WITHIN_S at most.
        """
        reasons = await asyncio.gather(*(reason_of(check) for check in self.dependencies.values()))
        return {name: reason for name, reason in zip(self.dependencies, reasons, strict=True) if reason}


async def reason_of(check: Callable[[], Awaitable[None]]) -> str | None:
    """Return why a dependency does not answer, None when it does; waits for ANSWERS_WITHIN_S at most."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await check()
    except WorldIsDown as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {ANSWERS_WITHIN_S:g} s"
    return None


@contextlib.asynccontextmanager
async def open_backend(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Backend]:
    """Open database and bus for as long as the block lasts; raises WorldIsDown with the reason."""
    open_shape = open_embedded if settings.is_embedded else open_servers
    async with open_shape(settings, clock) as backend:
        yield backend


@contextlib.asynccontextmanager
async def open_embedded(settings: Settings, clock: Clock) -> AsyncIterator[Backend]:
    """Open the one file."""
    from hotline.plumbing.bus_sqlite import open_log, trim_for_ever

    settings = replace(settings, secret_key=settings.secret_key or load_or_make_secret(settings.data_dir))
    sealer = sealer_of(settings)
    database = await Database.open(sqlite_path(settings.store_url))
    try:
        log = await open_log(database, sealer)
        loops = {"log.trim": partial(trim_for_ever, log, clock)}
        yield Backend(database=database, bus=log, sealer=sealer, settings=settings, clock=clock, loops=loops)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def open_servers(settings: Settings, clock: Clock) -> AsyncIterator[Backend]:
    """Open MongoDB and Kafka."""
    from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
    from hotline.plumbing.mongo import CommandTimes, MongoDatabase

    sealer = sealer_of(settings)
    seconds = histogram(STORE_COMMAND_SECONDS)
    times = CommandTimes(lambda command, took_s: seconds.labels(command).observe(took_s))
    database = await MongoDatabase.open(settings.store_url, listeners=[times])
    try:
        bus = await open_kafka(settings.bus_url, sealer, KafkaOptions.of(settings))
        try:
            yield Backend(
                database=database, bus=bus, sealer=sealer, settings=settings, clock=clock, measures=(seconds,)
            )
        finally:
            await bus.close()
    finally:
        await database.close()


def sealer_of(settings: Settings) -> Sealer:
    """Return what seals facts: SEAL_KEYS, or the product's secret where none are given."""
    return Sealer(settings.seal_keys or {DEFAULT_KEY_ID: settings.secret_key})


def load_or_make_secret(data_dir: Path) -> str:
    """Return the secret kept in `data_dir`, made on the first start, readable by its owner alone."""
    path = data_dir / "secret.key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            make_secret(path)
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{path} cannot be read or made: {error}") from error
    if not secret:
        raise StoreUnavailable(f"{path} is empty: restore it from the backup, or remove it to start with a new secret")
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret whole or not at all; of two processes at once the first wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


@contextlib.contextmanager
def only_server(settings: Settings) -> Iterator[None]:
    """Hold the database's lock file: a second server over one file is refused, commands beside it are not.

    Over MongoDB as many as one likes serve together: nothing is held.
    """
    if not settings.is_embedded:
        yield
        return
    path = sqlite_path(settings.store_url).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreUnavailable(
                f"another hotline process serves {path.with_suffix('.db')}: stop it, or give this one its own DATA_DIR"
            ) from error
        yield
