"""What the tests of intake share: a real embedded backend in a folder of its own, the application, a browser."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hotline.config import Settings, load_settings
from hotline.places import load_gazetteer
from hotline.plumbing.backend import open_backend
from hotline.promises import load_policies
from hotline.roles import Role, Session
from hotline.web.shell import build_app
from hotline.working_days import load_calendar
from services.ingest.app import open_intake, open_service
from services.ingest.feedback import Rules
from tests.ingest.builders import NOW, PARTNER_KEY, SECRET, WEBHOOK_SECRET, Desk, StandingClock
from tests.pages.client import PageClient


@pytest.fixture
def clock() -> StandingClock:
    """Return a clock that stands at 10:00 of 24/11/2026 in Vietnam."""
    return StandingClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings over a folder of this test."""
    return load_settings(
        {
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": SECRET,
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
            "API_KEYS": f"partner:{PARTNER_KEY}",
            "SUBMISSIONS_PER_MINUTE": "0",
        }
    )


@pytest.fixture
async def desk(settings: Settings, clock: StandingClock) -> AsyncIterator[Desk]:
    """Open ingest alone on a real database."""
    async with open_backend(settings, clock) as backend:
        service = await open_service(backend, backend.settings)
        app = build_app((service,), backend.settings, clock)
        intake = await open_intake(backend)
        yield Desk(backend=backend, intake=intake, service=service, app=app, clock=clock)
        await service.close()


@pytest.fixture
async def browser(desk: Desk) -> AsyncIterator[PageClient]:
    """Return a browser without JavaScript that checks every page."""
    async with PageClient(desk.app) as client:
        yield client


@pytest.fixture(scope="session")
def rules() -> Rules:
    """Return the rules of the default locality."""
    return Rules(
        secret=SECRET.encode(),
        locality="ha-giang-2023",
        policies=load_policies(),
        calendar=load_calendar("ha-giang-2023"),
        gazetteer=load_gazetteer,
    )


@pytest.fixture
def session() -> Callable[[Role], Session]:
    """Return a maker of sessions."""

    def make(role: Role) -> Session:
        return Session(
            account_id=f"account-{role}",
            username=str(role),
            full_name="Lò Thị Mẩy",
            role=role,
            agency_id=None,
            is_screener=False,
            issued_at=NOW - timedelta(hours=1),
            expires_at=NOW + timedelta(days=30),
        )

    return make


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[TestClient[Any, Any]]:
    """Return a client of the API."""
    async with TestClient(TestServer(desk.app)) as client:
        yield client
