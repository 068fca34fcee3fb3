"""Services apart: whoever is closed by respond is refused by ingest and classify, which know no accounts."""

from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.roles import Role
from services.respond.account_actions import close_account
from services.respond.opening import open_desk
from tests.deploy.apart import hire, served, until_refused
from tests.deploy.started import SECRET


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
    async with open_backend(settings) as backend, served(settings, [service]) as browser:
        desk = await open_desk(backend)
        session = await hire(desk, role)
        browser.sign_in(session)
        await browser.get(path)
        await close_account(desk.store, session.account_id, by="", now=utc_now())
        await until_refused(browser, path)
        async with served(settings, [service]) as started_later:
            started_later.sign_in(session)
            await started_later.get(path, status=303, follow=False)
