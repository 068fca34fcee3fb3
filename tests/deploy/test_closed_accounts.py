"""Services apart: whoever is closed by respond is refused by ingest and classify, which know no accounts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.roles import Role
from services.cli import SERVICES
from services.respond.account_actions import close_account, create_account
from services.respond.accounts import session_for
from services.respond.opening import open_desk
from services.server import open_services, put_together
from tests.deploy.started import SECRET
from tests.pages.client import PageClient

PASSWORD = "nước chảy đá mòn 1022"
HOURS = 8


@contextlib.asynccontextmanager
async def served(data_dir: Path, names: Sequence[str]) -> AsyncIterator[PageClient]:
    """Serve some services over the database, as a process of its own; of its loops only the one of sessions runs."""
    settings = load_settings({"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET})
    async with open_backend(settings) as backend, open_services(backend, names) as services:
        app = put_together(backend, services, SERVICES)
        for service in services:
            await service.start(app)
        running = asyncio.create_task(services[0].loops["revocations"]())
        async with PageClient(app) as browser:
            yield browser
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until_refused(browser: PageClient, path: str) -> None:
    """Wait until the session holds no more: 200 while it does, 303 to the sign-in page then."""
    while (await browser.http.get(path, allow_redirects=False)).status == 200:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await browser.get(path, status=303, follow=False)


@pytest.mark.parametrize(
    ("service", "path", "role"),
    [
        ("ingest", "/operator/call", Role.OPERATOR),
        ("classify", "/review", Role.TRIAGE_OFFICER),
        ("respond", "/desk", Role.TRIAGE_OFFICER),
    ],
)
async def test_a_closed_account_is_refused_where_only_another_service_runs(
    tmp_path: Path, service: str, path: str, role: Role
) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})
    async with open_backend(settings) as backend, served(tmp_path, [service]) as browser:
        desk = await open_desk(backend)
        account = await create_account(
            desk.store,
            desk.rules.directory,
            username="lan",
            full_name="Lò Thị Lan",
            role=role,
            password=PASSWORD,
            now=utc_now(),
        )
        session = session_for(account, utc_now() - timedelta(hours=1), HOURS)
        browser.sign_in(session)
        await browser.get(path)
        await close_account(desk.store, account.account_id, by="", now=utc_now())
        await until_refused(browser, path)
        async with served(tmp_path, [service]) as started_later:
            started_later.sign_in(session)
            await started_later.get(path, status=303, follow=False)
