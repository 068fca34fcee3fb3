"""What the communes, districts and provinces were called before 2025-07-01, answered through the kept
library.

Called by `places.Gazetteer`. Never decides alone: a former name is an offer unless district and kind were
given and the commune was not split. Matches without diacritics. The library is imported on the first
question (about a second).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from hotline.place_words import COMMUNE_WORDS, DISTRICT_WORDS, without

_JOINED = Path(__file__).parent / "data" / "provinces-before-2025-07.toml"
# The library tells a two-part "commune, province" from "district, province" by the accented kind.
_FORMER_KINDS = {"phuong": "phường", "xa": "xã", "thi tran": "thị trấn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerCommune:
    """What one former address became: today's commune and province by name."""

    commune_name: str
    province_name: str
    is_split: bool
    is_precise: bool


@cache
def former_provinces() -> Mapping[str, tuple[str, ...]]:
    """Names each of today's provinces went by before (code -> names as written); provinces not joined are
    absent.
    """
    data = tomllib.loads(_JOINED.read_text(encoding="utf-8"))
    return {code: tuple(names) for code, names in data["joined"].items()}


def former_communes() -> frozenset[str]:
    """What the communes of before 2025-07-01 were called, kind included."""
    return _former_names()[0]


def former_districts() -> frozenset[str]:
    """What the districts, towns and cities of before 2025-07-01 were called, kind included."""
    return _former_names()[1]


@lru_cache(maxsize=4096)
def became(commune: str, district: str, province: str) -> tuple[FormerCommune, ...]:
    """What a former commune became; all parts folded, district and kind of commune may be missing.

    Without a kind every former kind (phường, xã, thị trấn) is tried, so several answers may come back.
    `is_precise` is false when kind or district was missing or had to be guessed.
    """
    found: dict[tuple[str, str], FormerCommune] = {}
    for name, has_kind in _with_kinds(commune):
        for area, has_area in _with_district_words(district):
            answer = _ask(", ".join(part for part in (name, area, province) if part), has_kind and has_area)
            if answer is not None:
                found.setdefault((answer.commune_name, answer.province_name), answer)
                break
        if found and has_kind:
            break
    return tuple(found.values())


class _FormerAddress(msgspec.Struct):
    old_ward: str
    old_district: str


class _FormerAddresses(msgspec.Struct):
    ward_mapping: list[_FormerAddress]


@cache
def _former_names() -> tuple[frozenset[str], frozenset[str]]:
    """The names in the table that the library answers from; found by its name, so that the library stays unloaded."""
    spec = find_spec("underthesea")
    if spec is None or spec.origin is None:
        raise LookupError("underthesea is not installed")
    table = (Path(spec.origin).parent / "address" / "data" / "mapping.json").read_bytes()
    rows = msgspec.json.decode(table, type=_FormerAddresses).ward_mapping
    return frozenset(row.old_ward for row in rows), frozenset(row.old_district for row in rows)


def _with_kinds(commune: str) -> Iterator[tuple[str, bool]]:
    kind, bare = without(COMMUNE_WORDS, commune)
    if kind in _FORMER_KINDS:
        yield f"{_FORMER_KINDS[kind]} {bare}", True
    for word in _FORMER_KINDS.values():
        yield f"{word} {commune}", False


def _with_district_words(district: str) -> Iterator[tuple[str, bool]]:
    if district and not without(DISTRICT_WORDS, district)[0]:
        for word in DISTRICT_WORDS:
            yield f"{word} {district}", False
    else:
        yield district, bool(district)


def _ask(address: str, is_precise: bool) -> FormerCommune | None:
    from underthesea import convert_address

    answer = convert_address(address)
    if not answer.new.ward or answer.mapping_type is None:
        return None
    return FormerCommune(
        commune_name=answer.new.ward,
        province_name=answer.new.province,
        is_split=answer.mapping_type.value == "divided",
        is_precise=is_precise,
    )
