"""One complaint through three processes over Kafka and MongoDB: in each log by its id, and in one trace."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from hotline.config import load_settings
from hotline.plumbing.bus_kafka_client import KafkaOptions
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from tests.collector import Collector, collecting
from tests.servers import unique_name, with_database
from tools.processes import (
    Server,
    free_port,
    hotline_command,
    kill,
    settings_for,
    share_models,
    start,
    stop,
    wait_until_ready,
)

pytestmark = [pytest.mark.live, pytest.mark.slow]
SERVICES = ("ingest", "classify", "respond")
TICKET_WAIT_S = 60.0
COMPLAINT = "Đường vào thôn Tha bị sạt lở, ô tô không đi được từ hôm qua."
# What the complaint goes through, as (process, span); each below the one that caused it.
PATH = {
    ("hotline-ingest", "ingest.api_submit"),
    ("hotline-classify", "classify feedback.received"),
    ("hotline-respond", "respond feedback.received"),
    ("hotline-respond", "respond feedback.classified"),
    ("hotline-ingest", "ingest ticket.changed"),
}


@pytest.fixture
async def shape(kafka_url: str, mongodb_url: str) -> dict[str, str]:
    """Return the settings of a hotline over both servers, with a database and topics of its own."""
    prefix = unique_name("three")
    settings = {
        "STORE_URL": with_database(mongodb_url, prefix),
        "BUS_URL": kafka_url,
        "METRICS_PORT": str(free_port()),
        "KAFKA_PREFIX": prefix,
        "SECRET_KEY": "a secret of this test, long enough to be taken",
        "SEAL_KEYS": "2026:a sealing key of this test long enough to be taken",
    }
    options = KafkaOptions.of(load_settings(settings))
    await ensure_topics(kafka_url, options, load_topics(replication=1))
    return settings


@contextmanager
def three_processes(folder: Path, shape: dict[str, str], collector_url: str) -> Iterator[dict[str, Server]]:
    """Run each service in a process of its own; SIGTERM at the end, which flushes the spans."""
    share_models(folder)
    with ExitStack() as stack:
        servers = {}
        for name in SERVICES:
            port = free_port()
            if name != "ingest":
                shape = {key: value for key, value in shape.items() if key != "METRICS_PORT"}
            environment = settings_for(folder, port, OTEL_EXPORTER_OTLP_ENDPOINT=collector_url, **shape)
            servers[name] = start(hotline_command("run", name), environment, port, folder / f"{name}.log")
            stack.callback(kill, servers[name])
        for server in servers.values():
            wait_until_ready(server)
        yield servers
        for server in servers.values():
            assert stop(server) == 0


async def scraped(port: str) -> str:
    """Return what a process shows to Prometheus."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return await answer.text()


async def send_and_follow(url: str) -> tuple[str, dict[str, str]]:
    """Send the complaint as a citizen's page does and look until respond has said something; returns id and state."""
    async with aiohttp.ClientSession(url) as session:
        async with session.post("/api/v1/feedback", json={"channel": "web", "text": COMPLAINT}) as answer:
            receipt = await answer.json()
            assert answer.status == 201, receipt
        async with asyncio.timeout(TICKET_WAIT_S):
            while True:
                async with session.get(f"/api/v1/feedback/{receipt['tracking_code']}") as answer:
                    state = await answer.json()
                if state.get("field"):
                    return receipt["feedback_id"], state
                await asyncio.sleep(2)


def events_of(log: Path, feedback_id: str) -> list[str]:
    """Return what a process logged of a feedback."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line.get("feedback_id") == feedback_id]


async def test_one_complaint_by_its_id_through_three_logs_and_one_trace(tmp_path: Path, shape: dict[str, str]) -> None:
    collector = Collector()
    with collecting(collector) as collector_url, three_processes(tmp_path, shape, collector_url) as servers:
        feedback_id, state = await send_and_follow(servers["ingest"].url)
        metrics = await scraped(shape["METRICS_PORT"])
    assert state["agency"]
    assert 'hotline_store_command_seconds_count{command="insert"}' in metrics
    assert "feedback_received" in events_of(tmp_path / "ingest.log", feedback_id)
    assert "classified" in events_of(tmp_path / "classify.log", feedback_id)
    assert "ticket_changed" in events_of(tmp_path / "respond.log", feedback_id)
    traces = {trace for trace, _, name in collector.seen if name == "ingest.api_submit"}
    assert len(traces) == 1
    assert {(process, name) for trace, process, name in collector.seen if trace in traces} >= PATH
    assert all(COMPLAINT[:20] not in (tmp_path / f"{name}.log").read_text(encoding="utf-8") for name in SERVICES)
