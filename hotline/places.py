"""Where a feedback is about: today's 34 provinces and 3,321 communes, found by what people type.

Called by ingest (the form, batches, /dia-ban), respond (routing needs the commune) and the reports. Matches
without diacritics, with or without "phường/xã/p./x./tp.", by parts of words, and by names from before
2025-07-01. Never chooses between communes of the same name: it returns candidates. Teencode is not
expanded. Holds no personal data but `Place.detail`, the hamlet or house number as typed, which callers
seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from hotline.communes import Commune, Entry, Province, listed_entries, listed_provinces
from hotline.old_places import FormerCommune, became, former_provinces
from hotline.place_matching import EXACT, NONE, STARTS, Match, as_accented, fit, has_exact, unique
from hotline.place_words import (
    COMMUNE_WORDS,
    DISTRICT_WORDS,
    PROVINCE_WORDS,
    Address,
    expand,
    key,
    parse,
    without,
)
from hotline.text import clean

__all__ = ["Commune", "Gazetteer", "Match", "Place", "Province", "UnknownPlace", "load_gazetteer"]

_LONGEST_VIA = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as stored with a feedback. `detail` (thôn, tổ, ấp, house) is kept as typed and can name the
    writer.
    """

    province_code: str
    province_name: str
    commune_code: str | None
    commune_name: str | None
    detail: str = ""


class UnknownPlace(Exception):
    """No province or commune has this code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """The communes with an index of their folded names. Immutable and shared; get it from `load_gazetteer`."""

    _provinces: Mapping[str, Province]
    _communes: Mapping[str, Commune]
    _entries: tuple[Entry, ...] = field(repr=False)
    _by_start: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    _by_bare: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    _by_province: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    _province_names: Mapping[str, str] = field(repr=False)
    _by_name: Mapping[tuple[str, str], Commune] = field(repr=False)

    def provinces(self) -> tuple[Province, ...]:
        """The 34 provinces and cities, by code."""
        return tuple(self._provinces.values())

    def province(self, code: str) -> Province:
        """The province of a two-digit code ("08"). Raises `UnknownPlace`."""
        if code not in self._provinces:
            raise UnknownPlace(code)
        return self._provinces[code]

    def commune(self, code: str) -> Commune:
        """The commune of a five-digit code ("00691"). Raises `UnknownPlace`."""
        if code not in self._communes:
            raise UnknownPlace(code)
        return self._communes[code]

    def has_commune(self, code: str) -> bool:
        """Whether a commune of this code exists today."""
        return code in self._communes

    def communes(self, province_code: str | None = None) -> tuple[Commune, ...]:
        """All communes, or those of a province, by name. Raises `UnknownPlace` for an unknown province."""
        if province_code is None:
            return tuple(self._communes.values())
        self.province(province_code)
        return tuple(entry.commune for entry in self._by_province[province_code])

    def province_named(self, text: str) -> Province | None:
        """The province a name or code stands for; a former name ("Hà Giang") gives today's (Tuyên Quang)."""
        code = text.strip() if text.strip() in self._provinces else self._province_of(key(expand(text)))
        return self._provinces[code] if code else None

    def find(self, query: str, province_code: str | None = None, limit: int = 8) -> tuple[Match, ...]:
        """The communes that what was typed may mean, best first, at most `limit`; empty when none.

        With a province code only its communes are offered. Today's names come before former ones, unless
        the query names a district or a former province. An empty query with a province gives its first
        communes by name.
        """
        if province_code is not None and province_code not in self._provinces:
            return ()
        address = parse(query, self._province_of)
        if not address.commune and not address.district and province_code:
            return tuple(Match(commune=c) for c in self.communes(province_code)[:limit])
        is_elsewhere = bool(province_code) and address.names_province not in (None, province_code)
        scope = province_code if is_elsewhere else address.names_province or province_code
        whole = key(expand(query))
        as_one_name = self._exact(address.unsplit, scope) or self._exact(whole, province_code)
        if as_one_name or is_elsewhere:
            return as_accented(query, unique(as_one_name))[:limit]
        current = self._current(address.commune or without(DISTRICT_WORDS, address.district)[1], scope)
        if address.names_province and not address.district and not has_exact(current):
            current = [*current, *self._current(whole, province_code)]
        return as_accented(query, unique(self._with_former(query, address, scope, current)))[:limit]

    def resolve(self, province: str, commune: str) -> Commune | tuple[Match, ...]:
        """The one commune meant, else the candidates (none: an empty tuple).

        `province` is a name, today's or former, or a code; it may be empty. A former name is settled only
        when kind and district are given and the commune was not split; a name that exists in several
        provinces never is.
        """
        where = self.province_named(province) if province.strip() else None
        if province.strip() and where is None:
            return ()
        if commune.strip() in self._communes:
            known = self._communes[commune.strip()]
            return known if where is None or known.province_code == where.code else ()
        asked = commune if where is None or where.code == province.strip() else f"{commune}, {province}"
        matches = self.find(asked, where.code if where else None)
        exact = [match for match in matches if match.is_exact]
        return exact[0].commune if len(exact) == 1 else matches

    def _province_of(self, folded: str) -> str | None:
        word, name = without(PROVINCE_WORDS, folded)
        return self._province_names.get(f"{word} {name}" if word == "thanh pho" else name)

    def _exact(self, name: str, province_code: str | None) -> list[Match]:
        """Communes with exactly this name, kind included when it is given."""
        kind, bare = without(COMMUNE_WORDS, name)
        same = [e for e in self._by_bare.get(bare, ()) if kind in ("", e.kind)] + [*self._by_bare.get(name, ())]
        fitting = (e.commune for e in same if province_code in (None, e.commune.province_code))
        return [Match(commune=commune, is_exact=True) for commune in fitting]

    def _current(self, name: str, province_code: str | None) -> list[Match]:
        kind, bare = without(COMMUNE_WORDS, name)
        if not bare:
            return []
        ranked = []
        for entry in self._entries_for({bare.split()[0][:2], name.split()[0][:2]}, province_code):
            rank = min(fit(bare, kind, entry), fit(name, "", entry))
            if rank < NONE:
                ranked.append((rank, len(entry.bare), entry.commune.code, entry.commune))
        ranked += self._joined(bare.replace(" ", ""), province_code)
        ranked.sort(key=lambda row: row[:3])
        return [Match(commune=commune, is_exact=rank == EXACT) for rank, _, _, commune in ranked]

    def _joined(self, typed: str, province_code: str | None) -> list[tuple[int, int, str, Commune]]:
        """Names typed with other word breaks: "dran" for D'Ran, "hagiang2"."""
        entries = self._by_province[province_code] if province_code else self._entries
        same = (entry.commune for entry in entries if entry.joined == typed)
        return [(STARTS, len(typed), commune.code, commune) for commune in same]

    def _entries_for(self, starts: set[str], province_code: str | None) -> Iterable[Entry]:
        if province_code is not None:
            return self._by_province[province_code]
        return {entry.commune.code: entry for start in starts for entry in self._by_start.get(start, ())}.values()

    def _with_former(self, query: str, address: Address, scope: str | None, current: list[Match]) -> list[Match]:
        is_former_address = bool(address.district) or self._is_former_name(address.province)
        if not address.commune or (has_exact(current) and not is_former_address):
            return current
        via = f"tên cũ: {clean(query)[:_LONGEST_VIA]}"
        answers = self._former_answers(address, scope, current)
        former = [match for answer in answers if (match := self._former_match(answer, via))]
        exact = {match.commune.code for match in current if match.is_exact}
        if not is_former_address or {match.commune.code for match in former} <= exact:
            return [*current, *former]
        return [*former, *(replace(match, is_exact=False) for match in current)]

    def _is_former_name(self, province: str) -> bool:
        code = self._province_of(province)
        return code is not None and key(self._provinces[code].name) != province

    def _former_answers(self, address: Address, scope: str | None, current: list[Match]) -> Iterator[FormerCommune]:
        if not address.province:
            for name in self._former_provinces(address, scope, current):
                yield from became(address.commune, address.district, name)
            return
        named = became(address.commune, address.district, address.province)
        yield from named
        if not named and scope and not self._is_former_name(address.province):
            for name in _former_names([self._provinces[scope]]):
                for answer in became(address.commune, address.district, name):
                    yield replace(answer, is_precise=False)

    def _former_provinces(self, address: Address, scope: str | None, current: list[Match]) -> Iterable[str]:
        """The former provinces to ask about when none was typed: those of the scope, else all when nothing
        fits.
        """
        kind, bare = without(COMMUNE_WORDS, address.commune)
        fits = any(kind in ("", key(match.commune.kind)) for match in current)
        if scope is None and (fits or (not kind and " " not in bare)):
            return ()
        return _former_names([self._provinces[scope]] if scope else self._provinces.values())

    def _former_match(self, former: FormerCommune, via: str) -> Match | None:
        code = self._province_of(key(former.province_name))
        commune = self._by_name.get((code or "", key(former.commune_name)))
        if commune is None:
            return None
        return Match(commune=commune, via=via, is_exact=former.is_precise and not former.is_split)


