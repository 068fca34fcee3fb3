"""An agency's inbox: what it must answer, by what stands in the way; the earliest due first.

For the staff and heads of an agency, who see tickets of their own agency alone. What they do to a ticket is on the
ticket's own page (`web_ticket`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from hotline.roles import Role, Session
from hotline.web.audience import Audience
from hotline.web.keys import NOW
from hotline.web.pages import lang_of, page
from hotline.web.service import NavItem, Route
from services.respond.access import listed, ticket_for_agency
from services.respond.actions import Desk
from services.respond.ticket import ANSWERED, ENDED, ClockKind, Status
from services.respond.ticket_view import in_order, row_of
from services.respond.web_lists import Tab, done, page_number, pages_of, part, person

WORKERS = (Role.AGENCY_STAFF, Role.AGENCY_HEAD)
TO_DO, WAITING, TO_SIGN, FINISHED = "can-lam", "cho-nguoi-dan", "cho-ky", "da-xong"
TABS: Mapping[str, frozenset[Status]] = {
    TO_DO: frozenset({Status.ASSIGNED, Status.IN_PROGRESS, Status.DRAFTED}),
    WAITING: frozenset({Status.AWAITING_CITIZEN}),
    TO_SIGN: frozenset({Status.SUBMITTED}),
    FINISHED: ANSWERED | ENDED,
}
KEYS: Mapping[str, str] = {
    TO_DO: "inbox.tab_to_do",
    WAITING: "inbox.tab_waiting",
    TO_SIGN: "inbox.tab_to_sign",
    FINISHED: "inbox.tab_finished",
}
# The receiving desk's clock is not the agency's business.
CLOCKS = frozenset({ClockKind.RESPONSE, ClockKind.AGENCY, ClockKind.PROMISED_WORK})

NAV = (NavItem(path="/inbox", key="nav.inbox", roles=frozenset(WORKERS)),)


@dataclass(frozen=True, slots=True)
class AgencyPages:
    """The handlers of the inbox."""

    desk: Desk

    async def show(self, request: web.Request) -> web.Response:
        """GET /inbox: one tab for each group of statuses, with how many are in it."""
        session, number, now = person(request), page_number(request), request[NOW]
        agency_id = session.agency_id or ""
        by_status = await self.desk.store.count_for_agency(agency_id)
        counts = {name: sum(by_status.get(status, 0) for status in group) for name, group in TABS.items()}
        here = tab_of(request, session, counts)
        tickets = await self.desk.store.for_agency(agency_id, TABS[here], part(number))
        seen = listed(ticket_for_agency, session, tickets)
        rules, lang = self.desk.rules, lang_of(request)
        return page(
            request,
            "respond/inbox.html",
            tabs=[Tab(name=name, key=KEYS[name], count=counts[name], is_here=name == here) for name in TABS],
            tab=here,
            rows=in_order(row_of(session, ticket, now, rules, lang, CLOCKS) for ticket in seen),
            total=counts[here],
            number=number,
            pages=pages_of(counts[here]),
            agency=rules.agency_name(agency_id),
            calendar=rules.calendar,
            done=done(request),
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the inbox's routes."""
        workers = Audience.roles(*WORKERS)
        return (Route(method="GET", path="/inbox", handler=self.show, audience=workers, name="respond.inbox"),)


def tab_of(request: web.Request, session: Session, counts: Mapping[str, int]) -> str:
    """Return the tab asked for; else a head begins with what waits for a signature."""
    asked = request.query.get("muc", "")
    if asked in TABS:
        return asked
    return TO_SIGN if session.role is Role.AGENCY_HEAD and counts[TO_SIGN] else TO_DO
