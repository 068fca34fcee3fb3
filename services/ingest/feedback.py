"""Decides whether what someone sent is a feedback: everything is checked, and every fault is said, at once.

Called by `actions.submit` for every channel. Pure: it reads no clock and keeps nothing. What it lets through is stored
as it is; HTML and script stay the plain text they are and are escaped on pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, CallAcknowledgement, Channel
from hotline.places import Gazetteer
from hotline.promises import Policies, promise
from hotline.text import clean
from hotline.tracking import mint_tracking_code
from hotline.working_days import WorkingCalendar
from services.ingest.characters import refused_characters
from services.ingest.contact import InvalidEmail, InvalidPhone, normalise_email, normalise_phone
from services.ingest.documents import Call, Feedback, Reporter, Slip
from services.ingest.identity import Origin, feedback_id_of, fingerprint_of
from services.ingest.locating import PlaceTyped, locate

MAX_TEXT_CHARACTERS = 20_000
MAX_NAME_CHARACTERS = 200
MAX_ID_CHARACTERS = 200
CLOCK_TOLERANCE = timedelta(minutes=5)
OLDEST_RECEIPT = timedelta(days=365)
CHANNELS = frozenset(channel.value for channel in Channel)
LATE_CHANNELS = frozenset({Channel.BOX, Channel.RECEPTION, Channel.HOTLINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What acceptance is decided by; `gazetteer` is loaded only when someone names a place."""

    secret: bytes
    locality: str
    policies: Policies
    calendar: WorkingCalendar
    gazetteer: Callable[[], Gazetteer]


class Draft(Struct, frozen=True, kw_only=True):
    """What a channel read, not yet checked.

    `field_prefix` ("row 12: ") and `field_names` say what the caller calls its fields. `origin` names the message when
    the caller can (see `identity`). `has_page` says that the sender gets the tracking code, so the page reaches them.
    """

    channel: str
    text: str
    place: PlaceTyped = field(default_factory=PlaceTyped)
    name: str = ""
    phone: str = ""
    email: str = ""
    received_at: datetime | str | None = None
    external_id: str = ""
    attachments: tuple[Attachment, ...] = ()
    slip: Slip | None = None
    call: Call | None = None
    acknowledged_in_call: CallAcknowledgement | None = None
    origin: Origin | None = None
    entered_by: str | None = None
    has_page: bool = False
    field_prefix: str = ""
    field_names: Mapping[str, str] = field(default_factory=dict)


class Findings:
    """The faults found so far, in the order of the form."""

    def __init__(self, prefix: str = "", names: Mapping[str, str] | None = None) -> None:
        self.prefix = prefix
        self.names = names or {}
        self.errors: list[FieldError] = []

    def add(self, field: str, code: str, **params: str) -> None:
        """Note one fault."""
        self.errors.append(FieldError(field=self.prefix + self.names.get(field, field), code=code, params=params))


def accept(draft: Draft, *, now: datetime, rules: Rules, entropy: bytes) -> Feedback:
    """Return the feedback this draft is, with its id, tracking code and promise.

    `now` is aware; `entropy` (at least 8 bytes) makes the tracking code. Raises Invalid with every fault at once. The
    same origin gives the same `feedback_id` every time; a draft without one gives a new id each time.
    """
    findings = Findings(draft.field_prefix, draft.field_names)
    channel = _channel(draft.channel, findings)
    text = _text(draft.text, findings)
    place = locate(draft.place, gazetteer=rules.gazetteer, add=findings.add)
    reporter = _reporter(draft, findings)
    external_id = _line(draft.external_id, "external_id", MAX_ID_CHARACTERS, findings)
    received_at = _received_at(draft.received_at, channel, now, findings)
    if findings.errors or channel is None:
        raise Invalid(findings.errors)
    policy = rules.policies.choose(rules.locality, channel)
    return Feedback(
        feedback_id=feedback_id_of(rules.secret, draft.origin),
        tracking_code=mint_tracking_code(entropy),
        channel=channel,
        text=text,
        received_at=received_at,
        recorded_at=now.astimezone(UTC),
        promise=promise(received_at, policy, rules.calendar),
        fingerprint=fingerprint(draft),
        place=place,
        reporter=reporter,
        reachable_by=reachable_by(reporter, has_page=draft.has_page),
        attachments=draft.attachments,
        external_id=external_id,
        slip=draft.slip,
        call=draft.call,
        entered_by=draft.entered_by,
        acknowledged_in_call=draft.acknowledged_in_call,
    )


