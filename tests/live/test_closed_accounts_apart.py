"""Services apart over MongoDB and Kafka: an account closed in respond's store ends the session that ingest knows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from hotline.config import Settings, load_settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.plumbing.bus_kafka import KafkaOptions
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.roles import Role
from services.cli import SERVICES
from services.respond.account_actions import close_account, create_account
from services.respond.accounts import session_for
from services.respond.opening import open_desk
from services.server import open_services, put_together, run_forever
from tests.live.own_broker import OwnBroker
from tests.pages.client import PageClient
from tests.servers import unique_name, with_database
from tools.server_processes import start_again

pytestmark = pytest.mark.live
SECRET = "a secret of at least thirty-two characters"
PASSWORD = "nước chảy đá mòn 1022"
HOURS = 8
# What a process needs besides its pages for this story; the model need not be trained.
LOOPS = ("sessions.revocations", "respond.relay")


@pytest.fixture
async def settings(own_broker: OwnBroker, mongodb_url: str) -> Settings:
    """Settings of one product over both servers."""
    url = start_again(own_broker.server).url
    await ensure_topics(url, KafkaOptions(), load_topics(replication=1))
    store = with_database(mongodb_url, unique_name())
    return load_settings({"STORE_URL": store, "BUS_URL": url, "SECRET_KEY": SECRET, "SEAL_KEYS": f"2026:{SECRET}"})


@contextlib.asynccontextmanager
async def served(settings: Settings, names: Sequence[str]) -> AsyncIterator[PageClient]:
    """Serve some services as a process of its own."""
    async with open_backend(settings) as backend, open_services(backend, names) as services:
        app = put_together(backend, services, SERVICES)
        for service in services:
            await service.start(app)
        loops = {f"{service.name}.{name}": run for service in services for name, run in service.loops.items()}
        running = [asyncio.create_task(run_forever(name, run)) for name, run in loops.items() if name in LOOPS]
        async with PageClient(app) as browser:
            yield browser
        for loop in running:
            loop.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_an_account_closed_in_respond_is_refused_by_ingest_in_another_process(settings: Settings) -> None:
    async with (
        served(settings, ["respond"]),
        served(settings, ["ingest"]) as browser,
        open_backend(settings) as backend,
    ):
        desk = await open_desk(backend)
        account = await create_account(
            desk.store,
            desk.rules.directory,
            username="lan",
            full_name="Lò Thị Lan",
            role=Role.OPERATOR,
            password=PASSWORD,
            now=utc_now(),
        )
        session = session_for(account, utc_now() - timedelta(hours=1), HOURS)
        browser.sign_in(session)
        await browser.get("/operator/call")
        await close_account(desk.store, account.account_id, by="", now=utc_now())
        while (await browser.http.get("/operator/call", allow_redirects=False)).status == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await browser.get("/operator/call", status=303, follow=False)
        async with served(settings, ["ingest"]) as started_later:
            started_later.sign_in(session)
            await started_later.get("/operator/call", status=303, follow=False)
