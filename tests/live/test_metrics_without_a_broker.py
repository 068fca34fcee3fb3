"""A broker that hangs: people are answered all the same, and /readyz and /metrics say what is so of everything else."""

import asyncio
import signal
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.test_utils import TestServer as WebServer

from hotline.plumbing import backend as backends
from hotline.plumbing import metrics
from tests.deploy.over_servers import opened_over_servers, samples, until_nothing_is_missing
from tests.deploy.started import SECRET
from tests.live.own_broker import OwnBroker
from tools.server_processes import end, start_again

pytestmark = pytest.mark.live


async def test_a_broker_that_hangs_is_told_and_hides_nothing_else(
    own_broker: OwnBroker, mongodb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who hangs answers never: how long it is waited for changes nothing.
    monkeypatch.setattr(backends, "ANSWERS_WITHIN_S", 0.5)
    monkeypatch.setattr(metrics, "READING_S", 1.0)
    broker = await asyncio.to_thread(start_again, own_broker.server)
    message = {"channel": "web", "text": "Đường liên thôn lở, xe không đi được."}
    async with (
        opened_over_servers(mongodb_url, broker.url, tmp_path) as (_, app),
        TestClient(WebServer(app)) as client,
    ):
        await until_nothing_is_missing(app)
        end(broker, signal.SIGSTOP)
        try:
            assert (await client.get("/readyz/pages")).status == 200
            assert (await client.post("/api/v1/feedback", json=message)).status == 201
            answer = await client.get("/readyz")
            assert answer.status == 503
            assert list((await answer.json())["unreachable"]) == ["bus"]
            assert SECRET not in await answer.text()
            up = {sample.labels["dependency"]: sample.value for sample in await samples(app, "hotline_dependency_up")}
            assert up == {"store": 1, "bus": 0}
            told = {sample.labels["source"]: sample.value for sample in await samples(app, "hotline_readings_missing")}
            assert {source for source, is_missing in told.items() if is_missing} == {"lag", "dead_letters"}
            assert [sample.value for sample in await samples(app, "hotline_feedbacks_without_ticket")] == [1]
        finally:
            end(broker, signal.SIGCONT)
