"""Which bodies are answerable, when each existed, who is above it and who took its work over.

Called by respond (routing, inboxes, accounts), by classify (which bodies a text names) and by the reports.
Holds dated data only (`data/agencies-<locality>.toml`): it never chooses who gets a ticket, and never
invents a body: an id it does not hold is refused with `UnknownAgency`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

from hotline.agency_file import DirectoryInvalid, RawAgency, read_agency_file
from hotline.agency_words import body_key

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A body that may be answerable, on the days `valid_from` to `valid_to` (both counted, Asia/Ho_Chi_Minh).

    `level` is trung_uong, tinh, huyen or xa. `parent_id` is the body above it. `successor_ids` took its work
    over when it ended; where they are per commune, the commune of the matter picks one. Without accounts
    (`has_accounts`) nobody of it can answer here, so the lead of the row records what it says.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    kind: str
    level: str
    parent_id: str | None
    province_code: str | None
    commune_code: str | None
    valid_from: date
    valid_to: date | None
    successor_ids: tuple[str, ...]
    has_accounts: bool
    office: str | None = None
    commune_kind: str | None = None
    is_unverified: bool = False

    def is_active(self, on: date) -> bool:
        """Whether the body existed on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class UnknownAgency(Exception):
    """The directory of this locality has no such body."""

    def __init__(self, agency_id: str) -> None:
        super().__init__(f"không có cơ quan {agency_id!r} trong danh bạ")
        self.agency_id = agency_id


class UnknownLocality(Exception):
    """No directory or profile is packaged for this locality."""

    def __init__(self, locality: str) -> None:
        super().__init__(f"không có dữ liệu cho địa phương {locality!r}")
        self.locality = locality


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyDirectory:
    """The bodies of one locality. Immutable; every question with a day is answered as of that day."""

    locality: str
    agencies: tuple[Agency, ...] = field(repr=False)
    _by_id: Mapping[str, Agency] = field(repr=False, compare=False)
    _children: Mapping[str, tuple[str, ...]] = field(repr=False, compare=False)
    _offices: Mapping[tuple[str, str], tuple[Agency, ...]] = field(repr=False, compare=False)
    _by_commune: Mapping[str, tuple[Agency, ...]] = field(repr=False, compare=False)
    _named: Mapping[str, frozenset[str]] = field(repr=False, compare=False)
    _longest_from: Mapping[str, int] = field(repr=False, compare=False)

    def has(self, agency_id: str) -> bool:
        """Whether the directory holds this id, ended bodies included."""
        return agency_id in self._by_id

    def get(self, agency_id: str) -> Agency:
        """The body of an id, ended ones included. Raises `UnknownAgency`."""
        try:
            return self._by_id[agency_id]
        except KeyError:
            raise UnknownAgency(agency_id) from None

    def named(self, words: str) -> frozenset[str]:
        """Ids of all bodies with this name or alias (folded, as `agency_words.body_key` gives it), ended ones
        too.
        """
        return self._named.get(words, frozenset())

    def longest_name_from(self, word: str) -> int:
        """The most words that a name beginning with this (folded) word has; 0 when none begins with it."""
        return self._longest_from.get(word, 0)

    def active(self, on: date) -> tuple[Agency, ...]:
        """All bodies that existed on a day, in the order of the file."""
        return tuple(agency for agency in self.agencies if agency.is_active(on))

    def successors(self, agency_id: str, on: date) -> tuple[Agency, ...]:
        """The bodies that did this body's work on a day: itself while it existed, else those it passed it to.

        Followed through as many changes as there were. Empty before it existed. Raises `UnknownAgency`.
        """
        found: dict[str, Agency] = {}
        waiting, seen = [agency_id], set[str]()
        while waiting:
            agency = self.get(waiting.pop(0))
            if agency.id in seen:
                continue
            seen.add(agency.id)
            if agency.is_active(on):
                found[agency.id] = agency
            elif agency.valid_to is not None and agency.valid_to < on:
                waiting.extend(agency.successor_ids)
        return tuple(found.values())

    def acting(self, agency_id: str, on: date, commune_code: str | None) -> Agency | None:
        """The one body that did this body's work on a day for a commune; None when only others' bodies did.

        A successor of the commune comes before one that serves the whole province. Raises `UnknownAgency`.
        """
        return _nearest(self.successors(agency_id, on), commune_code)

    def office_of(self, office: str, commune_code: str | None, on: date) -> Agency | None:
        """The body of a kind in a commune on a day ("ubnd-xa" of 00691); None when the commune has none
        here.
        """
        offices = self._offices.get((office, commune_code or ""), ())
        return next((agency for agency in offices if agency.is_active(on)), None)

    def serves(self, commune_code: str | None, on: date) -> bool:
        """Whether this directory has any body of its own in a commune on a day."""
        return any(body.is_active(on) for body in self._by_commune.get(commune_code or "", ()))

    def has_office(self, office: str) -> bool:
        """Whether communes have a body of this kind at all."""
        return any(name == office for name, _ in self._offices)

    def with_all_below(self, agency_ids: Iterable[str], on: date) -> frozenset[str]:
        """These bodies, who did their work on a day, and everybody below any of them. Raises
        `UnknownAgency`.
        """
        bodies: set[str] = set()
        for agency_id in agency_ids:
            bodies |= {agency_id} | {successor.id for successor in self.successors(agency_id, on)}
        return frozenset(bodies.union(*(self.subordinates(body) for body in bodies)))

    def subordinates(self, agency_id: str) -> frozenset[str]:
        """Every body below this one, at any depth and any time; not itself. Raises `UnknownAgency`."""
        self.get(agency_id)
        below: set[str] = set()
        waiting = [agency_id]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in below:
                    below.add(child)
                    waiting.append(child)
        return frozenset(below)

    def superiors(self, agency_id: str, on: date) -> Iterator[Agency]:
        """The bodies above, nearest first, as of a day (an ended superior is followed to its successor)."""
        agency, seen = self.get(agency_id), {agency_id}
        while agency.parent_id is not None:
            # A body may have passed part of its work down: a successor below is no superior.
            above = [body for body in self.successors(agency.parent_id, on) if body.id not in seen]
            acting = _nearest(above, agency.commune_code)
            if acting is None:
                return
            seen.add(acting.id)
            yield acting
            agency = acting


