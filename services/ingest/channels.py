"""Decides how what each channel sends becomes a draft: the API, a 1022 call, a slip of a suggestion box.

Called by the edges. Pure. Every draft carries what names its message (see `identity`), so a repeat is known as one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, Channel
from hotline.text import clean, fold
from services.ingest.batch_columns import Column
from services.ingest.batch_rows import BatchRow, UnreadableInstant, read_local_instant
from services.ingest.bodies import CallBody, FeedbackBody, PlaceBody
from services.ingest.contact import InvalidPhone, normalise_caller
from services.ingest.documents import Call, Slip
from services.ingest.feedback import Draft
from services.ingest.identity import Origin, from_call, from_key, from_slip
from services.ingest.locating import PlaceTyped

MAX_KEY_CHARACTERS = 255
MIN_PUBLIC_KEY_CHARACTERS = 16
CALL_FIELDS = {
    "text": "note",
    "received_at": "started_at",
    "reporter.phone": "caller_number",
    "reporter.name": "caller_name",
}
ROW_FIELDS = {
    "reporter.phone": "phone",
    "reporter.name": "name",
    "reporter.email": "email",
    "received_at": "opened_at",
    "place.province": "province",
    "place.commune": "commune",
    "place.detail": "detail",
}


def api_draft(
    body: FeedbackBody, *, attachments: tuple[Attachment, ...], origin: Origin | None, client: str | None
) -> Draft:
    """Return the draft of an API body; `client` names the partner whose key was given, None for the public."""
    reporter = body.reporter
    return Draft(
        channel=body.channel or "",
        text=body.text or "",
        place=place_typed(body.place),
        name=(reporter and reporter.name) or "",
        phone=(reporter and reporter.phone) or "",
        email=(reporter and reporter.email) or "",
        received_at=body.received_at,
        external_id=body.external_id or "",
        attachments=attachments,
        origin=origin,
        entered_by=f"api:{client}" if client else None,
        has_page=body.channel == Channel.WEB,
    )


def api_origin(key: str, external_id: str, *, client: str | None) -> Origin | None:
    """Return what names an API message: its idempotency key, or a partner's own id; None lets each be a new one.

    Raises Invalid for a key that is no 1 to 255 printable ASCII characters, and for a short one of somebody without an
    API key: all of them share one scope, so theirs must be too long for two to choose the same or to guess.
    """
    if key:
        if len(key) > MAX_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
            raise Invalid([FieldError(field="Idempotency-Key", code="idempotency_key_bad")])
        if client is None and len(key) < MIN_PUBLIC_KEY_CHARACTERS:
            limit = str(MIN_PUBLIC_KEY_CHARACTERS)
            raise Invalid([FieldError(field="Idempotency-Key", code="idempotency_key_short", params={"limit": limit})])
        return from_key(f"api:{client or ''}", key)
    return from_key(f"external:{client}", external_id) if client and external_id else None


def place_typed(place: PlaceBody | None) -> PlaceTyped:
    """Return the place of a JSON body."""
    if place is None:
        return PlaceTyped()
    return PlaceTyped(
        province=place.province or "",
        commune=place.commune or "",
        commune_code=place.commune_code or "",
        detail=place.detail or "",
    )


def call_draft(body: CallBody, *, now: datetime) -> Draft:
    """Return the draft of a finished 1022 call; its clocks run from when the call began.

    Raises Invalid for what names no call: a missing call id or begin, an end before the begin, a caller number that is
    neither a number nor withheld.
    """
    faults = []
    call_id = clean(body.call_id or "")
    if not call_id or len(call_id) > MAX_KEY_CHARACTERS:
        faults.append(FieldError(field="call_id", code="call_id_missing"))
    if not body.started_at:
        faults.append(FieldError(field="started_at", code="value_missing"))
    ended_at = _read_end(body, faults)
    phone = ""
    try:
        phone = normalise_caller(body.caller_number or "") or ""
    except InvalidPhone:
        faults.append(FieldError(field="caller_number", code="phone_invalid"))
    draft = Draft(
        channel=Channel.HOTLINE,
        text="\n\n".join(part for part in (body.note, body.transcript) if part),
        place=place_typed(body.place),
        name=body.caller_name or "",
        phone=phone,
        received_at=body.started_at or now,
        external_id=call_id,
        call=Call(call_id=call_id, operator=clean(body.operator or "")[:200], ended_at=ended_at),
        origin=from_call(call_id),
        entered_by="switchboard",
        field_names=CALL_FIELDS,
    )
    if faults:
        raise IncompleteCall(draft, faults)
    return draft


class IncompleteCall(Exception):
    """A call that cannot be taken; `draft` is what could be read, so that its other faults are said too."""

    def __init__(self, draft: Draft, faults: Sequence[FieldError]) -> None:
        self.draft = draft
        self.faults = tuple(faults)
        super().__init__("incomplete call")


def _read_end(body: CallBody, faults: list[FieldError]) -> datetime | None:
    if not body.ended_at:
        return None
    try:
        ended_at = datetime.fromisoformat(body.ended_at.strip())
        if ended_at.tzinfo is None:
            faults.append(FieldError(field="ended_at", code="received_at_without_zone"))
            return None
        if body.started_at and ended_at < datetime.fromisoformat(body.started_at.strip()):
            faults.append(FieldError(field="ended_at", code="call_ends_before_start"))
    except ValueError:
        faults.append(FieldError(field="ended_at", code="received_at_unreadable"))
        return None
    except TypeError:
        return None
    return ended_at


def row_drafts(
    rows: Sequence[BatchRow], *, box_id: str, opened_at: datetime | None, entered_by: str
) -> list[tuple[BatchRow, Draft | tuple[FieldError, ...]]]:
    """Return each slip's draft, or its faults; equal texts of one opening are counted, so that both slips are kept.

    `box_id` and `opened_at` hold for rows that name none of their own. The count follows the order in the file and
    leaves row numbers out: shifting rows changes nothing.
    """
    seen: dict[tuple[str, datetime, str], int] = {}
    read = []
    for row in rows:
        draft = _row_draft(row, box_id=box_id, opened_at=opened_at, entered_by=entered_by)
        if isinstance(draft, Draft) and draft.slip:
            same = (fold(draft.slip.box_id), draft.slip.opened_at, fold(draft.text))
            seen[same] = seen.get(same, 0) + 1
            origin = from_slip(draft.slip.box_id, draft.slip.opened_at, draft.text, seen[same])
            draft = replace(draft, origin=origin)
        read.append((row, draft))
    return read


def _row_draft(
    row: BatchRow, *, box_id: str, opened_at: datetime | None, entered_by: str
) -> Draft | tuple[FieldError, ...]:
    prefix = f"row {row.number}: "
    cell: Mapping[Column, str] = row.cells
    faults = [
        FieldError(field=prefix + (error.column or "row"), code=error.code, params=dict(error.params))
        for error in row.errors
    ]
    if any(error.column is None for error in row.errors):
        # Nothing of the row could be read: its empty cells are not faults of their own.
        return tuple(faults)
    box = cell.get(Column.BOX) or box_id
    opened = _row_opening(cell.get(Column.OPENED_AT, ""), opened_at, prefix, faults)
    if not box:
        faults.append(FieldError(field=f"{prefix}box", code="box_missing"))
    if faults or opened is None:
        return tuple(faults)
    typed_row = cell.get(Column.ROW, "")
    return Draft(
        channel=Channel.BOX,
        text=cell.get(Column.TEXT, ""),
        place=PlaceTyped(
            province=cell.get(Column.PROVINCE, ""),
            commune=cell.get(Column.COMMUNE, ""),
            detail=cell.get(Column.DETAIL, ""),
        ),
        name=cell.get(Column.NAME, ""),
        phone=cell.get(Column.PHONE, ""),
        email=cell.get(Column.EMAIL, ""),
        external_id=cell.get(Column.EXTERNAL_ID, ""),
        received_at=opened,
        slip=Slip(
            box_id=box,
            opened_at=opened,
            row=int(typed_row) if typed_row.isdecimal() and len(typed_row) < 9 else row.number,
        ),
        entered_by=entered_by,
        field_prefix=prefix,
        field_names=ROW_FIELDS,
    )


def _row_opening(typed: str, opened_at: datetime | None, prefix: str, faults: list[FieldError]) -> datetime | None:
    if typed:
        try:
            return read_local_instant(typed)
        except UnreadableInstant:
            faults.append(FieldError(field=f"{prefix}opened_at", code="opened_at_unreadable"))
    elif opened_at is None:
        faults.append(FieldError(field=f"{prefix}opened_at", code="opened_at_missing"))
    return opened_at
