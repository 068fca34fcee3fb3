"""Decides the JSON shapes that the API and the 1022 switchboard send, and names everything that does not fit them.

Called by `api`. The usual body is decoded straight into its shape; only when that fails is it read field by field, so
that every fault is said at once. Pure; decides nothing about the values (`feedback.accept` does).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hotline.errors import FieldError, Invalid


class PlaceBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A place: names or a commune's code, and thôn, tổ, ấp."""

    province: str | None = None
    commune: str | None = None
    commune_code: str | None = None
    detail: str | None = None


class ReporterBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who sends, all optional."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


class AttachmentBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A file, its content in base64."""

    name: str
    content: str


class FeedbackBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /api/v1/feedback`."""

    channel: str | None = None
    text: str | None = None
    place: PlaceBody | None = None
    reporter: ReporterBody | None = None
    attachments: list[AttachmentBody] | None = None
    external_id: str | None = None
    received_at: str | None = None


class CallBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /api/v1/hotline/calls`: one finished 1022 call."""

    call_id: str | None = None
    caller_number: str | None = None
    caller_name: str | None = None
    operator: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    note: str | None = None
    transcript: str | None = None
    place: PlaceBody | None = None


Body = TypeVar("Body", FeedbackBody, CallBody)

_DECODERS: Mapping[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    FeedbackBody: msgspec.json.Decoder(FeedbackBody),
    CallBody: msgspec.json.Decoder(CallBody),
}
_PARTS: Mapping[str, type[msgspec.Struct]] = {"place": PlaceBody, "reporter": ReporterBody}


def read_body(raw: bytes, shape: type[Body]) -> tuple[Body, tuple[FieldError, ...]]:
    """Return the body and the faults of its shape; what does not fit is left out, so the rest is checked too.

    Raises Invalid when it is no JSON object at all: field `body`, with the remedy.
    """
    try:
        body: Body = _DECODERS[shape].decode(raw)
        return body, ()
    except msgspec.ValidationError:
        return _read_field_by_field(raw, shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable(raw) from None


def _unreadable(raw: bytes) -> Invalid:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return Invalid([FieldError(field="body", code="body_not_utf8")])
    return Invalid([FieldError(field="body", code="body_not_json" if raw.strip() else "body_empty")])


def _read_field_by_field(raw: bytes, shape: type[Body]) -> tuple[Body, tuple[FieldError, ...]]:
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable(raw) from None
    if not isinstance(said, dict):
        raise Invalid([FieldError(field="body", code="body_not_object")])
    faults: list[FieldError] = []
    read = _read_object(said, shape, "", faults)
    return msgspec.convert(read, shape), tuple(faults)


def _read_object(
    said: Mapping[str, object], shape: type[msgspec.Struct], path: str, faults: list[FieldError]
) -> dict[str, object]:
    known = shape.__struct_fields__
    faults += [
        FieldError(field=path + shown_key(key), code="field_unknown", params={"allowed": ", ".join(known)})
        for key in said
        if key not in known
    ]
    return {key: _read_value(said[key], key, path, faults) for key in known if said.get(key) is not None}


def _read_value(value: object, key: str, path: str, faults: list[FieldError]) -> object:
    if key in _PARTS:
        if isinstance(value, dict):
            return _read_object(value, _PARTS[key], f"{path}{key}.", faults)
        faults.append(FieldError(field=path + key, code="value_not_object"))
        return None
    if key == "attachments":
        return _read_attachments(value, path + key, faults)
    if isinstance(value, str):
        return value
    faults.append(FieldError(field=path + key, code="value_not_text"))
    return "" if path.startswith("attachments") else None


def _read_attachments(value: object, path: str, faults: list[FieldError]) -> list[dict[str, object]]:
    if not isinstance(value, list):
        faults.append(FieldError(field=path, code="value_not_list"))
        return []
    read = []
    for position, item in enumerate(value):
        where = f"{path}[{position}]"
        if not isinstance(item, dict):
            faults.append(FieldError(field=where, code="value_not_object"))
            continue
        attachment = _read_object(item, AttachmentBody, f"{where}.", faults)
        missing = [key for key in AttachmentBody.__struct_fields__ if key not in attachment]
        faults += [FieldError(field=f"{where}.{key}", code="value_missing") for key in missing]
        if not missing:
            read.append(attachment)
    return read


def shown_key(key: str) -> str:
    """Return an unknown key as it may be repeated to the caller: short, and without what could disturb a log."""
    return "".join(character if character.isprintable() else "?" for character in key[:40])
