"""The operator's pages: typing a call in, importing slips of suggestion boxes, telling answers by telephone, contacts.

For operators and triage officers. Numbers and codes travel in form bodies only. What is restricted is never shown among
a caller's earlier messages, on the list of answers to tell, or as a contact. The handlers decide nothing.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.facts import CallAcknowledgement, Channel
from hotline.plumbing.failures import WorldIsDown
from hotline.promises import Promise, promise
from hotline.roles import Role, Session
from hotline.web.audience import Audience, session_of
from hotline.web.filters import vn_date
from hotline.web.forms import FilePart, Form, read_form
from hotline.web.keys import CLOCK, MESSAGES, NOW
from hotline.web.pages import page, url
from hotline.web.service import NavItem, Route
from services.ingest import actions
from services.ingest.batch_files import read_batch
from services.ingest.batch_rows import MAX_BATCH_BYTES, UnreadableInstant, read_local_instant
from services.ingest.batches import batch_id_of, import_sheet
from services.ingest.citizen_form import (
    MAX_FIELD_BYTES,
    call_form_draft,
    commune_options,
    home_province,
    province_options,
)
from services.ingest.contact import InvalidPhone, normalise_phone, spoken_phone
from services.ingest.documents import Feedback
from services.ingest.following import contact_of, public_status
from services.ingest.store import WasErased

DESK = Audience.roles(Role.OPERATOR, Role.TRIAGE_OFFICER)
DESK_ROLES = frozenset({Role.OPERATOR, Role.TRIAGE_OFFICER})
EARLIER = 10
TO_TELL = 100
BATCHES = 15
NAV = (
    NavItem(path="/operator/call", key="ingest.nav.call", roles=DESK_ROLES),
    NavItem(path="/operator/tell", key="ingest.nav.tell", roles=DESK_ROLES),
    NavItem(path="/operator/import", key="ingest.nav.import", roles=DESK_ROLES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier message of the caller, as the operator sees it."""

    received_at: datetime
    tracking_code: str
    status: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTell:
    """An answer to be told by telephone."""

    feedback: Feedback
    name: str
    phone: str
    dial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPages:
    """The handlers, with what they work on."""

    intake: actions.Intake
    nav: tuple[NavItem, ...] = field(default=NAV)

    def routes(self) -> tuple[Route, ...]:
        """Return the operator's routes."""
        table = (
            ("GET", "/operator/call", self.show_call, "ingest.call"),
            ("POST", "/operator/call", self.take_call, "ingest.call"),
            ("GET", "/operator/import", self.show_import, "ingest.import"),
            ("POST", "/operator/import", self.take_import, "ingest.import"),
            ("GET", "/operator/import/{batch_id}", self.show_batch, "ingest.batch"),
            ("GET", "/operator/tell", self.show_tell, "ingest.tell"),
            ("POST", "/operator/tell", self.record_told, "ingest.tell"),
            ("GET", "/operator/contact/{feedback_id}", self.show_contact, "ingest.contact"),
        )
        return tuple(
            Route(method=method, path=path, handler=handler, audience=DESK, name=name)
            for method, path, handler, name in table
        )

    async def show_call(self, request: web.Request) -> web.Response:
        """Show the empty call form, the number first."""
        day = vn_date(self._promise(request).response_due_at)
        # What is said to a caller is Vietnamese, whatever language the operator reads the page in.
        told = request.app[MESSAGES].message("vi", "ingest.call.said_first", {"day": day})
        return self._call(request, Form(values={"place.province": (self._home(),), "said": (told,)}))

    async def take_call(self, request: web.Request) -> web.Response:
        """Look the number up, or take the call in and show what to read out to the caller."""
        form = await read_form(request, max_field_bytes=MAX_FIELD_BYTES)
        phone, errors = _read_phone(form)
        earlier = await self._earlier(phone)
        if form.get("step") == "look_up":
            status = 422 if errors else 200
            return self._call(request, form, errors=errors, earlier=earlier, has_looked=not errors, status=status)
        acknowledged, missing = _read_acknowledgement(form, _session(request), request[NOW])
        typed = {name: values[0] for name, values in form.values.items()}
        account_id = _session(request).account_id
        draft = call_form_draft(typed, home=self._home(), account_id=account_id, acknowledged=acknowledged)
        try:
            added = await actions.submit(self.intake, draft, now=request[NOW], faults=(*form.errors, *missing))
        except Invalid as invalid:
            return self._call(request, form, errors=invalid.errors, earlier=earlier, status=422)
        except (actions.IdempotencyConflict, WasErased):
            again = [FieldError(field="text", code="form_sent_already")]
            return self._call(request, form, errors=again, earlier=earlier, status=409)
        except WorldIsDown:
            down = [FieldError(field="text", code="store_down")]
            return self._call(request, form, errors=down, earlier=earlier, status=503)
        calendar = self.intake.rules.calendar
        return page(request, "ingest/call_done.html", feedback=added.feedback, calendar=calendar)

    async def show_import(self, request: web.Request) -> web.Response:
        """Show the upload form and the newest batches."""
        return await self._import(request, Form())

    async def take_import(self, request: web.Request) -> web.Response:
        """Import an uploaded batch and lead to its result."""
        form = await read_form(request, max_bytes=MAX_BATCH_BYTES + 1024**2, keep_file=_read_upload)
        upload = next((item for item in form.files.get("file", ()) if isinstance(item, Upload)), None)
        box_id = form.get("box").strip()
        opened_at, errors = _read_opening(form)
        if upload is None and not form.errors:
            errors.append(FieldError(field="file", code="batch_missing"))
        errors = [*form.errors, *errors]
        if errors or upload is None:
            return await self._import(request, form, errors=errors, status=422)
        batch_id = batch_id_of(upload.content, box_id, opened_at)
        try:
            batch = await import_sheet(
                self.intake,
                await asyncio.to_thread(read_batch, upload.name, upload.content),
                batch_id=batch_id,
                file_name=upload.name,
                box_id=box_id,
                opened_at=opened_at,
                entered_by=_session(request).account_id,
                clock=request.app[CLOCK],
                report=lambda _: None,
            )
        except Invalid as invalid:
            return await self._import(request, form, errors=invalid.errors, status=422)
        raise web.HTTPSeeOther(url(request, "ingest.batch", batch_id=batch.batch_id))

    async def show_batch(self, request: web.Request) -> web.Response:
        """Show how a batch went: accepted, known already, and every faulty row by its number."""
        batch = await self.intake.store.import_progress(request.match_info["batch_id"])
        if batch is None:
            raise web.HTTPNotFound
        rows = [(fault.row, fault.field, f"errors.{fault.code}", dict(fault.params)) for fault in batch.faults]
        refused = len({fault.row for fault in batch.faults})
        return page(request, "ingest/batch.html", batch=batch, rows=rows, refused=refused)

    async def show_tell(self, request: web.Request) -> web.Response:
        """Show the answers to be told by telephone."""
        return await self._tell(request, Form())

    async def record_told(self, request: web.Request) -> web.Response:
        """Record the call in which an answer was told."""
        form = await read_form(request)
        feedback_id, by = form.get("feedback_id"), _session(request).account_id
        try:
            await actions.record_told_by_phone(self.intake, feedback_id, form.get("said"), by=by, now=request[NOW])
        except actions.UnknownFeedback:
            raise web.HTTPNotFound from None
        except Invalid as invalid:
            errors = [
                FieldError(field=f"said-{feedback_id}", code=error.code, params=error.params)
                for error in invalid.errors
            ]
            return await self._tell(request, form, errors=errors, status=422)
        raise web.HTTPSeeOther(url(request, "ingest.tell"))

    async def show_contact(self, request: web.Request) -> web.Response:
        """Show the desk how to reach the citizen; for what is restricted the page does not exist."""
        feedback = await self.intake.store.get(request.match_info["feedback_id"])
        contact = contact_of(feedback)
        if feedback is None or contact is None:
            raise web.HTTPNotFound
        phone = spoken_phone(contact.phone) if contact.phone else ""
        return page(request, "ingest/contact.html", feedback=feedback, contact=contact, phone=phone)

    def _home(self) -> str:
        return home_province(self.intake.rules.locality, self.intake.rules.gazetteer())

    async def _earlier(self, phone: str | None) -> list[Earlier]:
        if phone is None:
            return []
        return [
            Earlier(
                received_at=feedback.received_at,
                tracking_code=feedback.tracking_code,
                status=public_status(feedback.ticket),
                text=feedback.text if len(feedback.text) <= 300 else f"{feedback.text[:300]}…",
            )
            for feedback in await self.intake.store.earlier_calls(phone, EARLIER)
        ]

    def _promise(self, request: web.Request) -> Promise:
        """Return what a caller who is on the line now is promised."""
        rules = self.intake.rules
        return promise(request[NOW], rules.policies.choose(rules.locality, Channel.HOTLINE), rules.calendar)

    def _call(
        self,
        request: web.Request,
        form: Form,
        *,
        errors: tuple[FieldError, ...] | list[FieldError] = (),
        earlier: list[Earlier] | None = None,
        has_looked: bool = False,
        status: int = 200,
    ) -> web.Response:
        known = self.intake.rules.gazetteer()
        typed = {name: values[0] for name, values in form.values.items()}
        must_choose = any(error.field == "place.commune" for error in errors)
        return page(
            request,
            "ingest/call.html",
            status=status,
            form=form,
            errors=errors,
            earlier=earlier or [],
            has_looked=has_looked,
            idempotency_key=secrets.token_urlsafe(18),
            promise=self._promise(request),
            provinces=province_options(known),
            communes=commune_options(typed, known) if must_choose else [],
        )

    async def _import(
        self,
        request: web.Request,
        form: Form,
        *,
        errors: tuple[FieldError, ...] | list[FieldError] = (),
        status: int = 200,
    ) -> web.Response:
        batches = await self.intake.store.recent_batches(BATCHES)
        return page(request, "ingest/import.html", status=status, form=form, errors=errors, batches=batches)

    async def _tell(
        self,
        request: web.Request,
        form: Form,
        *,
        errors: list[FieldError] | None = None,
        status: int = 200,
    ) -> web.Response:
        waiting = [
            ToTell(
                feedback=feedback,
                name=feedback.reporter.name or "",
                phone=spoken_phone(feedback.reporter.phone),
                dial=feedback.reporter.phone,
            )
            for feedback in await self.intake.store.to_tell_by_phone(TO_TELL)
            if feedback.reporter and feedback.reporter.phone
        ]
        return page(request, "ingest/tell.html", status=status, form=form, errors=errors or [], waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A batch file as it came."""

    name: str
    content: bytes


async def _read_upload(part: FilePart) -> Upload:
    content = bytearray()
    async for chunk in part.chunks:
        content += chunk
        if len(content) > MAX_BATCH_BYTES:
            limit = str(MAX_BATCH_BYTES // 1024**2)
            raise Invalid([FieldError(field="file", code="batch_too_large", params={"limit": limit})])
    return Upload(name=part.name, content=bytes(content))


def _session(request: web.Request) -> Session:
    session = session_of(request)
    assert session is not None, "the audience of these routes lets nobody in without a session"
    return session


def _read_phone(form: Form) -> tuple[str | None, list[FieldError]]:
    try:
        return normalise_phone(form.get("reporter.phone")), []
    except InvalidPhone:
        return None, [FieldError(field="reporter.phone", code="phone_invalid")]


def _read_acknowledgement(
    form: Form, session: Session, now: datetime
) -> tuple[CallAcknowledgement | None, list[FieldError]]:
    if form.get("acknowledged") != "yes":
        return None, []
    said = form.get("said").strip()
    if not said:
        return None, [FieldError(field="said", code="said_missing")]
    return CallAcknowledgement(by=session.account_id, at=now, said=said[:2000]), []


def _read_opening(form: Form) -> tuple[datetime | None, list[FieldError]]:
    typed = form.get("opened_at").strip()
    if not typed:
        return None, []
    try:
        return read_local_instant(typed), []
    except UnreadableInstant:
        return None, [FieldError(field="opened_at", code="opened_at_unreadable")]
