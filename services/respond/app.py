"""Puts respond together: store, rules, pages and loops. Called by `services/server.py` and by tests."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from hotline.config import Settings
from hotline.plumbing.backend import Backend, Clock
from hotline.plumbing.consume import Consumer
from hotline.plumbing.metrics import CALENDAR_DAYS_LEFT, CLOCKS_DUE, LATE_TICKETS, Reading
from hotline.web.service import Service, Watched
from hotline.working_days import local_date
from services.respond import web_accounts, web_agency, web_desk, web_inspector, web_ticket
from services.respond.account_actions import FIRST_ADMIN, create_first_admin
from services.respond.actions import Desk
from services.respond.consumer import GROUP, KINDS, handler
from services.respond.opening import RELAYED, open_desk
from services.respond.ticker import Ticker, sweeping

HERE = Path(__file__).parent
DUE_WITHIN = {"1h": timedelta(hours=1), "24h": timedelta(hours=24)}
NAV = (*web_desk.NAV, *web_agency.NAV, *web_inspector.NAV, *web_accounts.NAV)


async def open_service(backend: Backend, settings: Settings) -> Service:
    """Open respond: its tables, the locality's rules, the first administrator. Raises what a broken profile says."""
    desk = await open_desk(backend)
    password = await create_first_admin(desk.store, desk.rules.directory, backend.clock())
    handle = handler(desk, backend.clock)
    consumer = Consumer(bus=backend.bus, group=GROUP, handle=handle, clock=backend.clock, kinds=KINDS)
    watched: Mapping[str, Watched] = {
        "consumer": consumer,
        "ticker": Ticker(desk, backend.clock),
        "sweep_files": sweeping(desk, backend.clock),
    }
    pages = (
        web_accounts.AccountPages(desk, settings.session_hours),
        web_desk.DeskPages(desk),
        web_agency.AgencyPages(desk),
        web_ticket.TicketPages(desk),
        web_inspector.InspectorPages(desk),
    )

    async def is_ready() -> bool:
        return consumer.trouble is None

    return Service(
        name="respond",
        routes=tuple(route for handlers in pages for route in handlers.routes()),
        template_dir=HERE / "templates",
        message_dir=HERE,
        loops={**{name: loop.run for name, loop in watched.items()}, **backend.relay("respond", RELAYED)},
        watched=watched,
        gauges=partial(gauges, desk, backend.clock),
        ready=is_ready,
        notices=first_start(password),
        nav=NAV,
    )


def first_start(password: str | None) -> tuple[str, ...]:
    """Return what is said once: the administrator's password."""
    if password is None:
        return ()
    return (f"hotline: first start. Sign in at /sign-in as {FIRST_ADMIN} with the password {password} (said once).",)


async def gauges(desk: Desk, clock: Clock) -> Sequence[Reading]:
    """Return what respond shows at /metrics: promises soon due and tickets late, restricted ones with all others."""
    now = clock()
    soon = {within: await desk.store.clocks_due(now, period) for within, period in DUE_WITHIN.items()}
    due = [
        Reading(metric=CLOCKS_DUE, value=count, labels={"clock": clock_name, "within": within})
        for within, counted in soon.items()
        for clock_name, count in (("acknowledgement", counted.acknowledgement), ("response", counted.response))
    ]
    left = desk.rules.calendar.days_left(local_date(now))
    return (
        *due,
        Reading(metric=LATE_TICKETS, value=soon["24h"].late),
        Reading(metric=CALENDAR_DAYS_LEFT, value=left),
    )
