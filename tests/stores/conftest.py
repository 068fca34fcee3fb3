"""The backends that every store's tests run over; a test's id names which."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.config import Settings, load_settings
from hotline.plumbing.backend import Backend, open_backend, sealer_of, utc_now
from hotline.plumbing.bus_sqlite import open_log
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.sqlite import Database
from services.classify.consumer import handler
from services.classify.store import ClassifyStore
from tests.classify.test_review_actions import judging
from tests.servers import unique_name, with_database
from tests.stores.classifications import NOW, Arrive
from tests.stores.meanwhile import Meanwhile
from tests.stores.watching import Plans

SECRET = "a secret that is long enough and only for tests"
BACKENDS = ("sqlite", pytest.param("mongodb", marks=pytest.mark.live))


@pytest.fixture
def arrive(store: ClassifyStore) -> Arrive:
    """What classify's consuming loop calls for each fact, over the store of the test's file."""
    return handler(store, judging(), lambda: NOW)


@pytest.fixture
def plans() -> Plans:
    """Return what hears every command that the test's MongoDB database is sent."""
    return Plans()


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Return what can let something happen before a command of the test's MongoDB database."""
    return Meanwhile()


@pytest.fixture
def mongo_address(mongodb_url: str) -> str:
    """Return the address of a MongoDB database of this test alone."""
    return with_database(mongodb_url, unique_name())


@pytest.fixture
async def mongo(mongo_address: str, plans: Plans, meanwhile: Meanwhile) -> AsyncIterator[MongoDatabase]:
    """That database, empty, dropped afterwards."""
    database = await MongoDatabase.open(mongo_address, listeners=[plans, meanwhile])
    yield database
    meanwhile.forget()
    await database.drop()
    await database.close()


@pytest.fixture
async def other_mongo(mongo: MongoDatabase, mongo_address: str) -> AsyncIterator[MongoDatabase]:
    """The same database as another process has it open; nothing listens."""
    database = await MongoDatabase.open(mongo_address)
    yield database
    await database.close()


@pytest.fixture
async def mongodb_backend(mongo: MongoDatabase, mongodb_url: str, tmp_path: Path) -> AsyncIterator[Backend]:
    """Documents in MongoDB, and a log of facts in a file, which is a real bus that can be read back."""
    settings = mongodb_settings(mongodb_url, tmp_path)
    sealer = sealer_of(settings)
    file = await Database.open(tmp_path / "log.db")
    bus = await open_log(file, sealer)
    yield Backend(database=mongo, bus=bus, sealer=sealer, settings=settings, clock=utc_now)
    await file.close()


def mongodb_settings(mongodb_url: str, data_dir: Path) -> Settings:
    """Return settings as an operator gives them; nobody speaks to their BUS_URL."""
    return load_settings(
        {
            "DATA_DIR": str(data_dir),
            "SECRET_KEY": SECRET,
            "SEAL_KEYS": f"test:{SECRET}",
            "STORE_URL": with_database(mongodb_url, "hotline"),
            "BUS_URL": "kafka://localhost:9092",
        }
    )


@pytest.fixture
async def sqlite_backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Documents and facts in one file, as the product opens it."""
    async with open_backend(load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})) as backend:
        yield backend


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """An empty backend of each shape."""
    backend: Backend = request.getfixturevalue(f"{request.param}_backend")
    return backend
