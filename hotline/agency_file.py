"""How a directory file is written: bodies one by one, and the offices every commune has, written once.

Called by `agencies` only. A file has `[[agency]]` tables, `[[commune]]` tables (a commune in one period) and
`[[office]]` tables (a body each of these communes has). Names every fault of a file at once.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hotline.places import UnknownPlace, load_gazetteer

EVERY_COMMUNE = "@*"
FORMER = "-cu"


class DirectoryInvalid(Exception):
    """A directory file cannot be used; `faults` names everything wrong with it."""

    def __init__(self, name: str, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{name}: " + "; ".join(self.faults))


class RawAgency(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One body as the file writes it. "ubnd-xa@*" among the successors means that office of every commune."""

    id: str
    name: str
    kind: str
    level: str
    valid_from: date
    valid_to: date | None = None
    aliases: list[str] = []
    parent: str | None = None
    province: str | None = None
    commune: str | None = None
    successors: list[str] = []
    has_accounts: bool = True
    office: str | None = None
    commune_kind: str | None = None
    source: str = ""
    unverified: bool = False


class _RawCommune(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A commune in one period: today's is named by the gazetteer; a former one gives `name` and `became`.

    `above` gives the body above each office that answers to nobody inside the commune.
    """

    code: str
    valid_from: date
    valid_to: date | None = None
    name: str = ""
    became: list[str] = []
    province: str
    above: dict[str, str] = {}
    unverified: bool = False


class _RawOffice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body every listed commune has; {commune} is "phường Hà Giang 2", {kind} "phường", {bare} "Hà Giang
    2".

    An alias without {commune} or {bare} ("địa chính {kind}") names that office in every commune. `parent`
    is another office of the commune; without it the commune's `above` says.
    """

    id: str
    name: str
    name_ward: str = ""
    kind: str
    since: date | None = None
    parent: str = ""
    aliases: list[str] = []
    has_accounts: bool = True
    unverified: bool = False


class _File(msgspec.Struct, kw_only=True):
    agencies: list[RawAgency]
    communes: list[_RawCommune]
    offices: list[_RawOffice]


_T = TypeVar("_T", RawAgency, _RawCommune, _RawOffice)


def read_agency_file(path: Path) -> tuple[RawAgency, ...]:
    """Every body of a file, offices of communes written out. Raises `DirectoryInvalid` naming all faults."""
    faults: list[str] = []
    try:
        data = tomllib.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise DirectoryInvalid(path.name, [f"không đọc được tệp: {error}"]) from error
    file = _File(
        agencies=list(_rows(data, "agency", RawAgency, faults)),
        communes=list(_rows(data, "commune", _RawCommune, faults)),
        offices=list(_rows(data, "office", _RawOffice, faults)),
    )
    offices = [body for commune in file.communes for body in _offices(commune, file.offices, faults)]
    if faults:
        raise DirectoryInvalid(path.name, faults)
    known = [*file.agencies, *offices]
    return tuple(_with_every_commune(agency, known) for agency in known)


def _rows(data: Mapping[str, Any], table: str, kind: type[_T], faults: list[str]) -> Iterator[_T]:
    for number, row in enumerate(data.get(table, ()), start=1):
        try:
            yield msgspec.convert(row, type=kind)
        except msgspec.ValidationError as error:
            faults.append(f"[[{table}]] thứ {number} ({row.get('id') or row.get('code') or '?'}): {error}")


def _offices(commune: _RawCommune, offices: list[_RawOffice], faults: list[str]) -> Iterator[RawAgency]:
    try:
        name = commune.name or load_gazetteer().commune(commune.code).name
    except UnknownPlace:
        faults.append(f"xã, phường không có mã {commune.code}")
        return
    for office in offices:
        start = max(commune.valid_from, office.since or commune.valid_from)
        if commune.valid_to is None or start <= commune.valid_to:
            yield _office(commune, office, name[0].lower() + name[1:], start)


def _office(commune: _RawCommune, office: _RawOffice, name: str, start: date) -> RawAgency:
    kind, _, bare = name.partition(" ")
    words = {"commune": name, "kind": kind, "bare": bare}
    own_name = office.name_ward if kind == "phường" and office.name_ward else office.name
    parent = _id(office.parent, commune) if office.parent else commune.above.get(office.id)
    return RawAgency(
        id=_id(office.id, commune),
        name=own_name.format(**words),
        kind=office.kind,
        level="xa",
        valid_from=start,
        valid_to=commune.valid_to,
        aliases=[alias.format(**words) for alias in office.aliases],
        parent=parent,
        province=commune.province,
        commune=commune.code,
        successors=[f"{office.id}-{code}" for code in commune.became],
        has_accounts=office.has_accounts,
        office=office.id,
        commune_kind=kind,
        unverified=office.unverified or commune.unverified,
    )


def _id(office: str, commune: _RawCommune) -> str:
    return f"{office}-{commune.code}{FORMER if commune.valid_to else ''}"


def _with_every_commune(agency: RawAgency, known: list[RawAgency]) -> RawAgency:
    successors: list[str] = []
    for successor in agency.successors:
        office = successor.removesuffix(EVERY_COMMUNE)
        every = [body.id for body in known if body.office == office]
        successors.extend(every if office != successor and every else [successor])
    return msgspec.structs.replace(agency, successors=successors)
