"""Services in processes of their own, as far as a test needs it: pages, some loops, and somebody of the staff."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from hotline.config import Settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.roles import Role, Session
from services.cli import SERVICES
from services.respond.account_actions import create_account
from services.respond.accounts import session_for
from services.respond.actions import Desk
from services.server import loops_of, open_services, put_together, run_forever
from tests.pages.client import PageClient

PASSWORD = "nước chảy đá mòn 1022"
HOURS = 8
# No model is trained and nothing is judged for these stories.
LOOPS = ("sessions.revocations", "respond.relay")


@contextlib.asynccontextmanager
async def served(settings: Settings, names: Sequence[str]) -> AsyncIterator[PageClient]:
    """Serve some services as a process of its own; of its loops only LOOPS run."""
    async with open_backend(settings) as backend, open_services(backend, names) as services:
        app = put_together(backend, services, SERVICES)
        for service in services:
            await service.start(app)
        loops = loops_of(backend, services)
        running = [asyncio.create_task(run_forever(name, loops[name])) for name in LOOPS if name in loops]
        async with PageClient(app) as browser:
            yield browser
        for loop in running:
            loop.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def hire(desk: Desk, role: Role) -> Session:
    """Make an account and return the session of somebody who signed in an hour ago."""
    account = await create_account(
        desk.store,
        desk.rules.directory,
        username="lan",
        full_name="Lò Thị Lan",
        role=role,
        password=PASSWORD,
        now=utc_now(),
    )
    return session_for(account, utc_now() - timedelta(hours=1), HOURS)


async def until_refused(browser: PageClient, path: str) -> None:
    """Wait until the session holds no more: 200 while it does, 303 to the sign-in page then."""
    while (await browser.http.get(path, allow_redirects=False)).status == 200:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await browser.get(path, status=303, follow=False)
