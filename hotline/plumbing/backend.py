"""Opens what the settings name: the database, the log of facts, the secret; one place that knows the schemes.

Called by `services/cli.py` and by tests; services are handed the `Backend`.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hotline.config import Settings, sqlite_path
from hotline.plumbing.bus_sqlite import SqliteLog, open_log
from hotline.plumbing.seal import DEFAULT_KEY_ID, Sealer
from hotline.plumbing.sqlite import Database, StoreUnavailable

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What a service needs to store and to speak; `settings.secret_key` is always there, given or made."""

    database: Database
    log: SqliteLog
    settings: Settings
    clock: Clock


def utc_now() -> datetime:
    """The clock of the edges."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_backend(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Backend]:
    """Open database and log for as long as the block lasts; raises StoreUnavailable with the reason."""
    settings = replace(settings, secret_key=settings.secret_key or load_or_make_secret(settings.data_dir))
    sealer = Sealer(settings.seal_keys or {DEFAULT_KEY_ID: settings.secret_key})
    database = await Database.open(sqlite_path(settings.store_url))
    try:
        log = await open_log(database, sealer)
        yield Backend(database=database, log=log, settings=settings, clock=clock)
    finally:
        await database.close()


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
    """Hold the database's lock file: a second server over one file is refused, commands beside it are not."""
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