@cache
def load_gazetteer() -> Gazetteer:
    """Today's provinces and communes from the kept library; about 0.1 s the first time, then shared."""
    provinces = listed_provinces()
    entries = listed_entries(provinces)
    starts = ((start, entry) for entry in entries for word in entry.words for start in (word[:1], word[:2]))
    return Gazetteer(
        _provinces=provinces,
        _communes={entry.commune.code: entry.commune for entry in entries},
        _entries=entries,
        _by_start=_grouped(starts),
        _by_bare=_grouped((entry.bare, entry) for entry in entries),
        _by_province=_grouped((entry.commune.province_code, entry) for entry in entries),
        _province_names=_province_names(provinces.values()),
        _by_name={(e.commune.province_code, key(e.commune.name)): e.commune for e in entries},
    )


def _former_names(provinces: Iterable[Province]) -> list[str]:
    joined = former_provinces()
    return [key(name) for p in provinces for name in joined.get(p.code, (p.name,))]


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> dict[str, tuple[Entry, ...]]:
    groups: dict[str, dict[str, Entry]] = {}
    for name, entry in pairs:
        groups.setdefault(name, {})[entry.commune.code] = entry
    return {name: tuple(entries.values()) for name, entries in groups.items()}


def _province_names(provinces: Iterable[Province]) -> dict[str, str]:
    names: dict[str, str] = {"thua thien hue": "46", "sai gon": "79"}
    for province in provinces:
        names[key(province.name)] = province.code
        if province.full_name.startswith("Thành phố "):
            names[key(province.full_name)] = province.code
        for former in former_provinces().get(province.code, ()):
            names[key(former)] = province.code
    return names