@lru_cache(maxsize=16)
def load_directory(locality: str) -> AgencyDirectory:
    """The packaged directory of a locality (read once). Raises `UnknownLocality`, `DirectoryInvalid`."""
    path = _DATA / f"agencies-{locality}.toml"
    if not path.is_file():
        raise UnknownLocality(locality)
    return read_directory(path, locality)


def read_directory(path: Path, locality: str) -> AgencyDirectory:
    """Read a directory file. Raises `DirectoryInvalid` naming every fault."""
    agencies = tuple(_agency(raw) for raw in read_agency_file(path))
    faults = tuple(_faults(agencies))
    if faults:
        raise DirectoryInvalid(path.name, faults)
    names = _names(agencies)
    children: dict[str, list[str]] = {}
    offices: dict[tuple[str, str], list[Agency]] = {}
    in_commune: dict[str, list[Agency]] = {}
    for agency in agencies:
        if agency.parent_id:
            children.setdefault(agency.parent_id, []).append(agency.id)
        if agency.office and agency.commune_code:
            offices.setdefault((agency.office, agency.commune_code), []).append(agency)
            in_commune.setdefault(agency.commune_code, []).append(agency)
    return AgencyDirectory(
        locality=locality,
        agencies=agencies,
        _by_id={agency.id: agency for agency in agencies},
        _children={parent: tuple(ids) for parent, ids in children.items()},
        _offices={name: tuple(bodies) for name, bodies in offices.items()},
        _by_commune={code: tuple(bodies) for code, bodies in in_commune.items()},
        _named=names,
        _longest_from=_longest_from(names),
    )


def _nearest(bodies: Iterable[Agency], commune_code: str | None) -> Agency | None:
    fitting = [body for body in bodies if body.commune_code in (None, commune_code)]
    return min(fitting, key=lambda body: body.commune_code is None, default=None)


def _names(agencies: tuple[Agency, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for agency in agencies:
        for name in (agency.name, *agency.aliases):
            found.setdefault(body_key(name), set()).add(agency.id)
    return {name: frozenset(ids) for name, ids in found.items()}


def _longest_from(names: Iterable[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for words in (name.split() for name in names if name):
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return longest


def _agency(raw: RawAgency) -> Agency:
    return Agency(
        id=raw.id,
        name=raw.name,
        aliases=tuple(raw.aliases),
        kind=raw.kind,
        level=raw.level,
        parent_id=raw.parent,
        province_code=raw.province,
        commune_code=raw.commune,
        valid_from=raw.valid_from,
        valid_to=raw.valid_to,
        successor_ids=tuple(raw.successors),
        has_accounts=raw.has_accounts,
        office=raw.office,
        commune_kind=raw.commune_kind,
        is_unverified=raw.unverified,
    )


def _faults(agencies: tuple[Agency, ...]) -> Iterator[str]:
    by_id: dict[str, Agency] = {}
    for agency in agencies:
        if agency.id in by_id:
            yield f"{agency.id}: mã cơ quan lặp lại"
        by_id[agency.id] = agency
    for agency in agencies:
        for role, ids in (("cấp trên", (agency.parent_id,)), ("cơ quan kế thừa", agency.successor_ids)):
            yield from (f"{agency.id}: {role} không có: {i}" for i in ids if i is not None and i not in by_id)
        if agency.valid_to is not None and agency.valid_to < agency.valid_from:
            yield f"{agency.id}: ngày hết hiệu lực trước ngày có hiệu lực"
        if agency.valid_to is not None and not agency.successor_ids:
            yield f"{agency.id}: đã kết thúc mà không có cơ quan kế thừa"
        if _is_under_itself(agency, by_id):
            yield f"{agency.id}: là cấp trên của chính mình"


def _is_under_itself(agency: Agency, by_id: Mapping[str, Agency]) -> bool:
    above, seen = agency.parent_id, set[str]()
    while above is not None and above in by_id and above not in seen:
        if above == agency.id:
            return True
        seen.add(above)
        above = by_id[above].parent_id
    return False
