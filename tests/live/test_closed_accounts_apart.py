"""Services apart over MongoDB and Kafka: an account closed in respond's store ends the session that ingest knows."""

import pytest

from hotline.config import Settings, load_settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.plumbing.bus_kafka import KafkaOptions
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.roles import Role
from services.respond.account_actions import close_account
from services.respond.opening import open_desk
from tests.deploy.apart import hire, served, until_refused
from tests.deploy.started import SECRET
from tests.live.own_broker import OwnBroker
from tests.servers import unique_name, with_database
from tools.server_processes import start_again

pytestmark = pytest.mark.live
PATH = "/operator/call"


@pytest.fixture
async def settings(own_broker: OwnBroker, mongodb_url: str) -> Settings:
    """Settings of one product over both servers."""
    url = start_again(own_broker.server).url
    await ensure_topics(url, KafkaOptions(), load_topics(replication=1))
    store = with_database(mongodb_url, unique_name())
    return load_settings({"STORE_URL": store, "BUS_URL": url, "SECRET_KEY": SECRET, "SEAL_KEYS": f"2026:{SECRET}"})


async def test_an_account_closed_in_respond_is_refused_by_ingest_in_another_process(settings: Settings) -> None:
    async with (
        served(settings, ["respond"]),
        served(settings, ["ingest"]) as browser,
        open_backend(settings) as backend,
    ):
        desk = await open_desk(backend)
        session = await hire(desk, Role.OPERATOR)
        browser.sign_in(session)
        await browser.get(PATH)
        await close_account(desk.store, session.account_id, by="", now=utc_now())
        await until_refused(browser, PATH)
        async with served(settings, ["ingest"]) as started_later:
            started_later.sign_in(session)
            await started_later.get(PATH, status=303, follow=False)
