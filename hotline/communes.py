"""Today's provinces and communes as the kept library lists them, with the folded names they are matched by.

Called by `places` and `place_matching` only. Never searches and never changes a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotline.place_words import COMMUNE_WORDS, key, without

if TYPE_CHECKING:
    from vietnam_provinces import Province as ListedProvince
    from vietnam_provinces import Ward as ListedWard


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """One of the 34; `name` without "tỉnh", `full_name` with "tỉnh" or "Thành phố"."""

    code: str
    name: str
    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """One of the 3,321; `name` carries its kind ("Phường Hà Giang 2"), `full_name` also its province."""

    code: str
    name: str
    kind: str
    province_code: str
    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A commune with its folded name in parts: "phuong", "ha giang 2", "hagiang2", ("ha", "giang", "2")."""

    commune: Commune
    kind: str
    bare: str
    joined: str
    words: tuple[str, ...]


def listed_provinces() -> dict[str, Province]:
    """Today's provinces by code."""
    from vietnam_provinces import Province as Listed

    provinces = sorted((_province(listed) for listed in Listed.iter_all()), key=lambda province: province.code)
    return {province.code: province for province in provinces}


def listed_entries(provinces: dict[str, Province]) -> tuple[Entry, ...]:
    """Today's communes by folded name, then code."""
    from vietnam_provinces import Ward as Listed

    communes = (_commune(ward, provinces[f"{int(ward.province_code):02d}"]) for ward in Listed.iter_all())
    return tuple(sorted((_entry(commune) for commune in communes), key=lambda e: (e.bare, e.commune.code)))


def _province(listed: ListedProvince) -> Province:
    name = listed.name.removeprefix("Thành phố ")
    full_name = listed.name if name != listed.name else f"tỉnh {name}"
    return Province(code=f"{int(listed.code):02d}", name=name, full_name=full_name)


def _commune(listed: ListedWard, province: Province) -> Commune:
    return Commune(
        code=f"{int(listed.code):05d}",
        name=listed.name,
        kind=listed.division_type.value,
        province_code=province.code,
        full_name=f"{listed.name}, {province.full_name}",
    )


def _entry(commune: Commune) -> Entry:
    kind, bare = without(COMMUNE_WORDS, key(commune.name))
    return Entry(commune=commune, kind=kind, bare=bare, joined=bare.replace(" ", ""), words=tuple(bare.split()))
