"""Remembers in a store which backup was restored into it, and from which epoch its facts are counted since.

Every service's store opens with its epoch, so that what is told after a restore is newer than all that was told
before, of documents too which the backup did not know. A half restored store is refused to whoever would serve it.
"""

import secrets
from dataclasses import asdict, dataclass

import msgspec

from hotline.plumbing.backend import Backend
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.migrations import Migration, migrate
from hotline.plumbing.sqlite import Database

RESTORES = "meta_restore"
MIGRATIONS = (
    Migration(
        number=1,
        statements=(
            """create table meta_restore (
                 part text primary key, backup_id text not null, epoch integer not null,
                 is_finished integer not null) without rowid""",
        ),
    ),
)


class Served(WorldIsDown):
    """A process of hotline serves this database: the message says what to do."""


class HalfRestored(WorldIsDown):
    """A restore into this store was begun and has not ended: the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The newest restore of one part: a service's store, or the facts."""

    part: str
    backup_id: str
    epoch: int
    is_finished: bool


async def restore_of(backend: Backend, part: str) -> Restore | None:
    """Return the newest restore of a part, None when there never was one."""
    if isinstance(backend.database, Database):
        await migrate(backend.database, "restore", MIGRATIONS)
        row = await backend.database.read(
            lambda connection: connection.execute("select * from meta_restore where part = ?", (part,)).fetchone()
        )
        return msgspec.convert(dict(row), Restore, strict=False) if row else None
    found = await backend.database.collection(RESTORES).find_one({"_id": part})
    return msgspec.convert(found, Restore) if found else None


async def keep_restore(backend: Backend, restore: Restore) -> None:
    """Remember a restore over the one before."""
    if isinstance(backend.database, Database):
        await migrate(backend.database, "restore", MIGRATIONS)
        values = (restore.part, restore.backup_id, restore.epoch, restore.is_finished)
        await backend.database.write(
            lambda connection: connection.execute("insert or replace into meta_restore values (?,?,?,?)", values)
        )
        return
    collection = backend.database.collection(RESTORES)
    await collection.update_one({"_id": restore.part}, {"$set": asdict(restore)}, upsert=True)


async def epoch_of(backend: Backend, service: str) -> int:
    """Return the epoch under which a service's new documents count their facts, 0 before any restore."""
    restore = await restore_of(backend, service)
    return restore.epoch if restore else 0


async def refuse_half_restored(backend: Backend, service: str) -> None:
    """Raise HalfRestored when a restore of a service's store has not ended."""
    restore = await restore_of(backend, service)
    if restore is not None and not restore.is_finished:
        raise HalfRestored(
            f"the store of {service} is half restored: say `hotline restore` with the backup {restore.backup_id} again"
        )


async def refuse_served(backend: Backend, service: str) -> None:
    """Raise Served while a process serves a service over this MongoDB database; over a file its lock says it."""
    if isinstance(backend.database, Database):
        return
    from hotline.plumbing.lease import hold, let_go
    from hotline.plumbing.relay import LEASE, lease_of

    lease, ours = lease_of(service), secrets.token_hex(8)
    if not await hold(backend.database, lease, ours, now=backend.clock(), period=LEASE):
        raise Served(
            f"a process serves {service} over this database: stop every process of hotline (one that was killed is "
            f"forgotten after {LEASE.seconds} seconds), or give another STORE_URL"
        )
    await let_go(backend.database, lease, ours)
