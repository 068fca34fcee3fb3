"""hotline put together as `hotline run` does, for tests that ask it what a deployment will ask."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.web.keys import METRICS
from hotline.web.service import Service
from hotline.web.watching import metrics_app
from services.cli import SERVICES
from services.server import open_services, put_together

SECRET = "a secret of the deployment tests that is long enough"


@contextlib.asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[tuple[web.Application, Sequence[Service]]]:
    """Open all three services over a database of their own; their loops do not run."""
    settings = load_settings({"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET})
    async with open_backend(settings) as backend, open_services(backend, SERVICES) as services:
        yield put_together(backend, services, SERVICES), services


async def scrape(app: web.Application) -> list[Metric]:
    """Return what /metrics of an application answers, read as Prometheus reads it."""
    async with TestClient(TestServer(metrics_app(app[METRICS]))) as client:
        text = await (await client.get("/metrics")).text()
    return list(text_string_to_metric_families(text))
