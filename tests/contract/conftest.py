"""The backends that the conformance suite runs over; Kafka and MongoDB join by one more entry each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.plumbing.bus import Bus
from hotline.plumbing.bus_sqlite import open_log
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database

BUSES = ("sqlite",)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database file."""
    database = await Database.open(tmp_path / "hotline.db")
    yield database
    await database.close()


@pytest.fixture(params=BUSES)
async def bus(request: pytest.FixtureRequest, database: Database) -> Bus:
    """An empty log of facts of each backend."""
    assert request.param in BUSES
    return await open_log(database, Sealer({"test": "a secret only for tests"}))
