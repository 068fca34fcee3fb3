"""Numbered migrations of the embedded database, one sequence per service.

Called when a store opens. Runs what is new inside the group commit's transaction; refuses a file that a newer release
has written.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.plumbing.sqlite import Database

DONE = """
create table if not exists meta_migration (
  service text not null, number integer not null, primary key (service, number)
) without rowid"""


class SchemaTooNew(Exception):
    """The database was written by a newer release; the message says which part and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step: SQL statements, run once, in the order of `number` (1, 2, 3 …)."""

    number: int
    statements: tuple[str, ...]


async def migrate(database: Database, service: str, migrations: Sequence[Migration]) -> None:
    """Bring `service`'s tables up to date; calling twice is safe. Raises SchemaTooNew."""
    await database.write(lambda connection: run_migrations(connection, service, migrations))


def run_migrations(connection: sqlite3.Connection, service: str, migrations: Sequence[Migration]) -> None:
    """Run what has not run yet."""
    connection.execute(DONE)
    rows = connection.execute("select number from meta_migration where service = ?", (service,))
    done = {row["number"] for row in rows}
    newest = max((migration.number for migration in migrations), default=0)
    if done and max(done) > newest:
        raise SchemaTooNew(
            f"{service}'s tables are of schema {max(done)}, this release knows {newest}: start the newer release, "
            "or restore the backup made before the upgrade"
        )
    for migration in sorted(migrations, key=lambda migration: migration.number):
        if migration.number not in done:
            for statement in migration.statements:
                connection.execute(statement)
            connection.execute("insert into meta_migration values (?, ?)", (service, migration.number))
