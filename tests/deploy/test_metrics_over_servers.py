"""/metrics over MongoDB and Kafka: every gauge too, and facts are counted where they wait."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hotline.plumbing.metrics import GAUGES
from tests.deploy.over_servers import opened_over_servers, samples, until_nothing_is_missing
from tests.deploy.started import scrape

pytestmark = pytest.mark.live


async def test_every_gauge_is_shown_and_facts_wait_where_they_do(
    mongodb_url: str, kafka_url: str, tmp_path: Path
) -> None:
    message = {"channel": "web", "text": "Đường liên thôn lở, xe không đi được."}
    async with (
        opened_over_servers(mongodb_url, kafka_url, tmp_path) as (backend, app),
        TestClient(TestServer(app)) as client,
    ):
        await until_nothing_is_missing(app)
        assert {metric.name for metric in GAUGES} <= {family.name for family in await scrape(app)}
        assert (await client.post("/api/v1/feedback", json=message)).status == 201
        pending = {sample.labels["service"]: sample.value for sample in await samples(app, "hotline_pending_documents")}
        assert pending["ingest"] == 1
        for relay in backend.relays:
            await relay.carry_if_holder()
        lags = await samples(app, "hotline_consumer_lag_facts")
        of_classify = {
            sample.labels["partition"]: sample.value for sample in lags if sample.labels["group"] == "classify"
        }
        assert set(of_classify) == {"0", "1", "2", "3", "4", "5"} and sum(of_classify.values()) >= 1
        assert {sample.value for sample in await samples(app, "hotline_pending_documents")} == {0}
