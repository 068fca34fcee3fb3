"""hotline over MongoDB and Kafka as `hotline run` puts it together, with a database and topics of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from prometheus_client.samples import Sample

from hotline.config import load_settings
from hotline.plumbing.backend import Backend, sealer_of, utc_now
from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.plumbing.mongo import MongoDatabase
from services.cli import SERVICES
from services.server import open_services, put_together
from tests.deploy.started import SECRET, scrape
from tests.servers import unique_name, with_database


async def until_nothing_is_missing(app: web.Application) -> None:
    """Scrape until every source was read: a broker that has just made a topic may not lead it yet."""
    while any(sample.value for sample in await samples(app, "hotline_readings_missing")):  # noqa: ASYNC110
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def opened_over_servers(
    mongodb_url: str, kafka_url: str, data_dir: Path
) -> AsyncIterator[tuple[Backend, web.Application]]:
    """Open all three services over a database and topics of their own; their loops do not run."""
    settings = load_settings(
        {
            "DATA_DIR": str(data_dir),
            "SECRET_KEY": SECRET,
            "SEAL_KEYS": f"test:{SECRET}",
            "STORE_URL": with_database(mongodb_url, unique_name()),
            "BUS_URL": kafka_url,
        }
    )
    options = KafkaOptions(prefix=unique_name())
    await ensure_topics(kafka_url, options, load_topics(replication=1))
    database = await MongoDatabase.open(settings.store_url)
    bus = await open_kafka(kafka_url, sealer_of(settings), options)
    backend = Backend(database=database, bus=bus, sealer=sealer_of(settings), settings=settings, clock=utc_now)
    try:
        async with open_services(backend, SERVICES) as services:
            yield backend, put_together(backend, services, SERVICES)
    finally:
        await bus.close()
        await database.drop()
        await database.close()


async def samples(app: web.Application, name: str) -> list[Sample]:
    """Return what /metrics shows under a name."""
    return [sample for family in await scrape(app) for sample in family.samples if sample.name == name]
