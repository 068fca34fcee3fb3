"""Reads the forms of pages: text fields decoded strictly, file parts streamed to whoever keeps them.

Handlers call `read_form` after the shell has checked the CSRF token. It judges bytes (encoding, size, NUL),
never meaning; faults are collected, the typed values are kept so that the page can be shown again. It keeps
no file itself.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from aiohttp import BodyPartReader, MultipartReader, web

from hotline.errors import FieldError, Invalid
from hotline.web.csrf import CSRF_FIELD, MAX_URLENCODED_BYTES, UnreadableForm
from hotline.web.keys import MULTIPART, URLENCODED_BODY

MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 500
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """One uploaded file as it comes in: its names are what the browser claims, `chunks` can be read once."""

    field: str
    name: str
    media_type: str
    chunks: AsyncIterator[bytes]


KeepFile = Callable[[FilePart], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was typed. `values` keeps every value of a field in order; `files` what the callback returned."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field as typed (not cleaned), or the default."""
        return self.values.get(name, (default,))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, e.g. of checkboxes."""
        return self.values.get(name, ())


@dataclass(slots=True)
class _Gathered:
    values: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[object]] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def add(self, name: str, raw: bytes, *, is_cut: bool, max_field_bytes: int) -> None:
        text, code = decode_field(raw)
        if is_cut:
            self.errors.append(
                FieldError(field=name, code="field_too_long", params={"limit_kb": str(max_field_bytes // 1024)})
            )
        elif code:
            self.errors.append(FieldError(field=name, code=code))
        self.values.setdefault(name, []).append(text)
        if sum(map(len, self.values.values())) > MAX_FIELDS:
            raise UnreadableForm

    def form(self) -> Form:
        return Form(
            values={name: tuple(values) for name, values in self.values.items()},
            files={name: tuple(kept) for name, kept in self.files.items()},
            errors=tuple(self.errors),
        )


def decode_field(raw: bytes) -> tuple[str, str | None]:
    """Return the text of a field and the code of its fault: `text_not_utf8`, `text_has_nul`, or None.

    Bytes that are not UTF-8 are shown as U+FFFD and NUL is left out, so that the page can show what arrived.
    Decomposed and undiacritised Vietnamese passes as typed: `hotline.text.clean` is the service's step.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").replace("\0", ""), "text_not_utf8"
    if "\0" in text:
        return text.replace("\0", ""), "text_has_nul"
    return text, None


async def read_form(
    request: web.Request,
    *,
    max_bytes: int = MAX_URLENCODED_BYTES,
    max_field_bytes: int = MAX_FIELD_BYTES,
    keep_file: KeepFile | None = None,
) -> Form:
    """Return the form of this request; can be called once.

    Field faults are in `Form.errors`. Raises aiohttp's 413 when the whole body passes `max_bytes` and
    UnreadableForm when it cannot be taken apart: the shell turns both into pages. `keep_file` gets each non-
    empty file part and returns what `Form.files` shall hold; an `Invalid` it raises joins the errors. Without
    it files are read past.
    """
    if (request.content_length or 0) > max_bytes:
        raise web.HTTPRequestEntityTooLarge(max_bytes, request.content_length or 0)
    gathered = _Gathered()
    if MULTIPART in request:
        await _read_parts(request[MULTIPART], gathered, max_bytes, max_field_bytes, keep_file)
    else:
        for name, raw in _pairs(request.get(URLENCODED_BODY, b"")):
            gathered.add(
                name,
                raw[:max_field_bytes],
                is_cut=len(raw) > max_field_bytes,
                max_field_bytes=max_field_bytes,
            )
    return gathered.form()


def _pairs(body: bytes) -> Iterator[tuple[str, bytes]]:
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        field_name, _ = decode_field(unquote_to_bytes(name.replace(b"+", b" ")))
        if pair and field_name != CSRF_FIELD:
            yield field_name, unquote_to_bytes(value.replace(b"+", b" "))


async def _read_parts(
    reader: MultipartReader,
    gathered: _Gathered,
    max_bytes: int,
    max_field_bytes: int,
    keep_file: KeepFile | None,
) -> None:
    budget = _Budget(left=max_bytes, whole=max_bytes)
    try:
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name:
                raise UnreadableForm
            if part.filename is None:
                raw, is_cut = await _text_of(part, budget, max_field_bytes)
                gathered.add(part.name, raw, is_cut=is_cut, max_field_bytes=max_field_bytes)
            else:
                await _file_of(part, budget, gathered, keep_file)
    except (ValueError, AssertionError, EOFError) as exc:
        raise UnreadableForm from exc


@dataclass(slots=True)
class _Budget:
    left: int
    whole: int

    async def chunks(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            self.left -= len(chunk)
            if self.left < 0:
                raise web.HTTPRequestEntityTooLarge(self.whole, self.whole - self.left)
            yield chunk


async def _text_of(part: BodyPartReader, budget: _Budget, max_field_bytes: int) -> tuple[bytes, bool]:
    kept = b""
    is_cut = False
    async for chunk in budget.chunks(part):
        is_cut = is_cut or len(kept) + len(chunk) > max_field_bytes
        kept = (kept + chunk)[:max_field_bytes]
    return kept, is_cut


async def _file_of(part: BodyPartReader, budget: _Budget, gathered: _Gathered, keep_file: KeepFile | None) -> None:
    name = part.name or ""
    chunks = budget.chunks(part)
    if keep_file is not None and part.filename:
        media_type = part.headers.get("Content-Type", "application/octet-stream")
        try:
            kept = await keep_file(FilePart(field=name, name=part.filename, media_type=media_type, chunks=chunks))
            gathered.files.setdefault(name, []).append(kept)
        except Invalid as invalid:
            gathered.errors.extend(invalid.errors)
    async for _ in chunks:
        pass
