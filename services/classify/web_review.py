"""The review desk: what the model was unsure of waits here for a person who confirms or corrects.

Triage officers see ordinary feedback; restricted feedback is shown to named screeners alone, and looks as if it did
not exist to everyone else. Handlers read the input, call one action, and answer.
"""

from dataclasses import dataclass

from aiohttp import web

from hotline.bursts import burst_of
from hotline.errors import FieldError, Invalid
from hotline.plumbing.log import step
from hotline.roles import Role, Session
from hotline.taxonomy import PetitionKind, load_taxonomy
from hotline.web.audience import Audience, session_of
from hotline.web.forms import Form, read_form
from hotline.web.keys import NOW
from hotline.web.pages import lang_of, page, url
from hotline.web.service import NavItem, Route
from services.classify.actions import Gone, Verdict, decide, find_for_reviewer, lately_decided, waiting_for
from services.classify.alike import alike
from services.classify.documents import Classification
from services.classify.store import ClassifyStore, Conflict

REVIEWERS = (Role.TRIAGE_OFFICER, Role.INSPECTOR)
PAGE_SIZE = 25
RECENT = 10


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """The handlers of the review desk over one store."""

    store: ClassifyStore

    async def show_queue(self, request: web.Request) -> web.Response:
        """GET /review: what waits, restricted and urgent first, then the oldest."""
        reviewer = reviewer_of(request)
        number = page_number(request)
        offset = (number - 1) * PAGE_SIZE
        waiting, total = await waiting_for(self.store, reviewer, limit=PAGE_SIZE, offset=offset)
        return page(
            request,
            "classify/queue.html",
            waiting=waiting,
            total=total,
            decided=await lately_decided(self.store, reviewer, RECENT),
            number=number,
            page_size=PAGE_SIZE,
            taxonomy=load_taxonomy(),
        )

    async def show(self, request: web.Request) -> web.Response:
        """GET /review/{feedback_id}: the message, what the model says and why, and the form."""
        try:
            document = await find_for_reviewer(self.store, request.match_info["feedback_id"], reviewer_of(request))
        except Gone:
            raise web.HTTPNotFound from None
        return await self.show_document(request, document, form_of(document))

    async def take_verdict(self, request: web.Request) -> web.Response:
        """POST /review/{feedback_id}: confirm or correct, then on to the next that waits."""
        reviewer = reviewer_of(request)
        form = await read_form(request)
        try:
            document = await find_for_reviewer(self.store, request.match_info["feedback_id"], reviewer)
        except Gone:
            raise web.HTTPNotFound from None
        try:
            decided = await decide(self.store, document.feedback_id, verdict_of(form), reviewer, request[NOW])
        except Invalid as error:
            return await self.show_document(request, document, form, error.errors, status=422)
        except Conflict:
            meanwhile = (FieldError(field="code", code="decided_meanwhile"),)
            return await self.show_document(request, document, form_of(document), meanwhile, status=409)
        step("reviewed", feedback_id=decided.feedback_id, account_id=reviewer.account_id, version=decided.version)
        raise web.HTTPSeeOther(await self.next_address(request, reviewer))

    async def show_document(
        self,
        request: web.Request,
        document: Classification,
        form: Form,
        errors: tuple[FieldError, ...] = (),
        status: int = 200,
    ) -> web.Response:
        """Show one feedback with its form, and what may be about the same trouble as things stand now."""
        taxonomy, lang = load_taxonomy(), lang_of(request)
        names = {code: taxonomy.display_name(code, lang) for code in taxonomy.labels}
        likely = [code for code, _ in document.suggested.scores]
        similar = await alike(self.store, document)
        receipts = [(other.received_at, other.commune_code) for other in similar]
        return page(
            request,
            "classify/review.html",
            status=status,
            document=document,
            similar=similar,
            burst=burst_of(document.received_at, document.commune_code, receipts),
            names=names,
            codes=[(code, names[code]) for code in sorted(names, key=lambda code: code not in likely)],
            kinds=list(PetitionKind),
            form=form,
            errors=errors,
        )

    async def next_address(self, request: web.Request, reviewer: Session) -> str:
        """Return the page of the next that waits, or the queue when nothing does."""
        waiting, _ = await waiting_for(self.store, reviewer, limit=1)
        if not waiting:
            return url(request, "classify.queue")
        return url(request, "classify.review", feedback_id=waiting[0].feedback_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the desk's routes."""
        reviewers = Audience.roles(*REVIEWERS)
        one = "/review/{feedback_id}"
        return (
            Route(method="GET", path="/review", handler=self.show_queue, audience=reviewers, name="classify.queue"),
            Route(method="GET", path=one, handler=self.show, audience=reviewers, name="classify.review"),
            Route(method="POST", path=one, handler=self.take_verdict, audience=reviewers, name="classify.review"),
        )


NAV = (NavItem(path="/review", key="nav.review", roles=frozenset(REVIEWERS)),)


def reviewer_of(request: web.Request) -> Session:
    """Return who is signed in; the route's audience saw to it that somebody is."""
    session = session_of(request)
    if session is None:
        raise web.HTTPForbidden
    return session


def page_number(request: web.Request) -> int:
    """Read the page number of the address; nonsense is page 1."""
    given = request.query.get("trang", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 6 else 1


def verdict_of(form: Form) -> Verdict:
    """Read the reviewer's form; raises Invalid."""
    errors = list(form.errors)
    kind, version = form.get("petition_kind"), form.get("version")
    if kind not in set(PetitionKind):
        errors.append(FieldError(field="petition_kind", code="kind_missing"))
    if not form.get("code"):
        errors.append(FieldError(field="code", code="code_missing"))
    if not version.isdecimal():
        errors.append(FieldError(field="code", code="decided_meanwhile"))
    if errors:
        raise Invalid(errors)
    return Verdict(
        version=int(version),
        code=form.get("code"),
        second=form.get("second") or None,
        petition_kind=PetitionKind(kind),
        restricted=form.get("restricted") == "yes",
        urgent=form.get("urgent") == "yes",
    )


def form_of(document: Classification) -> Form:
    """Return the form filled with what holds now."""
    state = document.state
    values = {
        "version": str(document.version),
        "code": state.code,
        "second": state.second or "",
        "petition_kind": str(state.petition_kind),
        "restricted": "yes" if state.restricted else "",
        "urgent": "yes" if state.urgent else "",
    }
    return Form(values={name: (value,) for name, value in values.items()})
