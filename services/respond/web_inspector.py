"""The inspector's pages: running and broken promises, how agencies keep them, the register, restricted tickets.

For inspectors, and without anything restricted for the coordinator. Restricted tickets have a list of their own for
inspectors and named screeners; for everybody else it does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.plumbing.log import step
from hotline.roles import Role, Session
from hotline.web.audience import Audience
from hotline.web.keys import NOW
from hotline.web.pages import lang_of, message, page
from hotline.web.service import NavItem, Route
from hotline.working_days import VN, local_date
from services.respond.access import View, listed, ticket_for, ticket_for_coordinator, ticket_for_inspector
from services.respond.action_inputs import read_day
from services.respond.actions import Desk
from services.respond.clocks import DESK, SCREENER
from services.respond.register import kept_by_owner, register
from services.respond.ticket import ClockKind, Ticket
from services.respond.ticket_view import breach_rows, by_name, in_order, row_of, sees_restricted
from services.respond.web_lists import Tab, names_of, on_page, page_number, pages_of, person, whole

READERS = (Role.INSPECTOR, Role.COORDINATOR)
RUNNING, BROKEN, RATES = "dang-chay", "qua-han", "ty-le"
TABS: Mapping[str, str] = {
    RUNNING: "inspector.tab_running",
    BROKEN: "inspector.tab_broken",
    RATES: "inspector.tab_rates",
}
BYTE_ORDER_MARK = "\ufeff"

NAV = (NavItem(path="/inspector", key="nav.inspector", roles=frozenset(READERS)),)


@dataclass(frozen=True, slots=True)
class InspectorPages:
    """The handlers of the inspector's pages."""

    desk: Desk

    async def show(self, request: web.Request) -> web.Response:
        """GET /inspector: one of three tabs, by agency and since a day where asked."""
        here = request.query.get("muc", RUNNING)
        show_tab = {BROKEN: self.show_broken, RATES: self.show_rates}.get(here, self.show_running)
        return await show_tab(request)

    async def show_running(self, request: web.Request) -> web.Response:
        """Every promise that runs, the earliest due first."""
        session, now, rules, lang = person(request), request[NOW], self.desk.rules, lang_of(request)
        tickets = await whole(self.desk.store.running, view_of(session), session)
        agency_id = request.query.get("co-quan", "")
        shown = [t for t in tickets if not agency_id or agency_id in agencies_of(t)]
        rows = in_order(row_of(session, ticket, now, rules, lang) for ticket in shown)
        held = {agency for ticket in tickets for agency in agencies_of(ticket)}
        return self.tab_page(request, RUNNING, held, rows=on_page(rows, page_number(request)), total=len(rows))

    async def show_broken(self, request: web.Request) -> web.Response:
        """Every broken promise, the newest first, with who held it."""
        session, now, lang = person(request), request[NOW], lang_of(request)
        since, faults = since_of(request)
        tickets = await whole(self.desk.store.broken, view_of(session), session)
        found = [
            row
            for ticket in tickets
            if ticket.received_at >= start_of(since)
            for row in breach_rows(session, ticket, now, self.desk.rules, lang)
        ]
        found.sort(key=lambda row: row.breach.detected_at, reverse=True)
        agency_id = request.query.get("co-quan", "")
        shown = [row for row in found if agency_id in {"", row.owner_id}]
        held = {row.owner_id for row in found}
        rows = on_page(shown, page_number(request))
        return self.tab_page(request, BROKEN, held, rows=rows, total=len(shown), since=since, errors=faults)

    async def show_rates(self, request: web.Request) -> web.Response:
        """How promises were kept, with every count behind a rate."""
        session, now, rules = person(request), request[NOW], self.desk.rules
        since, faults = since_of(request)
        tickets = await self.received(request, since)
        answers = kept_by_owner(session, tickets, ClockKind.RESPONSE, now, rules)
        agency_id = request.query.get("co-quan", "")
        return self.tab_page(
            request,
            RATES,
            {row.owner_id for row in answers},
            since=since,
            errors=faults,
            total=len(tickets),
            answers=[row for row in answers if agency_id in {"", row.owner_id}],
            acknowledgements=kept_by_owner(session, tickets, ClockKind.ACKNOWLEDGEMENT, now, rules),
        )

    def tab_page(self, request: web.Request, here: str, held: set[str], **shown: object) -> web.Response:
        """Show a tab with the filter over the agencies that hold anything on it."""
        session, total = person(request), shown["total"]
        agencies = by_name((i, self.desk.rules.agency_name(i)) for i in held if i not in {DESK, SCREENER})
        errors = shown.get("errors") or ()
        context = {"since": None, "rows": (), "answers": (), "acknowledgements": (), **shown}
        return page(
            request,
            "respond/inspector.html",
            422 if errors else 200,
            tabs=[
                Tab(name=name, key=key, count=total if name == here and name != RATES else None, is_here=name == here)
                for name, key in TABS.items()
                if isinstance(total, int)
            ],
            tab=here,
            agency_id=request.query.get("co-quan", ""),
            agencies=agencies,
            number=page_number(request),
            pages=pages_of(total) if isinstance(total, int) and here != RATES else 0,
            calendar=self.desk.rules.calendar,
            sees_restricted=sees_restricted(session),
            **context,
        )

    async def received(self, request: web.Request, since: date) -> list[Ticket]:
        """Return what was received since a day, as far as this person may see it."""
        session = person(request)
        return listed(view_of(session), session, await self.desk.store.all_received(start_of(since)))

    async def export(self, request: web.Request) -> web.Response:
        """GET /inspector/export.csv: the register since a day, for a spreadsheet."""
        session, now = person(request), request[NOW]
        since, faults = since_of(request)
        if faults:
            raise Invalid(faults)
        tickets = await self.received(request, since)
        names = await names_of(self.desk, {t.acknowledgement.by for t in tickets if t.acknowledgement})
        text = register(session, tickets, now, self.desk.rules, lambda key: message(request, key), names)
        step("register_exported", account_id=session.account_id, rows=len(tickets))
        name = f"so-theo-doi-{local_date(now).isoformat()}.csv"
        return web.Response(
            body=(BYTE_ORDER_MARK + text).encode(),
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )

    async def show_restricted(self, request: web.Request) -> web.Response:
        """GET /inspector/restricted: what waits for the screener first; for others there is no such page."""
        session, now, lang = person(request), request[NOW], lang_of(request)
        if not sees_restricted(session):
            raise web.HTTPNotFound
        tickets = await whole(self.desk.store.restricted, ticket_for, session)
        kinds = frozenset({ClockKind.SCREENING})
        rows = [row_of(session, ticket, now, self.desk.rules, lang, kinds) for ticket in tickets]
        number = page_number(request)
        return page(
            request,
            "respond/restricted.html",
            rows=on_page(rows, number),
            total=len(rows),
            number=number,
            pages=pages_of(len(rows)),
            calendar=self.desk.rules.calendar,
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of these pages."""
        readers = Audience.roles(*READERS)
        screeners = Audience.roles(Role.INSPECTOR, Role.TRIAGE_OFFICER)
        export, restricted = "/inspector/export.csv", "/inspector/restricted"
        return (
            Route(method="GET", path="/inspector", handler=self.show, audience=readers, name="respond.inspector"),
            Route(method="GET", path=export, handler=self.export, audience=readers, name="respond.register"),
            Route(
                method="GET",
                path=restricted,
                handler=self.show_restricted,
                audience=screeners,
                name="respond.restricted",
            ),
        )


def view_of(session: Session) -> View:
    """Return which tickets this reader of the register may see."""
    return ticket_for_inspector if session.role is Role.INSPECTOR else ticket_for_coordinator


def agencies_of(ticket: Ticket) -> frozenset[str]:
    """Return the agencies that have a ticket now; a restricted one has none."""
    return ticket.route.agency_ids if ticket.route and not ticket.restricted else frozenset()


def since_of(request: web.Request) -> tuple[date, tuple[FieldError, ...]]:
    """Return the day asked for, with its fault; without one the first of the year in Vietnam."""
    first = local_date(request[NOW]).replace(month=1, day=1)
    typed = request.query.get("tu", "").strip()
    if not typed:
        return first, ()
    try:
        return read_day("tu", typed), ()
    except Invalid as error:
        return first, tuple(error.errors)


def start_of(day: date) -> datetime:
    """Return the first instant of a day in Vietnam."""
    return datetime.combine(day, time.min, VN)
