"""What the tests of respond's pages share: respond alone over a real embedded backend, its pages, a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.web.shell import build_app
from services.respond.app import open_service
from services.respond.opening import open_desk
from tests.pages.client import PageClient
from tests.respond.office import SECRET, Office, StandingClock


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Respond as it runs, at 08:00 of 18/11/2026, with a browser that checks every page."""
    clock = StandingClock()
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})
    async with open_backend(settings, clock) as backend:
        service = await open_service(backend, backend.settings)
        app = build_app((service,), backend.settings, clock)
        desk = await open_desk(backend)
        async with PageClient(app) as browser:
            yield Office(desk=desk, app=app, bus=backend.bus, clock=clock, browser=browser)