def fingerprint(draft: Draft) -> str:
    """Return what tells a repeat from a different body sent under the same key."""
    said_at = draft.received_at.isoformat() if isinstance(draft.received_at, datetime) else draft.received_at
    place = draft.place
    return fingerprint_of(
        draft.channel, draft.text, draft.name, draft.phone, draft.email, said_at, draft.external_id,
        place.province, place.commune, place.commune_code, place.detail,
        *(file.file_id for file in draft.attachments),
    )  # fmt: skip


def reachable_by(reporter: Reporter | None, *, has_page: bool) -> tuple[str, ...]:
    """Return the ways an answer can reach the citizen, never an address: page, phone, email."""
    ways = {
        "page": has_page,
        "phone": reporter is not None and reporter.phone is not None,
        "email": reporter is not None and reporter.email is not None,
    }
    return tuple(way for way, holds in ways.items() if holds)


def _channel(said: str, findings: Findings) -> Channel | None:
    if said in CHANNELS:
        return Channel(said)
    findings.add("channel", "channel_unknown" if said else "channel_missing", allowed=", ".join(Channel))
    return None


def _text(said: str, findings: Findings, field: str = "text") -> str:
    if _has_refused_characters(said, field, findings):
        return ""
    text = clean(said)
    if not text:
        findings.add(field, "text_empty")
    elif len(text) > MAX_TEXT_CHARACTERS:
        findings.add(field, "text_too_long", length=_count(len(text)), limit=_count(MAX_TEXT_CHARACTERS))
    elif not any(character.isalnum() for character in text):
        findings.add(field, "text_only_symbols")
    return text


def _reporter(draft: Draft, findings: Findings) -> Reporter | None:
    name = _line(draft.name, "reporter.name", MAX_NAME_CHARACTERS, findings)
    phone = email = None
    try:
        phone = normalise_phone(draft.phone)
    except InvalidPhone:
        findings.add("reporter.phone", "phone_invalid")
    try:
        email = normalise_email(draft.email)
    except InvalidEmail:
        findings.add("reporter.email", "email_invalid")
    return Reporter(name=name, phone=phone, email=email) if name or phone or email else None


def _line(said: str, field: str, limit: int, findings: Findings) -> str | None:
    """Read an optional value of one line."""
    if not said or _has_refused_characters(said, field, findings):
        return None
    value = " ".join(clean(said).split())
    if len(value) > limit:
        findings.add(field, "value_too_long", limit=_count(limit))
    return value or None


def _has_refused_characters(said: str, field: str, findings: Findings) -> bool:
    code = refused_characters(said)
    if code:
        findings.add(field, code)
    return code is not None


def _received_at(said: datetime | str | None, channel: Channel | None, now: datetime, findings: Findings) -> datetime:
    """Read when it was received; only what came on paper or by voice may have been received before it was typed."""
    now = now.astimezone(UTC)
    if said is None or said == "":
        return now
    try:
        at = said if isinstance(said, datetime) else datetime.fromisoformat(said.strip())
    except ValueError:
        findings.add("received_at", "received_at_unreadable")
        return now
    if at.utcoffset() is None:
        findings.add("received_at", "received_at_without_zone")
    elif channel is not None and channel not in LATE_CHANNELS:
        findings.add("received_at", "received_at_not_for_channel", channel=channel)
    elif at > now + CLOCK_TOLERANCE:
        findings.add("received_at", "received_at_future")
    elif at < now - OLDEST_RECEIPT:
        findings.add("received_at", "received_at_too_old")
    else:
        return min(at.astimezone(UTC), now)
    return now


def _count(number: int) -> str:
    """Write a number the Vietnamese way: 20.000."""
    return f"{number:,}".replace(",", ".")
