"""The JSON edge: feedback in, its public state out, and the 1022 switchboard's signed calls.

Errors are problem documents (RFC 9457) that name every field at once. It reads bodies within bounds, checks keys and
signatures, and leaves every decision to the actions. A tracking code, a number or a word of a body is never logged.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, Channel, PublicAnswer
from hotline.plumbing.failures import WorldIsDown
from hotline.tracking import InvalidTrackingCode, parse_tracking_code
from hotline.uploads import MAX_FILE_BYTES, MAX_FILES, check_count
from hotline.web.audience import Audience
from hotline.web.keys import NOW
from hotline.web.pages import problem
from hotline.web.ratelimit import RateLimit, client_address, is_too_often
from hotline.web.service import Route
from hotline.web.shell import api_client
from hotline.working_days import VN
from services.ingest import actions
from services.ingest.bodies import AttachmentBody, CallBody, FeedbackBody, read_body
from services.ingest.channels import IncompleteCall, api_draft, api_origin, call_draft
from services.ingest.documents import Feedback
from services.ingest.feedback import Draft
from services.ingest.following import public_state
from services.ingest.store import WasErased

KEY_HEADER = "Idempotency-Key"
TOO_MUCH_WITHOUT_KEY = "too_much_without_key"
SMALL_BODY_BYTES = 1024 * 1024
LARGEST_BODY_BYTES = MAX_FILES * MAX_FILE_BYTES * 4 // 3 + 2 * SMALL_BODY_BYTES
JSON_TYPES = frozenset({"application/json", "application/octet-stream", "text/plain"})
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackApi:
    """The handlers, with what they work on; `lookups` bounds guessing of tracking codes, `submissions` flooding."""

    intake: actions.Intake
    webhook_secret: str
    lookups: RateLimit
    submissions: RateLimit | None

    def routes(self) -> tuple[Route, ...]:
        """Return the API's routes."""
        api = Audience.api()
        code = "/api/v1/feedback/{tracking_code}"
        calls = "/api/v1/hotline/calls"
        return (
            Route(method="POST", path="/api/v1/feedback", handler=self.submit, audience=api, name="ingest.api_submit"),
            Route(method="GET", path=code, handler=self.follow, audience=api, name="ingest.api_follow"),
            Route(method="POST", path=calls, handler=self.take_call, audience=api, name="ingest.api_call"),
        )

    async def submit(self, request: web.Request) -> web.Response:
        """Take a feedback in: 201, the same again for a repeat under the same key.

        Without an API key the body is small, without files, and not sent too often; nothing more is read of others.
        """
        client = api_client(request)
        if client is None and "Authorization" in request.headers:
            return problem(request, 401, "ingest.api.key_unknown.title")
        if client is None and is_too_often(self.submissions, request):
            return too_often(request, [FieldError(field="body", code="too_many_sent")])
        try:
            raw = await read_bounded(request, LARGEST_BODY_BYTES if client else SMALL_BODY_BYTES, has_key=bool(client))
            body, faults = await read_feedback(raw)
            if client is None and body.attachments:
                raise Invalid([needs_key("attachments")])
            if client is None and body.channel != Channel.WEB and body.channel in set(Channel):
                return self._key_needed(request, body, faults)
            origin = api_origin(request.headers.get(KEY_HEADER, ""), body.external_id or "", client=client)
            attachments: tuple[Attachment, ...] = ()
            if body.attachments:
                attachments, file_faults = await self._keep(body, faults, request[NOW])
                faults = (*faults, *file_faults)
            draft = api_draft(body, attachments=attachments, origin=origin, client=client)
            return await self._take(request, draft, faults)
        except Invalid as invalid:
            return invalid_problem(request, invalid)

    def _key_needed(self, request: web.Request, body: FeedbackBody, faults: tuple[FieldError, ...]) -> web.Response:
        """Say that this channel is for partners, with whatever else is wrong."""
        fault = FieldError(field="channel", code="channel_needs_key", params={"channel": str(body.channel)})
        try:
            draft = api_draft(body, attachments=(), origin=None, client=None)
            actions.checked(self.intake.rules, draft, now=request[NOW], faults=(*faults, fault))
        except Invalid as invalid:
            return problem(request, 403, "ingest.api.key_needed.title", invalid.errors)
        raise AssertionError("a fault was handed in and not said")

    async def follow(self, request: web.Request) -> web.Response:
        """Return the public state of a tracking code; 404 for one that nobody has, 429 for too many tries."""
        address, now = client_address(request), request[NOW]
        if not self.lookups.allows(address, now):
            return too_often(request)
        try:
            code = parse_tracking_code(request.match_info["tracking_code"])
            feedback = await actions.by_tracking_code(self.intake, code)
        except (InvalidTrackingCode, actions.UnknownFeedback):
            return problem(request, 404, "ingest.api.unknown_code.title")
        except WorldIsDown:
            return unavailable(request)
        self.lookups.give_back(address)
        return json_response(public_body(feedback), 200)

    async def take_call(self, request: web.Request) -> web.Response:
        """Take a finished 1022 call in: 201, the same again for a repeated call id."""
        if not self.webhook_secret:
            return problem(request, 503, "ingest.api.no_webhook_secret.title")
        try:
            raw = await read_bounded(request, SMALL_BODY_BYTES)
            if not is_signed(self.webhook_secret, raw, request):
                return problem(request, 401, "ingest.api.bad_signature.title")
            body, faults = read_body(raw, CallBody)
            try:
                draft = call_draft(body, now=request[NOW])
            except IncompleteCall as incomplete:
                draft, faults = incomplete.draft, (*faults, *incomplete.faults)
            return await self._take(request, draft, faults)
        except Invalid as invalid:
            return invalid_problem(request, invalid)

    async def _take(self, request: web.Request, draft: Draft, faults: tuple[FieldError, ...]) -> web.Response:
        try:
            added = await actions.submit(self.intake, draft, now=request[NOW], faults=faults)
        except actions.IdempotencyConflict:
            field = "call_id" if draft.call else KEY_HEADER if KEY_HEADER in request.headers else "external_id"
            fault = FieldError(field=field, code="idempotency_conflict")
            return problem(request, 409, "ingest.api.conflict.title", [fault])
        except WasErased:
            return problem(request, 410, "ingest.api.erased.title")
        except WorldIsDown:
            return unavailable(request)
        return json_response(receipt_body(added.feedback), 201)

    async def _keep(
        self, body: FeedbackBody, faults: tuple[FieldError, ...], now: datetime
    ) -> tuple[tuple[Attachment, ...], list[FieldError]]:
        """Keep the files, but only of a body that is otherwise good: nothing is half stored."""
        sent = body.attachments or []
        check_count(len(sent))
        found: list[FieldError] = []
        contents = await asyncio.to_thread(
            lambda: [decoded(item, f"attachments[{at}].content", found) for at, item in enumerate(sent)]
        )
        without_files = api_draft(body, attachments=(), origin=None, client=None)
        actions.checked(self.intake.rules, without_files, now=now, faults=(*faults, *found))
        kept = []
        for at, (item, content) in enumerate(zip(sent, contents, strict=True)):
            try:
                kept.append(await self.intake.vault.keep(item.name, content, field=f"attachments[{at}]"))
            except Invalid as invalid:
                found.extend(invalid.errors)
        return tuple(kept), found


