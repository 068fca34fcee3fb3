"""One ticket, on one page for every audience, with a form for each thing that this person may do to it.

Every action of the desk, the agencies, the screeners and the inspectors comes through `POST /tickets/{id}/{action}`.
Who may not see a ticket is told that there is none. Nothing typed is lost: it is shown again with what is wrong.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, Outcome
from hotline.file_links import ANSWER_FILES, FEEDBACK_FILES, file_link
from hotline.plumbing.log import step
from hotline.roles import Role, Session
from hotline.taxonomy import load_taxonomy
from hotline.uploads import ALLOWED, MAX_FILE_BYTES, MAX_FILES
from hotline.web.audience import Audience
from hotline.web.files import keeper, serve_file
from hotline.web.filters import vn_date
from hotline.web.forms import Form, read_form
from hotline.web.keys import MESSAGES, NOW, SETTINGS
from hotline.web.pages import page, url
from hotline.web.service import Route
from hotline.working_days import local_date
from services.respond.access import is_open_to_staff, ticket_for
from services.respond.action_inputs import (
    HOWS,
    TICKET_FIELD,
    WITH_FILES,
    all_faults,
    fields_of,
    offered,
    on_form,
    read_inputs,
    suggested_route,
)
from services.respond.actions import Desk, Gone, act, find
from services.respond.duplicates import Fate, count_waiting, fate_of, goes_round
from services.respond.inputs import Inputs
from services.respond.similar import Similar, merge_into, similar_to
from services.respond.store import Conflict, FileIsGone
from services.respond.ticket import Action, ClockKind, Ticket
from services.respond.ticket_view import (
    ClockStanding,
    as_seen,
    by_name,
    clock_rows,
    declined_by,
    moments,
    place_named,
    place_of,
    sees_restricted,
)
from services.respond.web_accounts import HOME
from services.respond.web_lists import done, names_of, person
from services.respond.workflow import NotAllowed

READERS = tuple(role for role in Role if role is not Role.ADMIN)
MAX_FORM_BYTES = 512 * 1024
MAX_UPLOAD_BYTES = MAX_FILES * MAX_FILE_BYTES + MAX_FORM_BYTES
NOT_YOURS = "not_yours"
SAME_FOR_ALL: Mapping[str, object] = {
    "hows": HOWS,
    "outcomes": tuple(Outcome),
    "accept": ",".join(ALLOWED),
    "with_files": WITH_FILES,
}
DESK_READERS = frozenset({Role.OPERATOR, Role.TRIAGE_OFFICER})


@dataclass(frozen=True, slots=True)
class TicketPages:
    """The handlers of a ticket's page."""

    desk: Desk

    async def show(self, request: web.Request) -> web.Response:
        """GET /tickets/{feedback_id}."""
        return await self.ticket_page(request, await self.find(request))

    async def back_to_ticket(self, request: web.Request) -> web.Response:
        """GET /tickets/{feedback_id}/{action}: where a reload after a fault leads; on to the ticket itself."""
        raise web.HTTPSeeOther(url(request, "respond.ticket", feedback_id=request.match_info["feedback_id"]))

    async def take_action(self, request: web.Request) -> web.Response:
        """POST /tickets/{feedback_id}/{action}: do it and show the ticket again, or say what is wrong."""
        action, ticket = action_named(request), await self.find(request)
        files: list[Attachment] = []
        keep = keeper(self.desk.vault, files, f"{action}.files") if action in WITH_FILES else None
        form = await read_form(request, max_bytes=MAX_UPLOAD_BYTES if keep else MAX_FORM_BYTES, keep_file=keep)
        try:
            after = await self.carry_out(request, ticket, action, form, tuple(files))
        except Invalid as error:
            faults = on_form(action, ticket, tuple(error.errors))
            return await self.ticket_page(request, ticket, form, (*form.errors, *faults), status=422, tried=action)
        except NotAllowed as error:
            faults = (FieldError(field=TICKET_FIELD, code=f"not_allowed.{error.why}"),)
            status = 403 if error.why == NOT_YOURS else 409
            return await self.ticket_page(request, ticket, form, faults, status=status, tried=action)
        except Conflict:
            faults = (FieldError(field=TICKET_FIELD, code="changed_meanwhile"),)
            newest = await self.find(request)
            return await self.ticket_page(request, newest, form, faults, status=409, tried=action)
        except FileIsGone:
            faults = (FieldError(field=f"{action}.files", code="file_is_gone"),)
            return await self.ticket_page(request, ticket, form, faults, status=409, tried=action)
        raise web.HTTPSeeOther(address_after(request, after, action))

    async def carry_out(
        self, request: web.Request, ticket: Ticket, action: Action, form: Form, files: tuple[Attachment, ...]
    ) -> Ticket:
        """Let the person act on the version they saw.

        Raises Invalid with every fault, NotAllowed, Conflict, FileIsGone.
        """
        session, now, rules = person(request), request[NOW], self.desk.rules
        if form.get("version") != str(ticket.version):
            raise Conflict(ticket.feedback_id)
        if action in {Action.SIGN, Action.RECORD_ANSWER}:
            await self.check_waiting(ticket, form)

        def typed(name: str) -> str:
            return form.get(f"{action}.{name}")

        if form.errors:
            raise Invalid([])
        try:
            given = read_inputs(action, typed, ticket, rules, now)
        except Invalid:
            raise Invalid(all_faults(ticket, action, session, rules, now, typed)) from None
        if files:
            given["files"] = files
        await self.check_duplicate(request, ticket, given)
        after = await act(self.desk, session, ticket, action, now, **given)
        # What was done is not logged of any ticket: where it was missing, a restricted one would be known.
        step("acted", feedback_id=ticket.feedback_id, account_id=session.account_id, version=after.version)
        return after

    async def check_waiting(self, ticket: Ticket, form: Form) -> None:
        """Refuse an answer that goes to more citizens than its page said: it was written without knowing. Raises
        Conflict."""
        told = form.get("waiting")
        if await count_waiting(self.desk.store, ticket) > (int(told) if told.isdecimal() else 0):
            raise Conflict(ticket.feedback_id)

    async def check_duplicate(self, request: web.Request, ticket: Ticket, given: Inputs) -> None:
        """Refuse a duplicate of a ticket that this person cannot see, whether or not there is one.

        An open ticket is no duplicate of one that is not open to staff either, even for those who see both: whoever
        reads the open one would learn that there is another. Nor of one that has no answer to wait for.
        """
        other = given.get("duplicate_of")
        if other is None:
            return
        try:
            found = await find(self.desk, person(request), other, ticket_for)
            if is_open_to_staff(ticket) and not is_open_to_staff(found):
                raise Gone(other)
        except Gone:
            raise Invalid([FieldError(field="duplicate_of", code="duplicate_of_unknown")]) from None
        if fate_of(found) is Fate.GONE:
            raise Invalid([FieldError(field="duplicate_of", code="duplicate_of_ended")])
        if found.feedback_id != ticket.feedback_id and await goes_round(self.desk.store, found, ticket.feedback_id):
            raise Invalid([FieldError(field="duplicate_of", code="duplicate_of_ring")])

    async def find(self, request: web.Request) -> Ticket:
        """Return the ticket of the address as this person may see it, or answer that there is none."""
        try:
            return await find(self.desk, person(request), request.match_info["feedback_id"], ticket_for)
        except Gone:
            raise web.HTTPNotFound from None

    async def ticket_page(
        self,
        request: web.Request,
        ticket: Ticket,
        form: Form | None = None,
        errors: tuple[FieldError, ...] = (),
        *,
        status: int = 200,
        tried: Action | None = None,
    ) -> web.Response:
        """Show the ticket with its forms; `form` keeps what was typed for the action `tried`."""
        session, now, rules = person(request), request[NOW], self.desk.rules
        seen, similar = as_seen(session, ticket), await similar_to(self.desk, session, ticket)
        actions = offered(ticket, session, rules, now)
        typed = form.values if form else {}
        shown = Form(values={**self.prefilled(request, ticket, similar), **typed})
        suggestion = suggested_route(seen, rules)
        names = await names_of(self.desk, {entry.account_id for entry in ticket.history})
        rows = clock_rows(session, ticket, now, rules.calendar, rules.agency_name)
        return page(
            request,
            "respond/ticket.html",
            status,
            form=shown,
            errors=errors,
            done=done(request),
            ticket=seen,
            similar=similar,
            actions=[(action, fields_of(action, ticket)) for action in actions],
            opened=opened(actions, tried, errors),
            unsent=unsent(typed, tried, actions),
            clocks=[row for row in rows if row.standing is not ClockStanding.VOID or row.kind is ClockKind.RESPONSE],
            calendar=rules.calendar,
            moments=moments(session, ticket, rules.agency_name, names),
            names=names,
            agency_name=rules.agency_name,
            taxonomy=load_taxonomy(),
            place=place_of(ticket),
            place_named=await asyncio.to_thread(place_named, seen, rules.profile.province_code),
            files=links(request, ticket.attachments),
            answers=[(answer, links(request, answer.files, at=ANSWER_FILES)) for answer in reversed(seen.answers)],
            agencies=self.choices(ticket, now),
            suggestion=suggestion,
            has_declined=suggestion is not None and suggestion.agency_id in declined_by(ticket),
            **SAME_FOR_ALL,
            draft_files=links(request, ticket.draft.files if ticket.draft else (), at=ANSWER_FILES),
            **shown_to(session),
            **await self.merged(session, ticket),
        )

    async def merged(self, session: Session, ticket: Ticket) -> Mapping[str, object]:
        """Return what the page says of merged tickets: how many wait for this one, and a link that leads somewhere."""
        original = await self.desk.store.get(ticket.duplicate_of) if ticket.duplicate_of else None
        return {
            "waiting": await count_waiting(self.desk.store, ticket),
            "shows_original": original is not None and ticket_for(session, original) is not None,
        }

    def choices(self, ticket: Ticket, now: datetime) -> list[tuple[str, str]]:
        """Return the active agencies as (id, name), in the order of their names."""
        return by_name((body.id, body.name) for body in self.desk.rules.directory.active(local_date(now)))

    def prefilled(self, request: web.Request, ticket: Ticket, similar: Similar) -> dict[str, tuple[str, ...]]:
        """Return what the forms begin with; what is said to citizens is in Vietnamese whatever the reader's page."""
        session, now = person(request), request[NOW]
        today = vn_date(now)
        values = {
            "acknowledge.how": "phone",
            "acknowledge.said": said_to_citizen(request, ticket, self.desk),
            "sign.signed_on": today,
            "sign.signatory": session.full_name if session.role is Role.AGENCY_HEAD else "",
            "record_answer.signed_on": today,
            "mark_duplicate.duplicate_of": merge_into(ticket, similar.tickets),
        }
        if ticket.draft is not None:
            promised_on = ticket.draft.promised_on
            values |= {
                "draft.text": ticket.draft.text,
                "draft.outcome": str(ticket.draft.outcome),
                "draft.promised_on": vn_date(promised_on) if promised_on else "",
            }
        suggestion = suggested_route(as_seen(session, ticket), self.desk.rules)
        if suggestion is not None and suggestion.agency_id not in declined_by(ticket):
            values["assign.agency"] = suggestion.agency_id
        return {name: (value,) for name, value in values.items()}

    async def serve_answer_file(self, request: web.Request) -> web.StreamResponse:
        """GET /answer-files/{signed}: a file of an answer, to whoever holds a link signed for it."""
        return await serve_file(request, self.desk.vault, ANSWER_FILES)

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of a ticket's page and of answers' files."""
        readers, public = Audience.roles(*READERS), Audience.public()
        one, verb = "/tickets/{feedback_id}", "/tickets/{feedback_id}/{action}"
        return (
            Route(method="GET", path=one, handler=self.show, audience=readers, name="respond.ticket"),
            Route(method="GET", path=verb, handler=self.back_to_ticket, audience=readers, name="respond.act"),
            Route(method="POST", path=verb, handler=self.take_action, audience=readers, name="respond.act"),
            Route(
                method="GET",
                path="/answer-files/{signed}",
                handler=self.serve_answer_file,
                audience=public,
                name="respond.answer_file",
            ),
        )


def shown_to(session: Session) -> Mapping[str, object]:
    """Return what of the page is for this person's role."""
    return {
        "home": HOME[session.role],
        "shows_draft": session.role in {Role.AGENCY_STAFF, Role.AGENCY_HEAD, Role.INSPECTOR},
        "shows_contact": session.role in DESK_READERS,
        "sees_restricted": sees_restricted(session),
    }


