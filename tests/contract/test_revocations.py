"""An account is closed in one process: its sessions end in every other, also in one that was away meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec import structs

from hotline.facts import SCHEMA, AccountState, Fact, FactKind, Producer, fact_id_of
from hotline.plumbing.bus import Bus
from hotline.plumbing.envelope import close_fact
from hotline.plumbing.seal import Sealer
from hotline.web.revocations import Revocations
from hotline.web.shell import build_app
from tests.hotline.web_trial import Clock, Trial, TrialSettings, a_service, a_session
from tests.pages.client import PageClient

NOW = datetime.now(UTC)
SIGNED_IN_AT = NOW - timedelta(hours=1)
HOURS = 8


def closed(account_id: str, seq: int = 1, at: datetime = NOW) -> Fact:
    key = f"account:{account_id}"
    return Fact(
        fact_id=fact_id_of(Producer.RESPOND, key, 0, seq),
        kind=FactKind.ACCOUNT_CHANGED,
        feedback_id=key,
        producer=Producer.RESPOND,
        epoch=0,
        seq=seq,
        at=at,
        cause="closed",
        state=AccountState(account_id=account_id, is_active=False, revoked_before=at),
    )


@contextlib.asynccontextmanager
async def process(bus: Bus) -> AsyncIterator[tuple[PageClient, Revocations]]:
    """Serve the trial's pages as a process of its own does, somebody signed in since an hour."""
    revocations = Revocations(bus, Clock(NOW), HOURS)
    service = revocations.service()
    app = build_app((service, a_service(Trial().routes())), TrialSettings(), Clock(NOW))
    await service.start(app)
    running = asyncio.create_task(service.loops["revocations"]())
    async with PageClient(app) as browser:
        browser.sign_in(a_session(issued_at=SIGNED_IN_AT))
        yield browser, revocations
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await service.close()


async def until_refused(browser: PageClient) -> None:
    """Wait until the session holds no more: 200 while it does, 303 to the sign-in page then."""
    while (await browser.http.get("/can-bo", allow_redirects=False)).status == 200:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await browser.get("/can-bo", status=303, follow=False)


async def test_a_closed_account_is_signed_out_of_every_process_and_no_other_account_is(bus: Bus) -> None:
    async with process(bus) as (first, _), process(bus) as (second, _):
        await first.get("/can-bo")
        await second.get("/can-bo")
        await bus.publish([closed("a2"), closed("a1")])
        await until_refused(first)
        await until_refused(second)
        second.sign_in(a_session(issued_at=SIGNED_IN_AT, account_id="a3"))
        await second.get("/can-bo")


async def test_a_process_that_starts_later_refuses_from_its_first_request_on(bus: Bus) -> None:
    await bus.publish([closed("a1"), closed("a2")])
    async with process(bus) as (browser, _):
        await browser.get("/can-bo", status=303, follow=False)


async def test_what_was_revoked_longer_ago_than_a_session_lasts_is_not_missed_by_an_older_cookie(bus: Bus) -> None:
    """SESSION_HOURS was longer when it was issued."""
    await bus.publish([closed("a1", at=NOW - timedelta(hours=20))])
    long_ago = a_session(issued_at=NOW - timedelta(hours=30))
    async with process(bus) as (browser, _):
        browser.sign_in(replace(long_ago, expires_at=NOW + timedelta(hours=42)))
        await browser.get("/can-bo", status=303, follow=False)


async def test_an_account_that_cannot_be_read_makes_the_process_unready_and_stops_no_other(bus: Bus) -> None:
    newer = close_fact(closed("a9"), Sealer({"test": "a secret only for tests"}))
    async with process(bus) as (browser, revocations):
        await bus.publish_envelopes([structs.replace(newer, schema=SCHEMA + 1)])
        await bus.publish([closed("a1")])
        await until_refused(browser)
        while revocations.trouble is None:  # noqa: ASYNC110 - another partition may come later
            await asyncio.sleep(0.02)
        ready = await browser.http.get("/readyz")
        assert (ready.status, (await ready.json())["waiting_for"]) == (503, ["sessions"])
