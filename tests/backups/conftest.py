"""Houses over backends of every shape: one file, MongoDB with a log in a file, or MongoDB and Kafka."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import Backend, open_backend, sealer_of
from hotline.plumbing.bus_sqlite import open_log
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.sqlite import Database
from tests.backups.house import Clock, House
from tests.servers import unique_name, with_database

SECRET = "a secret that is long enough and only for tests"
NEW_KEY = "another secret that is long enough and for facts"
SEAL_KEYS = f"test:{NEW_KEY},secret-key:{SECRET}"
SHAPES = ("sqlite", pytest.param("mongodb", marks=pytest.mark.live))
MOVES = (
    ("sqlite", "sqlite"),
    pytest.param(("sqlite", "mongodb"), marks=pytest.mark.live, id="sqlite-mongodb"),
    pytest.param(("mongodb", "sqlite"), marks=pytest.mark.live, id="mongodb-sqlite"),
    pytest.param(("mongodb", "mongodb"), marks=pytest.mark.live, id="mongodb-mongodb"),
)


class Houses:
    """Builds empty houses, each over a backend of its own, and takes them down after the test."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> None:
        self.request = request
        self.folder = folder
        self.stack = stack
        self.clock = Clock()

    async def build(self, shape: str, *, secret: str = SECRET, seal_keys: str = SEAL_KEYS) -> House:
        """Build one; `mongodb` has its log in a file, `servers` on a real broker."""
        data_dir = self.folder / unique_name(shape)
        build = {"sqlite": self.embedded, "mongodb": self.over_mongodb, "servers": self.over_servers}[shape]
        environment = {"DATA_DIR": str(data_dir), "SECRET_KEY": secret, "SEAL_KEYS": seal_keys}
        return await House(backend=await build(environment), clock=self.clock).open()

    async def embedded(self, environment: dict[str, str]) -> Backend:
        """Open one file."""
        return await self.stack.enter_async_context(open_backend(load_settings(environment), self.clock))

    async def over_mongodb(self, environment: dict[str, str]) -> Backend:
        """Open MongoDB, with a log that can be read without waiting."""
        backend = await self.documents(environment)
        file = await Database.open(backend.settings.data_dir / "log.db")
        self.stack.push_async_callback(file.close)
        return replace(backend, bus=await open_log(file, backend.sealer))

    async def over_servers(self, environment: dict[str, str]) -> Backend:
        """Open MongoDB and Kafka."""
        from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
        from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics

        url = self.request.getfixturevalue("kafka_url")
        backend, options = await self.documents(environment), KafkaOptions(prefix=unique_name())
        await ensure_topics(url, options, load_topics(replication=1))
        bus = await open_kafka(url, backend.sealer, options)
        self.stack.push_async_callback(bus.close)
        return replace(backend, bus=bus)

    async def documents(self, environment: dict[str, str]) -> Backend:
        """Open a MongoDB database of this test alone, without a bus yet; the settings are an operator's."""
        url = with_database(self.request.getfixturevalue("mongodb_url"), unique_name())
        settings = load_settings(environment | {"STORE_URL": url, "BUS_URL": "kafka://localhost:9092"})
        mongo = await MongoDatabase.open(url)
        self.stack.push_async_callback(mongo.close)
        self.stack.push_async_callback(mongo.drop)
        no_bus: object = None
        return Backend(
            database=mongo,
            bus=no_bus,  # type: ignore[arg-type]
            sealer=sealer_of(settings),
            settings=settings,
            clock=self.clock,
        )


@pytest.fixture
async def houses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Houses]:
    """Return the builder of this test."""
    async with AsyncExitStack() as stack:
        yield Houses(request, tmp_path, stack)
