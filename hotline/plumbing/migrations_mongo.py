"""Numbered migrations of a MongoDB database, one sequence per service, under a lock.

Called when a store opens, by every replica. Collections and indexes need none; a migration changes stored documents
and must be safe to begin again, as a process may die in it: beside itself too, when it takes longer than LOCKED_FOR.
A database that a newer release has written is refused.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hotline.plumbing.lease import hold, let_go
from hotline.plumbing.migrations import SchemaTooNew
from hotline.plumbing.mongo import MongoDatabase

DONE = "meta_migration"
LOCKED_FOR = timedelta(minutes=10)
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoMigration:
    """One step, run in the order of `number` (1, 2, 3 …); safe to begin again."""

    number: int
    run: Callable[[MongoDatabase], Awaitable[None]]


async def migrate(mongo: MongoDatabase, service: str, migrations: Sequence[MongoMigration]) -> None:
    """Bring `service`'s documents up to date; other replicas wait meanwhile. Raises SchemaTooNew."""
    missing = await missing_of(mongo, service, migrations)
    if not missing:
        return
    holder, name = secrets.token_hex(8), f"migrate:{service}"
    while not await hold(mongo, name, holder, now=datetime.now(UTC), period=LOCKED_FOR):  # noqa: ASYNC110 - another process lets go, no event tells
        await asyncio.sleep(LOOK_EVERY_S)
    try:
        for migration in await missing_of(mongo, service, migrations):
            await migration.run(mongo)
            await record(mongo, service, migration.number)
    finally:
        await let_go(mongo, name, holder)


async def missing_of(mongo: MongoDatabase, service: str, migrations: Sequence[MongoMigration]) -> list[MongoMigration]:
    """Return what has not run yet, in order; raises SchemaTooNew for a database of a newer release."""
    found = await mongo.collection(DONE).find_one({"_id": service})
    done = set(found["numbers"]) if found else set()
    newest = max((migration.number for migration in migrations), default=0)
    if done and max(done) > newest:
        raise SchemaTooNew(
            f"{service}'s documents are of schema {max(done)}, this release knows {newest}: start the newer release, "
            "or restore the backup made before the upgrade"
        )
    return sorted((step for step in migrations if step.number not in done), key=lambda step: step.number)


async def record(mongo: MongoDatabase, service: str, number: int) -> None:
    """Keep that a migration has run."""
    await mongo.collection(DONE).update_one({"_id": service}, {"$addToSet": {"numbers": number}}, upsert=True)
