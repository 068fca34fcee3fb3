"""Opens ingest: its store, its pages and API, and the loops that read the log, offer again, notify and sweep.

Called by `hotline run`, by the commands (which only need the intake) and by tests.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from hotline.config import Settings
from hotline.places import load_gazetteer
from hotline.plumbing.backend import Backend
from hotline.plumbing.consume import Consumer
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from hotline.promises import load_policies
from hotline.web.messages import DEFAULT_LANGUAGE, load_messages
from hotline.web.ratelimit import RateLimit
from hotline.web.service import Service
from hotline.working_days import load_calendar
from services.ingest import actions
from services.ingest.api import FeedbackApi
from services.ingest.consumer import GROUP, KINDS, handler
from services.ingest.feedback import Rules
from services.ingest.notify import Postman
from services.ingest.opening import open_store
from services.ingest.web_citizen import CitizenPages
from services.ingest.web_operator import NAV, OperatorPages

HERE = Path(__file__).parent
OFFER_PERIOD_S = 60.0
SWEEP_PERIOD_S = 3600.0
LOOK_UPS_AT_ONCE = 12
LOOK_UP_REFILL = timedelta(seconds=20)


async def open_intake(backend: Backend) -> actions.Intake:
    """Return what the actions work with; makes the tables where they are missing."""
    settings = backend.settings
    messages = load_messages([HERE])

    def say(key: str, params: Mapping[str, object]) -> str:
        return messages.message(DEFAULT_LANGUAGE, key, params)

    return actions.Intake(
        store=await open_store(backend),
        rules=Rules(
            secret=settings.secret_key.encode(),
            locality=settings.locality,
            policies=load_policies(),
            calendar=load_calendar(settings.locality, extra_notices=settings.calendar_notices),
            gazetteer=load_gazetteer,
        ),
        vault=backend.vault("feedback"),
        say=say,
    )


def submission_limit(per_minute: int) -> RateLimit | None:
    """Return the limit of what one address may send without an API key: a minute's worth at once; None for no limit."""
    return RateLimit(burst=per_minute, refill=timedelta(minutes=1) / per_minute) if per_minute else None


async def open_service(backend: Backend, settings: Settings) -> Service:
    """Open ingest on an open backend; raises what the store raises."""
    intake = await open_intake(backend)
    lookups = RateLimit(burst=LOOK_UPS_AT_ONCE, refill=LOOK_UP_REFILL)
    submissions = submission_limit(settings.submissions_per_minute)
    citizen = CitizenPages(
        intake=intake,
        secret=settings.secret_key,
        power_company_phone=settings.power_company_phone,
        lookups=lookups,
        submissions=submissions,
    )
    api = FeedbackApi(intake=intake, webhook_secret=settings.webhook_secret, lookups=lookups, submissions=submissions)
    handle = handler(intake, backend.clock)
    consumer = Consumer(bus=backend.bus, group=GROUP, handle=handle, clock=backend.clock, kinds=KINDS)
    postman = Postman(store=intake.store, smtp_url=settings.smtp_url, sender=settings.mail_from, clock=backend.clock)

    async def is_ready() -> bool:
        return consumer.trouble is None

    return Service(
        name="ingest",
        routes=(*citizen.routes(), *OperatorPages(intake=intake).routes(), *api.routes()),
        template_dir=HERE / "templates" / "ingest",
        message_dir=HERE,
        loops={
            "consume": consumer.run,
            "offer_again": lambda: offer_again_for_ever(intake, backend),
            "notify": postman.run,
            "sweep_files": lambda: sweep_files_for_ever(intake, backend),
        },
        ready=is_ready,
        start=warm_places,
        nav=NAV,
    )


async def warm_places(_: web.Application) -> None:
    """Load the places and their former names beside the start: the first citizen who types one must not wait for it."""
    asyncio.get_running_loop().run_in_executor(None, lambda: load_gazetteer().resolve("Hà Giang", "Ngọc Đường"))


async def offer_again_for_ever(intake: actions.Intake, backend: Backend) -> None:
    """Once a minute offer again what respond has not taken up."""
    while True:
        await asyncio.sleep(OFFER_PERIOD_S)
        try:
            await actions.offer_again(intake, now=backend.clock())
        except WorldIsDown as error:
            step("offers_wait", level="WARNING", error=type(error).__name__)


async def sweep_files_for_ever(intake: actions.Intake, backend: Backend) -> None:
    """Once an hour remove orphaned attachments."""
    while True:
        await asyncio.sleep(SWEEP_PERIOD_S)
        try:
            await actions.sweep_files(intake, now=backend.clock())
        except (WorldIsDown, OSError) as error:
            step("sweep_waits", level="WARNING", error=type(error).__name__)
