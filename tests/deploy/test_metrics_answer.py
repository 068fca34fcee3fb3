"""/metrics of the whole product: every gauge is there, of every service and loop, and shows what is so."""

from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hotline.plumbing.metrics import GAUGES
from services.cli import SERVICES
from tests.deploy.started import opened, scrape

LOOPS = {
    ("ingest", "consume"), ("ingest", "offer_again"), ("ingest", "notify"), ("ingest", "sweep_files"),
    ("classify", "scorer"), ("classify", "forgetting"), ("classify", "consumer"),
    ("respond", "consumer"), ("respond", "ticker"), ("respond", "sweep_files"),
    ("sessions", "revocations"),
}  # fmt: skip


async def test_every_gauge_is_shown_and_no_source_is_missing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        families = {family.name: family for family in await scrape(app)}
    assert {metric.name for metric in GAUGES} <= set(families)
    missing = families["hotline_readings_missing"].samples
    assert [sample.labels["source"] for sample in missing if sample.value] == []
    groups = {sample.labels["group"] for sample in families["hotline_consumer_lag_facts"].samples}
    assert groups == set(SERVICES)
    loops = {
        (sample.labels["service"], sample.labels["loop"]) for sample in families["hotline_loop_in_trouble"].samples
    }
    assert loops == LOOPS


async def test_a_feedback_without_a_ticket_is_counted(tmp_path: Path) -> None:
    message = {"channel": "web", "text": "Đường liên thôn lở, xe không đi được."}
    async with opened(tmp_path) as (app, _), TestClient(TestServer(app)) as client:
        assert await waiting(app) == 0
        assert (await client.post("/api/v1/feedback", json=message)).status == 201
        assert await waiting(app) == 1


async def waiting(app: web.Application) -> float:
    """Return how many feedbacks /metrics says have no ticket."""
    families = {family.name: family for family in await scrape(app)}
    assert families["hotline_oldest_without_ticket_seconds"].samples[0].value >= 0
    return families["hotline_feedbacks_without_ticket"].samples[0].value
