"""Backups taken under load, each service put back to another instant: what `hotline reconcile` must bring together.

Called by `drill_servers`. ingest is put back to the newest, as nothing else knows a feedback that it has lost; the
broker keeps its facts. Nothing here judges the outcome.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pymongo import MongoClient

from tools.drilling import Drill
from tools.server_town import SERVICES, ServerTown

# Under load the older two, the newest when every feedback is answered and not yet worked through.
BACKED_UP_TO = {"classify": "oldest", "respond": "later", "ingest": "newest"}


async def back_up_and_restore(drill: Drill, town: ServerTown, feedbacks: int) -> None:
    """Take three backups, two of them under load; lose the database; put each service back to another one."""
    backups: dict[str, Path] = {}
    oldest, later, newest = BACKED_UP_TO.values()
    async with drill.load(feedbacks):
        for part, name in enumerate((oldest, later), start=1):
            await drill.until_sent(feedbacks * part // 3)
            backups[name] = await back_up(town, name)
    backups[newest] = await back_up(town, newest)
    await town.stop(*SERVICES)
    await asyncio.to_thread(lose_database, town.store_url)
    await restore(town, backups)
    await town.start(*SERVICES)
    await town.hotline("reconcile")


async def back_up(town: ServerTown, name: str) -> Path:
    """Take a backup beside the running services."""
    folder = town.folder / "backups" / name
    await town.hotline("backup", str(folder))
    return folder


async def restore(town: ServerTown, backups: Mapping[str, Path]) -> None:
    """Put each service back from its backup."""
    for service, name in BACKED_UP_TO.items():
        await town.hotline("restore", str(backups[name]), service)


def lose_database(url: str) -> None:
    """Drop all that the services stored."""
    client: MongoClient[dict[str, object]] = MongoClient(url)
    client.drop_database(client.get_default_database().name)
    client.close()
