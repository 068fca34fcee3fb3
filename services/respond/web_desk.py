"""The receiving desk's lists: what must be acknowledged or assigned, what agencies have, what to tell by phone.

For operators and triage officers. What they do to a ticket is on the ticket's own page (`web_ticket`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from hotline.roles import Role, Session
from hotline.web.audience import Audience
from hotline.web.keys import NOW
from hotline.web.pages import lang_of, page
from hotline.web.service import NavItem, Route
from services.respond.access import listed, ticket_for_desk
from services.respond.actions import Desk
from services.respond.clocks import reached_at
from services.respond.similar import Similar, similar_to
from services.respond.ticket import ANSWERED, AT_AGENCY, ENDED, Ticket
from services.respond.ticket_view import Row, in_order, row_of, sees_restricted
from services.respond.web_lists import Tab, done, on_page, page_number, pages_of, part, person, whole

WORKERS = (Role.OPERATOR, Role.TRIAGE_OFFICER)
TO_DO, AT_AGENCIES, TO_TELL, FINISHED = "can-lam", "dang-giai-quyet", "bao-ket-qua", "da-xong"
TABS: Mapping[str, str] = {
    TO_DO: "desk.tab_to_do",
    AT_AGENCIES: "desk.tab_at_agencies",
    TO_TELL: "desk.tab_to_tell",
    FINISHED: "desk.tab_finished",
}
LOOK_BACK = timedelta(days=90)

NAV = (NavItem(path="/desk", key="nav.desk", roles=frozenset(WORKERS)),)


@dataclass(frozen=True, slots=True)
class DeskPages:
    """The handlers of the desk's lists."""

    desk: Desk

    async def show(self, request: web.Request) -> web.Response:
        """GET /desk: urgent first, then the earliest due."""
        here = request.query.get("muc", TO_DO)
        here = here if here in TABS else TO_DO
        session, number = person(request), page_number(request)
        if here == TO_DO:
            tickets = listed(ticket_for_desk, session, await self.desk.store.for_desk(part(number)))
            total = await self.desk.store.count_for_desk()
            rows = self.rows(request, tickets)
        else:
            tickets = await self.of_tab(request, session, here)
            found = self.rows(request, tickets)
            total, rows = len(found), list(on_page(found, number))
        counts = {here: total}
        return page(
            request,
            "respond/desk.html",
            tabs=[Tab(name=name, key=key, count=counts.get(name), is_here=name == here) for name, key in TABS.items()],
            here=request.path,
            tab=here,
            is_to_do=here == TO_DO,
            rows=rows,
            similar=await self.similar(session, tickets, rows),
            total=total,
            number=number,
            pages=pages_of(total),
            done=done(request),
            sees_restricted=sees_restricted(session),
        )

    async def of_tab(self, request: web.Request, session: Session, tab: str) -> list[Ticket]:
        """Return the tickets of a tab other than the first."""
        if tab == AT_AGENCIES:
            running = await whole(self.desk.store.running, ticket_for_desk, session)
            return [ticket for ticket in running if ticket.status in AT_AGENCY]
        received = await self.desk.store.all_received(request[NOW] - LOOK_BACK)
        is_wanted: Callable[[Ticket], bool] = is_to_tell if tab == TO_TELL else is_finished
        return [ticket for ticket in listed(ticket_for_desk, session, received) if is_wanted(ticket)]

    async def similar(self, session: Session, tickets: list[Ticket], rows: list[Row]) -> Mapping[str, Similar]:
        """Return for the tickets on the page what is like them, by their ids; only those that have any."""
        shown = {row.ticket.feedback_id for row in rows}
        found = {
            ticket.feedback_id: await similar_to(self.desk, session, ticket)
            for ticket in tickets
            if ticket.feedback_id in shown
        }
        return {feedback_id: similar for feedback_id, similar in found.items() if similar.tickets}

    def rows(self, request: web.Request, tickets: list[Ticket]) -> list[Row]:
        """Return the rows of tickets in the order in which they are to be taken up."""
        now, lang = request[NOW], lang_of(request)
        return in_order(row_of(person(request), ticket, now, self.desk.rules, lang) for ticket in tickets)

    def routes(self) -> tuple[Route, ...]:
        """Return the desk's routes."""
        workers = Audience.roles(*WORKERS)
        return (Route(method="GET", path="/desk", handler=self.show, audience=workers, name="respond.desk"),)


def is_to_tell(ticket: Ticket) -> bool:
    """Say whether an answer waits for a person to tell it to a citizen who left only a phone."""
    return ticket.status in ANSWERED and ticket.answer is not None and reached_at(ticket, ticket.answer) is None


def is_finished(ticket: Ticket) -> bool:
    """Say whether a ticket was answered or ended; it can still be reopened or restored."""
    return ticket.status in ANSWERED | ENDED
