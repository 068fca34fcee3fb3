"""What a locality has decided about who gets what: its dated rows, read and checked once.

Called by `routing`, the `route` command and the start of the service. Data only
(`hotline/data/profiles/<locality>/`): a further locality is a further folder. A profile with any fault
stops the start with one `ProfileInvalid` that names them all; it never falls back to a guess.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

import hotline
from hotline.agencies import AgencyDirectory, UnknownLocality, load_directory
from hotline.agency_file import DirectoryInvalid
from hotline.taxonomy import PetitionKind, Taxonomy, UnknownScheme, base_code, load_taxonomy
from services.respond import profile_faults

_FOLDERS = Path(hotline.__file__).parent / "data" / "profiles"
ANY_CODE = "*"


class Answerer(StrEnum):
    """Who of a row's two sides answers the citizen."""

    LEAD = "lead"
    IMPLEMENTER = "implementer"


class ProfileInvalid(Exception):
    """A locality's profile cannot be used; `faults` names everything wrong with it."""

    def __init__(self, locality: str, faults: Iterable[str]) -> None:
        self.locality = locality
        self.faults = tuple(faults)
        super().__init__(f"hồ sơ địa phương {locality} có {len(self.faults)} lỗi: " + "; ".join(self.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementer:
    """Who does the work: a body by id, or an office of the ticket's commune (rural communes only when
    asked).
    """

    agency_id: str = ""
    office: str = ""
    commune_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table, in force from `valid_from` to `valid_to` (both days counted).

    `also` keeps what the plan's cell says beyond bodies one can send to. `concerns` names the unit the
    content is about. `is_inferred`: not in the plan; `is_unverified`: who does it today awaits the
    province's word.
    """

    id: str
    code: str
    kind: PetitionKind | None
    lead: str
    co_leads: tuple[str, ...]
    implementers: tuple[Implementer, ...]
    also: tuple[str, ...]
    answers: Answerer
    lead_without_commune: str | None
    lead_may_be_accused: bool
    concerns: tuple[str, ...]
    source: str
    is_inferred: bool
    is_unverified: bool
    valid_from: date
    valid_to: date | None

    def is_valid(self, on: date) -> bool:
        """Whether the row is in force on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One locality's table with its directory and scheme. Immutable; a fault-free profile always has a row.

    `office_names` says how the plan calls an office of every commune where no one commune is meant.
    """

    locality: str
    name_vi: str
    name_en: str
    province_code: str
    valid_from: date
    last_resorts: tuple[str, ...]
    office_names: Mapping[str, str]
    rows: tuple[Row, ...] = field(repr=False)
    directory: AgencyDirectory = field(repr=False)
    taxonomy: Taxonomy = field(repr=False)

    def row_for(self, code: str, kind: PetitionKind, on: date) -> Row:
        """The row that decides: the kind's own, else the code's, else its indicator's, else the catch-all."""
        for fits in (kind, code, base_code(code), ANY_CODE):
            for row in self.rows:
                if fits in (row.kind, row.code) and row.is_valid(on):
                    return row
        raise ProfileInvalid(self.locality, [f"không có dòng nào cho mã {code} ngày {on:%d/%m/%Y}"])


class _RawRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: str
    lead: str
    answers: str
    source: str
    code: str = ""
    kind: str = ""
    co_leads: list[str] = []
    implementers: list[str] = []
    also: list[str] = []
    lead_without_commune: str | None = None
    lead_may_be_accused: bool = False
    concerns: list[str] = []
    inferred: bool = False
    unverified: bool = False
    valid_from: date | None = None
    valid_to: date | None = None


class _RawProfile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    locality: str
    name_vi: str
    name_en: str
    scheme: str
    directory: str
    province: str
    source: str
    valid_from: date
    last_resorts: list[str]
    office_names: dict[str, str] = {}


def profiles() -> tuple[str, ...]:
    """The localities that have a packaged profile, by name."""
    return tuple(sorted(folder.name for folder in _FOLDERS.iterdir() if (folder / "profile.toml").is_file()))


@lru_cache(maxsize=16)
def load_profile(locality: str) -> Profile:
    """The packaged profile of a locality (read once). Raises `UnknownLocality`, `ProfileInvalid`."""
    if locality not in profiles():
        raise UnknownLocality(locality)
    return read_profile(_FOLDERS / locality)


def read_profile(folder: Path) -> Profile:
    """Read and check a profile folder. Raises `ProfileInvalid` with every fault found, not the first."""
    faults: list[str] = []
    head = _head(folder, faults)
    rows = _rows(folder, head, faults)
    directory, taxonomy = _parts(head, faults)
    if head is not None and directory is not None and taxonomy is not None:
        profile = Profile(
            locality=head.locality,
            name_vi=head.name_vi,
            name_en=head.name_en,
            province_code=head.province,
            valid_from=head.valid_from,
            last_resorts=tuple(head.last_resorts),
            office_names=head.office_names,
            rows=rows,
            directory=directory,
            taxonomy=taxonomy,
        )
        faults.extend(profile_faults.find(profile, folder.name))
        if not faults:
            return profile
    raise ProfileInvalid(folder.name, faults)


def _head(folder: Path, faults: list[str]) -> _RawProfile | None:
    try:
        return msgspec.convert(_toml(folder / "profile.toml"), type=_RawProfile)
    except (msgspec.ValidationError, ValueError, OSError) as error:
        faults.append(f"profile.toml: {error}")
        return None


def _rows(folder: Path, head: _RawProfile | None, faults: list[str]) -> tuple[Row, ...]:
    rows: list[Row] = []
    try:
        table = _toml(folder / "routes.toml").get("route", [])
    except (ValueError, OSError) as error:
        faults.append(f"routes.toml: {error}")
        return ()
    for number, raw in enumerate(table, start=1):
        try:
            rows.append(_row(msgspec.convert(raw, type=_RawRow), head.valid_from if head else date.min))
        except ValueError as error:
            faults.append(f"dòng thứ {number} ({raw.get('id', '?')}): {error}")
    return tuple(rows)


def _row(raw: _RawRow, first_day: date) -> Row:
    if raw.answers not in tuple(Answerer):
        raise ValueError(f"answers phải là lead hoặc implementer, không phải {raw.answers!r}")
    if bool(raw.code) == bool(raw.kind):
        raise ValueError("phải có đúng một trong hai: code, kind")
    return Row(
        id=raw.id,
        code=raw.code,
        kind=PetitionKind(raw.kind) if raw.kind else None,
        lead=raw.lead,
        co_leads=tuple(raw.co_leads),
        implementers=tuple(_implementer(text) for text in raw.implementers),
        also=tuple(raw.also),
        answers=Answerer(raw.answers),
        lead_without_commune=raw.lead_without_commune,
        lead_may_be_accused=raw.lead_may_be_accused,
        concerns=tuple(raw.concerns),
        source=raw.source,
        is_inferred=raw.inferred,
        is_unverified=raw.unverified,
        valid_from=raw.valid_from or first_day,
        valid_to=raw.valid_to,
    )


def _implementer(text: str) -> Implementer:
    if not text.startswith("@"):
        return Implementer(agency_id=text)
    office, _, kind = text.removeprefix("@").partition("/")
    return Implementer(office=office, commune_kind=kind)


def _parts(head: _RawProfile | None, faults: list[str]) -> tuple[AgencyDirectory | None, Taxonomy | None]:
    if head is None:
        return None, None
    directory, taxonomy = None, None
    try:
        directory = load_directory(head.directory)
    except DirectoryInvalid as error:
        faults.extend(error.faults)
    except UnknownLocality as error:
        faults.append(str(error))
    try:
        taxonomy = load_taxonomy(head.scheme)
    except UnknownScheme:
        faults.append(f"không có bộ chỉ số {head.scheme}")
    return directory, taxonomy


def _toml(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8")))
