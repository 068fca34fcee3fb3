"""Decides which files a citizen may attach: by what they contain, never by what they are called.

Called by the edges for each file, before anything is stored. Pictures are opened whole and written anew without their
metadata (a photo's EXIF says where and by which phone it was taken); what cannot be opened is refused. HEIC is refused
with the remedy, because nothing here can take its metadata out.
"""

import io
import warnings

import filetype
from PIL import Image, ImageOps

from hotline.errors import FieldError, Invalid
from hotline.text import clean

MAX_FILES = 5
MAX_FILE_BYTES = 10 * 1024 * 1024
# Four bytes each while it is open: a telephone's 24 MP photo takes 100 MB, and no more than one is open at a time.
MAX_PIXELS = 25_000_000
MAX_NAME_CHARACTERS = 120
JPEG_QUALITY = 90

PDF = "application/pdf"
PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
ALLOWED = (*PICTURES, PDF)
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", PDF: ".pdf"}
_CLAIMED = (".jpg", ".jpeg", ".png", ".webp", ".pdf", ".jfif", ".jpe")


def check_count(count: int, field: str = "attachments") -> None:
    """Raise Invalid for more files than may be sent."""
    if count > MAX_FILES:
        raise Invalid([FieldError(field=field, code="files_too_many", params={"limit": str(MAX_FILES)})])


def too_large(field: str, name: str) -> Invalid:
    """Return the error of a file over the bound."""
    return _refusal(field, "file_too_large", name, limit=str(MAX_FILE_BYTES // 1024**2))


def cleaned(name: str, content: bytes, *, field: str) -> tuple[str, bytes]:
    """Return the media type and the bytes to store: pictures upright and without metadata, PDF as it is.

    The same bytes give the same result. Raises Invalid for a file that is empty, over 10 MB or 25 million pixels, of
    another kind, disguised (its name claims a kind that its content is not), or broken. Takes seconds and up to 250 MB
    for the largest picture: call it off the event loop, one at a time.
    """
    if not content:
        raise _refusal(field, "file_empty", name)
    if len(content) > MAX_FILE_BYTES:
        raise too_large(field, name)
    kind = filetype.guess_mime(content[:8192]) or ""
    if kind in {"image/heic", "image/heif", "image/avif"}:
        raise _refusal(field, "file_heic", name)
    if kind not in ALLOWED:
        is_disguised = name.lower().endswith(_CLAIMED)
        raise _refusal(field, "file_disguised" if is_disguised else "file_type_refused", name)
    if kind == PDF:
        if b"%%EOF" not in content[-4096:]:
            raise _refusal(field, "file_broken", name)
        return kind, content
    return kind, _without_metadata(name, content, kind, field)


def stored_name(name: str, media_type: str) -> str:
    """Return the name a file is kept and offered under: no folders, no controls, the ending of its true kind."""
    last = clean(name.replace("\\", "/").rsplit("/", 1)[-1]).replace("\n", " ")
    stem = last.rsplit(".", 1)[0] if "." in last else last
    plain = "".join(character for character in stem if character.isalnum() or character in " -_.()").strip(" .")
    return (plain[:MAX_NAME_CHARACTERS] or "tep-dinh-kem") + ENDINGS[media_type]


def _without_metadata(name: str, content: bytes, kind: str, field: str) -> bytes:
    out = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[PICTURES[kind]]) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise _refusal(field, "file_too_many_pixels", name, limit=str(MAX_PIXELS // 1_000_000))
                # A PNG's words stand behind its pixels: only once it is loaded whole is all of it there to be cleared.
                picture.load()
                ImageOps.exif_transpose(picture, in_place=True)
                _save(picture, PICTURES[kind], out)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as error:
        raise _refusal(field, "file_broken", name) from error
    return out.getvalue()


def _save(picture: Image.Image, shape: str, out: io.BytesIO) -> None:
    """Write only the pixels; a palette picture becomes full colour, as its palette may hang on metadata."""
    modes = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "RGBA", "L", "LA"), "WEBP": ("RGB", "RGBA")}[shape]
    has_alpha = "transparency" in picture.info or picture.mode.endswith("A")
    plain = picture if picture.mode in modes else picture.convert("RGBA" if has_alpha and shape != "JPEG" else "RGB")
    # What the writers of Pillow take over from a picture, they take from here.
    plain.info.clear()
    if shape == "PNG":
        plain.save(out, shape, optimize=False)
    else:
        plain.save(out, shape, quality=JPEG_QUALITY)


def _refusal(field: str, code: str, name: str, **params: str) -> Invalid:
    shown = clean(name).replace("\n", " ")[:MAX_NAME_CHARACTERS]
    return Invalid([FieldError(field=field, code=code, params={"name": shown, **params})])
