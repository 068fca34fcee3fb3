"""What a model is trained and measured on: the packaged messages and cues, or a labelled file of the same form.

Called by `train`, `evaluate` and the commands. Reads packaged data only; a user's file is read by the command, which
passes its lines here. It never holds a real citizen's message: see data/LABELS.md for the labels and their rules.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from hotline.taxonomy import PetitionKind, UnknownCode, is_restricted_code, load_taxonomy
from hotline.text import nfc

DATA = Path(__file__).parent / "data"
MESSAGES = (DATA / "messages.jsonl", *sorted((DATA / "written").glob("*.jsonl")))
CUES = (DATA / "cues.toml", *sorted((DATA / "written").glob("*.cues.toml")))
FILES = (*MESSAGES, *CUES, DATA / "shorthand.toml", DATA / "danger.toml", DATA / "suspicion.toml")

WRITTEN, REAL_CONTENT, CUE = "written", "real-content", "cue"


class BadRow(Exception):
    """A line is not a labelled message; the message says which field and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A labelled text. A label that is None is unknown and trains nothing: most cues know one only.

    `pair` is the id of its contrast: the same place, object and words under another label.
    """

    id: str
    text: str
    code: str | None
    kind: PetitionKind | None
    origin: str
    second: str | None = None
    urgent: bool = False
    pair: str | None = None

    @property
    def is_restricted(self) -> bool:
        """Whether the labels put it behind closed doors: a denunciation, a tip on a crime, or a 4.x matter."""
        kinds = (PetitionKind.TO_CAO, PetitionKind.TIN_BAO_TOI_PHAM)
        return self.kind in kinds or (self.code is not None and is_restricted_code(self.code))

    @property
    def is_urgent(self) -> bool:
        """Whether the labels say danger at this moment."""
        return self.urgent or self.kind is PetitionKind.KHAN_CAP


class _Row(msgspec.Struct, frozen=True):
    text: str
    code: str
    petition_kind: PetitionKind
    id: str = ""
    second: str | None = None
    origin: str = "file"
    urgent: bool = False
    pair: str | None = None


_ROWS = msgspec.json.Decoder(_Row)


def read_row(line: bytes | str) -> Example:
    """Read one labelled line. Raises BadRow for broken JSON and for a missing or unknown label."""
    try:
        row = _ROWS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRow(str(error)) from error
    try:
        load_taxonomy().indicator(row.code)
    except UnknownCode as error:
        raise BadRow(f"the scheme has no code {row.code!r}") from error
    return Example(
        id=row.id,
        text=nfc(row.text),
        code=row.code,
        kind=row.petition_kind,
        origin=row.origin,
        second=row.second,
        urgent=row.urgent,
        pair=row.pair,
    )


@cache
def load_messages() -> tuple[Example, ...]:
    """The packaged messages, file by file, in their order."""
    lines = [line for path in MESSAGES for line in path.read_text(encoding="utf-8").splitlines()]
    return tuple(read_row(line) for line in lines if line)


@cache
def load_cues() -> tuple[Example, ...]:
    """The packaged phrases, each with the one code or kind it stands for."""
    files = {path.name: tomllib.loads(nfc(path.read_text(encoding="utf-8"))) for path in CUES}
    implied = {code: PetitionKind(kind) for code, kind in files["cues.toml"]["implied_kind"].items()}
    by_code = [
        Example(id=f"{name}-{code}-{i}", text=text, code=code, kind=implied.get(code), origin=CUE)
        for name, data in files.items()
        for code, phrases in data["code"].items()
        for i, text in enumerate(phrases)
    ]
    by_kind = [
        Example(id=f"{name}-{kind}-{i}", text=text, code=None, kind=PetitionKind(kind), origin=CUE)
        for name, data in files.items()
        for kind, phrases in data.get("kind", {}).items()
        for i, text in enumerate(phrases)
    ]
    return (*by_code, *by_kind)


def data_digest() -> str:
    """SHA-256 over every packaged file that shapes a model."""
    digest = hashlib.sha256()
    for path in FILES:
        digest.update(path.read_bytes())
    return digest.hexdigest()
