"""Opens ingest: its store, its pages and API, and the loops that read the log, offer again, notify and sweep.

Called by `hotline run`, by the commands (which only need the intake) and by tests.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import web

from hotline.config import Settings
from hotline.places import load_gazetteer
from hotline.plumbing.backend import Backend, Clock
from hotline.plumbing.consume import Consumer
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.metrics import NOTICES_WAITING, OLDEST_WITHOUT_TICKET_SECONDS, WITHOUT_TICKET, Reading
from hotline.plumbing.periodic import Periodic
from hotline.promises import load_policies
from hotline.web.messages import DEFAULT_LANGUAGE, load_messages
from hotline.web.ratelimit import RateLimit
from hotline.web.service import Service, Watched
from hotline.working_days import load_calendar
from services.ingest import actions
from services.ingest.api import FeedbackApi
from services.ingest.consumer import GROUP, KINDS, handler
from services.ingest.feedback import Rules
from services.ingest.notify import Postman
from services.ingest.opening import RELAYED, open_store
from services.ingest.store import FeedbackStore
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
    watched: Mapping[str, Watched] = {
        "consume": consumer,
        "offer_again": offering(intake, backend),
        "notify": postman,
        "sweep_files": sweeping(intake, backend),
    }

    async def is_ready() -> bool:
        return consumer.trouble is None

    return Service(
        name="ingest",
        routes=(*citizen.routes(), *OperatorPages(intake=intake).routes(), *api.routes()),
        template_dir=HERE / "templates" / "ingest",
        message_dir=HERE,
        loops={**{name: loop.run for name, loop in watched.items()}, **backend.relay("ingest", RELAYED)},
        watched=watched,
        gauges=partial(gauges, intake.store, backend.clock),
        ready=is_ready,
        start=warm_places,
        nav=NAV,
    )


async def warm_places(_: web.Application) -> None:
    """Load the places and their former names beside the start: the first citizen who types one must not wait for it."""
    asyncio.get_running_loop().run_in_executor(None, lambda: load_gazetteer().resolve("Hà Giang", "Ngọc Đường"))


def offering(intake: actions.Intake, backend: Backend) -> Periodic:
    """Return the loop that once a minute offers again what respond has not taken up."""
    return Periodic(
        do=lambda: actions.offer_again(intake, now=backend.clock()), period_s=OFFER_PERIOD_S, event="offers_wait"
    )


def sweeping(intake: actions.Intake, backend: Backend) -> Periodic:
    """Return the loop that once an hour finishes killed erasures and removes orphaned attachments."""
    return Periodic(
        do=lambda: actions.sweep_files(intake, now=backend.clock()),
        period_s=SWEEP_PERIOD_S,
        event="sweep_waits",
        waits_out=(WorldIsDown, OSError),
    )


async def gauges(store: FeedbackStore, clock: Clock) -> Sequence[Reading]:
    """Return what ingest shows at /metrics; restricted feedbacks are counted with all others."""
    waiting = await store.waiting_for_ticket()
    age_s = (clock() - waiting.oldest_at).total_seconds() if waiting.oldest_at else 0.0
    return (
        Reading(metric=WITHOUT_TICKET, value=waiting.count),
        Reading(metric=OLDEST_WITHOUT_TICKET_SECONDS, value=max(age_s, 0.0)),
        Reading(metric=NOTICES_WAITING, value=await store.count_notices_to_send()),
    )
