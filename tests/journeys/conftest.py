"""What the journeys share: the whole product over a real database, running, and a photo."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.web.shell import build_app
from services.respond import ticker
from services.respond.opening import open_desk
from services.server import open_services, run_forever
from tests.journeys.town import SECRET, Town, TownClock
from tests.pages.client import PageClient
from tools.processes import WEBHOOK_SECRET, share_models
from tools.stores import GROUPS

TICK_S = 0.02


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    """The product as `hotline run` puts it together, at 08:00 of 18/11/2026; its model is the one kept below var/."""
    # The period is how often the ticker looks, not what it sees; a moved clock need not wait five seconds for it.
    monkeypatch.setattr(ticker, "PERIOD_S", TICK_S)
    async with running_town(tmp_path, TownClock()) as running:
        yield running


@contextlib.asynccontextmanager
async def running_town(data_dir: Path, clock: TownClock) -> AsyncIterator[Town]:
    """Run the product over a folder for as long as the block lasts."""
    share_models(data_dir)
    settings = load_settings(
        {"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET, "WEBHOOK_SECRET": WEBHOOK_SECRET, "LOG_LEVEL": "DEBUG"}
    )
    async with open_backend(settings, clock) as backend, open_services(backend, GROUPS) as services:
        app = build_app(services, backend.settings, clock)
        for service in services:
            await service.start(app)
        loops = [
            asyncio.create_task(run_forever(f"{service.name}.{name}", run), name=f"{service.name}.{name}")
            for service in services
            for name, run in service.loops.items()
        ]
        desk = await open_desk(backend)
        async with PageClient(app) as browser:
            yield Town(backend=backend, app=app, clock=clock, browser=browser, desk=desk, loops=loops)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


@pytest.fixture
def photo() -> bytes:
    """Return a small JPEG with a place hidden in it, as a telephone takes it."""
    image = Image.new("RGB", (32, 24), "grey")
    exif = Image.Exif()
    exif[0x010E] = "chụp tại nhà riêng"
    content = BytesIO()
    image.save(content, "JPEG", exif=exif)
    return content.getvalue()