def action_named(request: web.Request) -> Action:
    """Return the action of the address, or answer that there is no such page."""
    name = request.match_info["action"]
    if name not in set(Action):
        raise web.HTTPNotFound
    return Action(name)


def address_after(request: web.Request, after: Ticket, action: Action) -> str:
    """Return where to go on: the ticket, or one's own list when it is out of sight now."""
    session, query = person(request), {"xong": str(action)}
    if ticket_for(session, after) is None:
        return f"{HOME[session.role]}?xong={action}"
    return url(request, "respond.ticket", query, feedback_id=after.feedback_id)


def said_to_citizen(request: web.Request, ticket: Ticket, desk: Desk) -> str:
    """Return the sentence an officer says to acknowledge: received, who answers, by when."""
    message = request.app[MESSAGES].message
    if ticket.restricted or ticket.route is None:
        agency = message("vi", "ticket.some_agency")
    else:
        agency = desk.rules.agency_name(ticket.route.answers)
    day = vn_date(ticket.promise.response_due_at)
    return message("vi", "ticket.said", {"agency": agency, "day": day})


def links(
    request: web.Request, files: tuple[Attachment, ...], *, at: str = FEEDBACK_FILES
) -> list[tuple[Attachment, str]]:
    """Return files with their signed addresses, good for an hour."""
    secret = request.app[SETTINGS].secret_key
    text = secret if isinstance(secret, str) else secret.decode()
    return [(file, file_link(text, file, now=request[NOW], at=at)) for file in files]


def opened(actions: tuple[Action, ...], tried: Action | None, errors: tuple[FieldError, ...]) -> frozenset[Action]:
    """Return the forms that stand open: the one with faults, else the likeliest."""
    if tried in actions and errors and tried is not None:
        return frozenset({tried})
    return frozenset(actions[:1])


def unsent(typed: Any, tried: Action | None, actions: tuple[Action, ...]) -> list[str]:
    """Return what was typed for an action that is not offered any more, so that it can be copied."""
    if tried is None or tried in actions:
        return []
    return [value for name, values in typed.items() if name.startswith(f"{tried}.") for value in values if value]
