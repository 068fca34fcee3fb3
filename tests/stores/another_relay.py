"""A relay as another process runs it, which is killed between the broker's word and its own; used by `test_relay.py`.

`python -m tests.stores.another_relay <MongoDB address> <file of the log>` dies with what it published still marked as
waiting.
"""

import asyncio
import sys
from pathlib import Path

from hotline.plumbing.backend import utc_now
from hotline.plumbing.bus_sqlite import open_log
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.relay import Relay
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database
from tests.stores.another_process import DieBefore

SERVICE = "things"
COLLECTION = "things"


async def main(address: str, log: str) -> None:
    """Carry, and die."""
    mongo = await MongoDatabase.open(address, listeners=[DieBefore("update", COLLECTION)])
    file = await Database.open(Path(log))
    # What is sealed already is only passed on: this process needs none of the keys.
    bus = await open_log(file, Sealer({"unused": "a secret only for tests"}))
    await Relay(mongo, bus, SERVICE, [COLLECTION], utc_now).carry(mongo.collection(COLLECTION))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
