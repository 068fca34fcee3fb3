"""The logs of facts that the conformance suite runs over; the test's id names which."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.plumbing.bus import Bus
from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.plumbing.bus_sqlite import open_log
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database
from tests.servers import unique_name

BUSES = ("sqlite", pytest.param("kafka", marks=pytest.mark.live))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database file."""
    database = await Database.open(tmp_path / "hotline.db")
    yield database
    await database.close()


@pytest.fixture(params=BUSES)
async def bus(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Bus]:
    """An empty log of facts of each backend."""
    sealer = Sealer({"test": "a secret only for tests"})
    if request.param == "sqlite":
        yield await open_log(database, sealer)
        return
    url: str = request.getfixturevalue("kafka_url")
    options = KafkaOptions(prefix=unique_name())
    await ensure_topics(url, options, load_topics(replication=1))
    bus = await open_kafka(url, sealer, options)
    yield bus
    await bus.close()
