"""Decides how the citizen's and the operator's forms become drafts, and what they are shown again with.

Called by `web_citizen` and `web_operator`. Pure: it reads what was typed and signs what was already kept, so that
neither words nor files are lost when a field must be mended.
"""

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer

from hotline.facts import Attachment, CallAcknowledgement, Channel
from hotline.places import Gazetteer
from hotline.text import fold
from hotline.uploads import MAX_FILES
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.ingest.locating import PlaceTyped, candidates

MAX_FIELD_BYTES = 512 * 1024
Typed = dict[str, str]


def home_province(locality: str, known: Gazetteer) -> str:
    """Return the code of the province that a form offers first, empty when the locality's name names none.

    A locality is named after a province, today's or a former one, and a year: `ha-giang-2023` gives Tuyên Quang.
    """
    province = known.province_named(locality.rsplit("-", 1)[0].replace("-", " "))
    return province.code if province else ""


def read_place(typed: Typed, home: str) -> PlaceTyped:
    """Return the place of a form; the province offered by itself does not count as typed."""
    return PlaceTyped(
        province=typed.get("place.province", ""),
        commune=typed.get("place.commune", ""),
        commune_code=typed.get("place.commune_code", ""),
        detail=typed.get("place.detail", ""),
        province_is_default=typed.get("place.province", "") == home,
    )


def web_draft(typed: Typed, *, home: str, attachments: tuple[Attachment, ...]) -> Draft:
    """Return the draft of the citizen's form; its hidden key makes a double click one message."""
    key = typed.get("idempotency_key", "")
    return Draft(
        channel=Channel.WEB,
        text=typed.get("text", ""),
        place=read_place(typed, home),
        name=typed.get("reporter.name", ""),
        phone=typed.get("reporter.phone", ""),
        email=typed.get("reporter.email", ""),
        attachments=attachments,
        origin=from_key("form", key[:100]) if key else None,
        has_page=True,
    )


def call_form_draft(typed: Typed, *, home: str, account_id: str, acknowledged: CallAcknowledgement | None) -> Draft:
    """Return the draft of a call an operator types in.

    A caller who leaves no number is read the tracking code, so the page is how the answer reaches them.
    """
    key = typed.get("idempotency_key", "")
    return Draft(
        channel=Channel.HOTLINE,
        text=typed.get("text", ""),
        place=read_place(typed, home),
        name=typed.get("reporter.name", ""),
        phone=typed.get("reporter.phone", ""),
        acknowledged_in_call=acknowledged,
        origin=from_key(f"call-form:{account_id}", key[:100]) if key else None,
        entered_by=account_id,
        has_page=not typed.get("reporter.phone", "").strip(),
    )


def commune_options(typed: Typed, known: Gazetteer) -> list[tuple[str, str, str]]:
    """Return the communes that may be meant, as (code, name, old name) for a list of choices."""
    place = read_place(typed, "")
    return [(match.commune.code, match.commune.full_name, match.via) for match in candidates(place, known)]


def province_options(known: Gazetteer) -> list[tuple[str, str]]:
    """Return the provinces by name, as (code, name)."""
    provinces = sorted(known.provinces(), key=lambda province: fold(province.name))
    return [(province.code, province.full_name[:1].upper() + province.full_name[1:]) for province in provinces]


class KeptFiles:
    """Signs what files were already kept, so that a form shown again need not send them again."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="ingest.kept")

    def sign(self, file: Attachment) -> str:
        """Return the token a form carries for a kept file."""
        return str(self._signer.dumps(msgspec.json.encode(file).decode()))

    def read(self, tokens: tuple[str, ...]) -> tuple[Attachment, ...]:
        """Return the files of a form's tokens, each once; forged ones are left out."""
        files: dict[str, Attachment] = {}
        for token in tokens[:MAX_FILES]:
            try:
                file = msgspec.json.decode(self._signer.loads(token), type=Attachment)
            except (BadSignature, msgspec.MsgspecError, TypeError):
                continue
            files[file.file_id] = file
        return tuple(files.values())
