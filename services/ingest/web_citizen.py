"""The citizen's pages: the form, the receipt, looking up, following and adding to a feedback; places; files.

Work without JavaScript and on a phone. A tracking code travels in form bodies only, never in an address. The handlers
read what was typed and ask the actions; they decide nothing.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

import msgspec
from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, Channel
from hotline.file_links import ANSWER_FILES, FEEDBACK_FILES, file_link
from hotline.places import Gazetteer
from hotline.plumbing.failures import WorldIsDown
from hotline.taxonomy import UnknownCode, load_taxonomy
from hotline.tracking import InvalidTrackingCode, parse_tracking_code
from hotline.uploads import ALLOWED, MAX_FILE_BYTES, MAX_FILES, check_count
from hotline.web.audience import Audience
from hotline.web.files import keeper, serve_file
from hotline.web.forms import Form, read_form
from hotline.web.keys import NOW
from hotline.web.pages import lang_of, page
from hotline.web.ratelimit import RateLimit, client_address, is_too_often
from hotline.web.service import Route
from services.ingest import actions
from services.ingest.citizen_form import (
    MAX_FIELD_BYTES,
    KeptFiles,
    commune_options,
    home_province,
    province_options,
    web_draft,
)
from services.ingest.documents import Feedback
from services.ingest.following import RATINGS, PublicState, public_state
from services.ingest.locating import PlaceTyped, candidates
from services.ingest.store import WasErased

MAX_FORM_BYTES = MAX_FILES * MAX_FILE_BYTES + 4 * 1024 * 1024
FORM = "ingest/form.html"
LOOK_UP = "ingest/look_up.html"

FollowUp = Callable[[Form, web.Request], Awaitable[Feedback]]


@dataclass(frozen=True, kw_only=True)
class CitizenPages:
    """The handlers, with what they work on."""

    intake: actions.Intake
    secret: str
    power_company_phone: str
    lookups: RateLimit
    submissions: RateLimit | None

    @cached_property
    def kept(self) -> KeptFiles:
        """Return the signer of files already kept."""
        return KeptFiles(self.secret)

    @property
    def known(self) -> Gazetteer:
        """Return the places, loaded when first asked for."""
        return self.intake.rules.gazetteer()

    @cached_property
    def home(self) -> str:
        """Return the province that the form offers first."""
        return home_province(self.intake.rules.locality, self.known)

    def routes(self) -> tuple[Route, ...]:
        """Return the citizen's routes."""
        public = Audience.public()
        table = (
            ("GET", "/", self.show_form, "ingest.form"),
            ("POST", "/gui", self.submit, "ingest.submit"),
            ("GET", "/gui", self.back_to_form, "ingest.submit"),
            ("GET", "/tra-cuu", self.ask_code, "ingest.look_up"),
            ("POST", "/tra-cuu", self.look_up, "ingest.look_up"),
            ("POST", "/tra-cuu/bo-sung", self.add_information, "ingest.add"),
            ("POST", "/tra-cuu/danh-gia", self.rate, "ingest.rate"),
            ("POST", "/tra-cuu/xem-lai", self.request_reopen, "ingest.reopen"),
            ("POST", "/tra-cuu/rut", self.withdraw, "ingest.withdraw"),
            ("GET", "/dia-ban", self.suggest_places, "ingest.places"),
            ("GET", "/files/{signed}", self.serve_file, "ingest.file"),
        )
        return tuple(
            Route(method=method, path=path, handler=handler, audience=public, name=name)
            for method, path, handler, name in table
        )

    async def show_form(self, request: web.Request) -> web.Response:
        """Show the empty form."""
        return self._form(request, Form(values={"place.province": (self.home,)}))

    async def back_to_form(self, request: web.Request) -> web.Response:
        """Lead whoever opens the address of the receipt anew to the form."""
        raise web.HTTPSeeOther("/")

    async def submit(self, request: web.Request) -> web.Response:
        """Take the form in and show the receipt; the same form again shows the same receipt.

        From an address that sends too much the words are read and shown again, the files are read past.
        """
        kept: list[Attachment] = []
        must_wait = is_too_often(self.submissions, request)
        keep = None if must_wait else keeper(self.intake.vault, kept, "attachments")
        form = await read_form(request, max_bytes=MAX_FORM_BYTES, max_field_bytes=MAX_FIELD_BYTES, keep_file=keep)
        files = tuple({file.file_id: file for file in (*self.kept.read(form.all("kept_files")), *kept)}.values())
        typed = {name: values[0] for name, values in form.values.items()}
        if must_wait:
            wait = [FieldError(field="text", code="too_many_sent")]
            return self._form(request, form, errors=wait, files=files[:MAX_FILES], status=429)
        draft = web_draft(typed, home=self.home, attachments=files)
        try:
            check_count(len(files))
            added = await actions.submit(self.intake, draft, now=request[NOW], faults=form.errors)
        except Invalid as invalid:
            return self._form(request, form, errors=invalid.errors or form.errors, files=files[:MAX_FILES], status=422)
        except (actions.IdempotencyConflict, WasErased):
            again = [FieldError(field="text", code="form_sent_already")]
            return self._form(request, form, errors=again, files=files, status=409)
        except WorldIsDown:
            down = [FieldError(field="text", code="store_down")]
            return self._form(request, form, errors=down, files=files, status=503)
        return page(request, "ingest/receipt.html", feedback=added.feedback, calendar=self.intake.rules.calendar)

    async def ask_code(self, request: web.Request) -> web.Response:
        """Show where a tracking code is typed."""
        return page(request, LOOK_UP)

    async def look_up(self, request: web.Request) -> web.Response:
        """Show the feedback of a tracking code; tries are limited for each address."""

        async def nothing(form: Form, _: web.Request) -> Feedback:
            return await actions.by_tracking_code(self.intake, parse_tracking_code(form.get("tracking_code")))

        return await self._followed(request, nothing, said="")

    async def add_information(self, request: web.Request) -> web.Response:
        """Add what the citizen says later."""

        async def add(form: Form, asked: web.Request) -> Feedback:
            code = parse_tracking_code(form.get("tracking_code"))
            return await actions.add_information(self.intake, code, form.get("information"), now=asked[NOW])

        return await self._followed(request, add, said="ingest.follow.added")

    async def rate(self, request: web.Request) -> web.Response:
        """Rate the answer."""

        async def rate(form: Form, asked: web.Request) -> Feedback:
            code = parse_tracking_code(form.get("tracking_code"))
            comment = form.get("comment")
            return await actions.rate(self.intake, code, form.get("rating"), comment, now=asked[NOW])

        return await self._followed(request, rate, said="ingest.follow.rated")

    async def request_reopen(self, request: web.Request) -> web.Response:
        """Ask to look at it again."""

        async def reopen(form: Form, asked: web.Request) -> Feedback:
            code = parse_tracking_code(form.get("tracking_code"))
            return await actions.request_reopen(self.intake, code, form.get("reopen_reason"), now=asked[NOW])

        return await self._followed(request, reopen, said="ingest.follow.reopened")

    async def withdraw(self, request: web.Request) -> web.Response:
        """Ask to withdraw it."""

        async def withdraw(form: Form, asked: web.Request) -> Feedback:
            code = parse_tracking_code(form.get("tracking_code"))
            return await actions.withdraw(self.intake, code, form.get("withdraw_reason"), now=asked[NOW])

        return await self._followed(request, withdraw, said="ingest.follow.withdrawn")

    async def suggest_places(self, request: web.Request) -> web.Response:
        """Return the communes that what was typed may mean, as JSON for the page's script."""
        province, query = request.query.get("tinh", "")[:100], request.query.get("q", "")[:100]
        found = candidates(PlaceTyped(province=province, commune=query), self.known) if query.strip() else ()
        answer = [{"value": match.commune.full_name, "hint": match.via} for match in found]
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def serve_file(self, request: web.Request) -> web.StreamResponse:
        """Serve an attachment to whoever holds a link signed for it."""
        return await serve_file(request, self.intake.vault, FEEDBACK_FILES)

    async def _followed(self, request: web.Request, act: FollowUp, *, said: str) -> web.Response:
        """Do what a form with a tracking code asks, and show the feedback with what was done or must be mended."""
        form = await read_form(request)
        address, now = client_address(request), request[NOW]
        if not self.lookups.allows(address, now):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        errors: tuple[FieldError, ...] = ()
        try:
            code = parse_tracking_code(form.get("tracking_code"))
            try:
                feedback = await act(form, request)
            except Invalid as invalid:
                errors, said = invalid.errors, ""
                feedback = await actions.by_tracking_code(self.intake, code)
        except InvalidTrackingCode:
            wrong = [FieldError(field="tracking_code", code="tracking_code_invalid")]
            return page(request, LOOK_UP, status=422, form=form, errors=wrong)
        except actions.UnknownFeedback:
            unknown = [FieldError(field="tracking_code", code="tracking_code_unknown")]
            return page(request, LOOK_UP, status=404, form=form, errors=unknown)
        self.lookups.give_back(address)
        return self._feedback(request, feedback, form=form, errors=errors, said=said)

    def _feedback(
        self, request: web.Request, feedback: Feedback, *, form: Form, errors: tuple[FieldError, ...], said: str
    ) -> web.Response:
        state = public_state(feedback)
        answer_files = state.answer.files if state.answer else ()
        return page(
            request,
            "ingest/feedback.html",
            status=422 if errors else 200,
            form=Form() if said else form,
            errors=errors,
            said=said,
            feedback=feedback,
            state=state,
            field_name=field_name(state, lang_of(request)),
            calendar=self.intake.rules.calendar,
            ratings=[str(value) for value in RATINGS],
            answer_files=[
                (file.name, file_link(self.secret, file, now=request[NOW], at=ANSWER_FILES)) for file in answer_files
            ],
        )

    def _form(
        self,
        request: web.Request,
        form: Form,
        *,
        errors: tuple[FieldError, ...] | list[FieldError] = (),
        files: tuple[Attachment, ...] = (),
        status: int = 200,
    ) -> web.Response:
        typed = {name: values[0] for name, values in form.values.items()}
        must_choose = any(error.field == "place.commune" for error in errors)
        rules = self.intake.rules
        return page(
            request,
            FORM,
            status=status,
            form=form,
            errors=errors,
            idempotency_key=secrets.token_urlsafe(18),
            provinces=province_options(self.known),
            communes=commune_options(typed, self.known) if must_choose else [],
            kept_files=[(self.kept.sign(file), file.name) for file in files],
            accept=",".join(ALLOWED),
            power_company_phone=self.power_company_phone,
            policy=rules.policies.choose(rules.locality, Channel.WEB),
        )


def field_name(state: PublicState, lang: str) -> str:
    """Return the field's name in the reader's language; as respond said it when its code is not of our taxonomy."""
    try:
        return load_taxonomy().field_name(state.code or "", lang)
    except UnknownCode:
        return state.field or ""
