"""The kept words and names by which spans are found, read once: `data/span-words.toml` and the names of places.

Called by the span finders only. Holds no citizen's data.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from hotline.communes import Province
from hotline.old_places import former_communes, former_districts, former_provinces
from hotline.places import load_gazetteer
from hotline.reading import Lexicon, lexicon

_WORDS = Path(__file__).parent / "data" / "span-words.toml"
_KINDS = ("Phường ", "Xã ", "Thị trấn ", "Đặc khu ", "Huyện ", "Quận ", "Thị xã ", "Thành phố ", "Tỉnh ")


@cache
def _data() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


@cache
def words_of(table: str, *lists: str) -> Lexicon:
    """The phrases of one or several lists of a table, together."""
    return lexicon(phrase for name in lists for phrase in _data()[table][name])


@cache
def commune_names() -> Lexicon:
    """What today's communes and those before 2025-07-01 are called, without their kind."""
    today = (commune.name for commune in load_gazetteer().communes())
    return lexicon(bare(name) for name in (*today, *former_communes()))


@cache
def district_names() -> Lexicon:
    """What the districts, towns and cities of before 2025-07-01 were called, without their kind."""
    return lexicon(bare(name) for name in former_districts())


@cache
def province_names() -> Lexicon:
    """What provinces are and were called, without their kind, with nicknames."""
    return lexicon((*_province_names(), *_data()["places"]["nicknames"]))


@cache
def nicknames() -> Lexicon:
    """Short names of a province that contain their kind or need none."""
    return words_of("places", "nicknames")


@cache
def area_names() -> Lexicon:
    """The names of all communes and districts of several words: the ones told from ordinary words."""
    today = (commune.name for commune in load_gazetteer().communes())
    names = (bare(name) for name in (*today, *former_communes(), *former_districts()))
    return lexicon(name for name in names if " " in name and not name.split()[0].isdigit())


def bare(name: str) -> str:
    """A place's name without its kind: "Xã Ngọc Đường" -> "Ngọc Đường"."""
    kind = next((kind for kind in _KINDS if name.startswith(kind)), "")
    return name.removeprefix(kind)


def _province_names() -> list[str]:
    provinces: tuple[Province, ...] = load_gazetteer().provinces()
    joined = former_provinces()
    return [name for province in provinces for name in (province.name, *joined.get(province.code, ()))]