def decoded(item: AttachmentBody, field: str, faults: list[FieldError]) -> bytes:
    """Return the bytes of an attachment's base64; what is not base64 is noted."""
    try:
        return base64.b64decode(item.content, validate=True)
    except (binascii.Error, ValueError):
        faults.append(FieldError(field=field, code="base64_invalid"))
        return b""


async def read_feedback(raw: bytes) -> tuple[FeedbackBody, tuple[FieldError, ...]]:
    """Return the body and the faults of its shape; one with files is taken apart off the event loop."""
    if len(raw) <= SMALL_BODY_BYTES:
        return read_body(raw, FeedbackBody)
    return await asyncio.to_thread(read_body, raw, FeedbackBody)


async def read_bounded(request: web.Request, limit: int, *, has_key: bool = True) -> bytes:
    """Return the body; raises Invalid for one over the limit or of a type that is no JSON, without reading it whole."""
    if request.content_type not in JSON_TYPES and not request.content_type.endswith("+json"):
        raise Invalid([FieldError(field="body", code="body_not_json_type")])
    size = request.content_length
    if size is not None and size <= min(limit, SMALL_BODY_BYTES):
        return await request.read()
    body = bytearray()
    if size is None or size <= limit:
        async for chunk in request.content.iter_chunked(256 * 1024):
            body += chunk
            if len(body) > limit:
                break
    if len(body) > limit or (size is not None and size > limit):
        fault = FieldError(field="body", code="body_too_large", params={"limit": str(limit // 1024**2)})
        raise Invalid([fault if has_key else needs_key("body")])
    return bytes(body)


def needs_key(field: str) -> FieldError:
    """Return the fault of what is too much for a caller without an API key."""
    return FieldError(field=field, code=TOO_MUCH_WITHOUT_KEY, params={"limit": str(SMALL_BODY_BYTES // 1024**2)})


def is_signed(secret: str, raw: bytes, request: web.Request) -> bool:
    """Say whether the Standard Webhooks headers sign exactly these bytes, within 5 minutes of the clock."""
    headers = {name: request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    try:
        Webhook(secret).verify(raw.decode("utf-8", "surrogateescape"), headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def invalid_problem(request: web.Request, invalid: Invalid) -> web.Response:
    """Return all faults: 400 when the body could not be read at all, 413 when it is too large, else 422."""
    too_much = {"body_too_large", TOO_MUCH_WITHOUT_KEY}
    codes = {error.code for error in invalid.errors if error.field == "body" or error.code in too_much}
    status = 413 if codes & too_much else 415 if "body_not_json_type" in codes else 400 if codes else 422
    return problem(request, status, "ingest.api.invalid.title", invalid.errors)


def too_often(request: web.Request, faults: Sequence[FieldError] = ()) -> web.Response:
    """Return 429: nothing was stored, the caller may repeat after a while."""
    answer = problem(request, 429, "http.too_many.title", faults)
    answer.headers["Retry-After"] = "60"
    return answer


def unavailable(request: web.Request) -> web.Response:
    """Return 503: nothing was stored, the caller may repeat with the same key."""
    answer = problem(request, 503, "http.unavailable.title")
    answer.headers["Retry-After"] = "5"
    return answer


def receipt_body(feedback: Feedback) -> dict[str, object]:
    """Return what a caller gets who was taken in; instants in Vietnamese time."""
    return {
        "feedback_id": feedback.feedback_id,
        "tracking_code": feedback.tracking_code,
        "received_at": local(feedback.received_at),
        "acknowledgement_due_at": local(feedback.promise.acknowledgement_due_at),
        "response_due_at": local(feedback.promise.response_due_at),
    }


def public_body(feedback: Feedback) -> dict[str, object]:
    """Return what whoever holds the tracking code may see."""
    state = public_state(feedback)
    return {
        "status": state.status,
        "field": state.field,
        "agency": state.agency,
        "acknowledgement_due_at": local(state.acknowledgement_due_at),
        "response_due_at": local(state.response_due_at),
        "answer": answer_body(state.answer) if state.answer else None,
    }


def answer_body(answer: PublicAnswer) -> dict[str, object]:
    """Return the signed answer."""
    return {
        "text": answer.text,
        "number": answer.number,
        "signed_on": answer.signed_on.isoformat(),
        "signatory": answer.signatory,
        "agency": answer.agency_name,
        "outcome": answer.outcome,
        "promised_on": answer.promised_on.isoformat() if answer.promised_on else None,
    }


def local(at: datetime) -> str:
    """Return an instant as ISO 8601 in Vietnamese time, to the second."""
    return at.astimezone(VN).isoformat(timespec="seconds")


def json_response(body: dict[str, object], status: int) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=_ENCODER.encode(body), status=status, content_type="application/json")
