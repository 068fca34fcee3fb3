"""What the backend shows at /metrics, over each backend: what waits, what was buried, what does not answer."""

from dataclasses import replace
from datetime import timedelta

from hotline.plumbing.backend import Backend
from hotline.plumbing.metrics import (
    CONSUMER_LAG,
    DEAD_LETTERS,
    DEPENDENCY_UP,
    LOOP_IN_TROUBLE,
    OLDEST_PENDING_SECONDS,
    PENDING_DOCUMENTS,
    Metric,
    Reading,
)  # fmt: skip
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.readings import backend_gauges
from services.classify.opening import RELAYED, open_store
from tests.stores.classifications import NOW, classification, told

GROUPS = ("classify", "respond")


async def shown(backend: Backend, source: str) -> list[Reading]:
    """Return what a source shows now."""
    return list(await backend_gauges(backend, GROUPS)[source]())


def values(readings: list[Reading], metric: Metric) -> dict[str, float]:
    """Return a metric's values by their labels."""
    return {" ".join(reading.labels.values()): reading.value for reading in readings if reading.metric is metric}


async def test_a_fact_waits_in_mongodb_until_the_relay_has_carried_it_and_then_for_its_readers(
    backend: Backend,
) -> None:
    backend.relay("classify", RELAYED)
    store = await open_store(backend)
    document = classification()
    await store.add(document, told(document))
    is_mongodb = isinstance(backend.database, MongoDatabase)
    before = await shown(backend, "outbox")
    assert values(before, PENDING_DOCUMENTS) == {"classify": int(is_mongodb), "respond": 0}
    assert values(before, LOOP_IN_TROUBLE) == ({"classify relay": 0} if is_mongodb else {})
    for relay in backend.relays:
        await relay.carry_if_holder()
    after = await shown(backend, "outbox")
    assert values(after, PENDING_DOCUMENTS) == values(after, OLDEST_PENDING_SECONDS) == {"classify": 0, "respond": 0}
    lags = values(await shown(backend, "lag"), CONSUMER_LAG)
    assert lags == {"classify 0": 1, "respond 0": 1}


async def test_how_long_the_oldest_fact_waits_is_told_of_the_longest_waiting(mongodb_backend: Backend) -> None:
    mongodb_backend.relay("classify", RELAYED)
    store = await open_store(mongodb_backend)
    document = classification()
    await store.add(document, told(document))
    (relay,) = mongodb_backend.relays
    assert await relay.oldest_pending_age_s(NOW + timedelta(minutes=10)) == 600


async def test_a_dead_letter_counts_for_the_group_that_could_not_handle_it(backend: Backend) -> None:
    document = classification()
    await backend.bus.publish(told(document))
    (delivery,) = await backend.bus.subscribe("respond").next_batch(1)
    await backend.bus.bury("respond", delivery, error="KeyError at a.py:1", attempts=5, now=NOW)
    assert values(await shown(backend, "dead_letters"), DEAD_LETTERS) == {"classify": 0, "respond": 1}


async def test_a_file_that_is_closed_is_store_and_bus_in_one(sqlite_backend: Backend) -> None:
    assert await sqlite_backend.troubles() == {}
    await sqlite_backend.database.close()
    assert await sqlite_backend.troubles() == {"store": "the database is closed", "bus": "the database is closed"}
    assert values(await shown(sqlite_backend, "dependencies"), DEPENDENCY_UP) == {"store": 0, "bus": 0}


async def test_a_store_that_is_gone_is_told_with_the_reason_and_the_bus_still_read(
    mongodb_backend: Backend, other_mongo: MongoDatabase
) -> None:
    backend = replace(mongodb_backend, database=other_mongo)
    assert values(await shown(backend, "dependencies"), DEPENDENCY_UP) == {"store": 1, "bus": 1}
    await other_mongo.close()
    troubles = await backend.troubles()
    assert list(troubles) == ["store"] and "cannot be reached" in troubles["store"]
    assert values(await shown(backend, "dependencies"), DEPENDENCY_UP) == {"store": 0, "bus": 1}
    assert values(await shown(backend, "dead_letters"), DEAD_LETTERS) == {"classify": 0, "respond": 0}
