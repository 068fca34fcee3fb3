"""What a feedback can be about: the 29 PAPI indicators of a scheme, their sub-topics, and the kinds of
petition in law.

Decides nothing about a single feedback: it names codes. Called by classify (labels), ingest (the field a
citizen may see), respond (routing rows, pages). Never guesses: a code it does not hold is refused with
`UnknownCode`. The words are data (`data/papi-*.toml`, NFC), the codes belong to a scheme and are not the
official PAPI codes (`Indicator.official` is the crosswalk).
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

SCHEME = "HG-2023"
OTHER = "0"

# Luật Tố cáo 2018: these contents may carry a denunciation, so the person stays unknown to the unit concerned.
# 3.2 is not here: there the kind of petition decides, not the code.
RESTRICTED_CODES: frozenset[str] = frozenset({"4.1", "4.2", "4.3", "4.4", "4.5"})

_DATA = Path(__file__).parent / "data"


class PetitionKind(StrEnum):
    """What a message is in law; independent of what it is about."""

    PHAN_ANH_KIEN_NGHI = "phan_anh_kien_nghi"
    KHIEU_NAI = "khieu_nai"
    TO_CAO = "to_cao"
    TIN_BAO_TOI_PHAM = "tin_bao_toi_pham"
    KHAN_CAP = "khan_cap"
    YEU_CAU_THONG_TIN = "yeu_cau_thong_tin"
    KHAC = "khac"


class UnknownCode(Exception):
    """The scheme holds no such indicator or sub-topic."""

    def __init__(self, code: str, scheme: str) -> None:
        super().__init__(f"{scheme} không có mã nội dung {code!r}")
        self.code = code
        self.scheme = scheme


class UnknownScheme(Exception):
    """No taxonomy of this name is packaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One of the eight PAPI dimensions: the only level whose name a citizen is shown."""

    code: str
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator ("6.3"), one of its sub-topics ("6.3#dien"), or "0" for anything else.

    `name_*` of a sub-topic is the indicator's name with the sub-topic in brackets. `official` lists the
    official PAPI sub-dimensions it falls under. `source` names the line of the plan it was read from.
    """

    code: str
    dimension: str
    name_vi: str
    name_en: str
    official: tuple[str, ...]
    source: str

    @property
    def base(self) -> str:
        """The code without its sub-topic: "6.3#dien" -> "6.3"."""
        return base_code(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """One scheme in one version. Every label, every indicator and every sub-topic is answered for by
    `indicator`.
    """

    scheme: str
    version: str
    dimensions: tuple[Dimension, ...]
    indicators: tuple[Indicator, ...]
    sub_topics: tuple[Indicator, ...]
    labels: tuple[str, ...]
    other: Indicator
    _by_code: Mapping[str, Indicator] = field(repr=False, compare=False)
    _dimension_by_code: Mapping[str, Dimension] = field(repr=False, compare=False)

    def has(self, code: str) -> bool:
        """Whether the code names an indicator, a sub-topic, or "0"."""
        return code in self._by_code

    def indicator(self, code: str) -> Indicator:
        """The indicator, sub-topic or "0" behind a code. Raises `UnknownCode`."""
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownCode(code, self.scheme) from None

    def sub_topics_of(self, code: str) -> tuple[Indicator, ...]:
        """The sub-topics of an indicator, in printed order; empty when it has none."""
        return tuple(row for row in self.sub_topics if row.base == code)

    def field_name(self, code: str, lang: str = "vi") -> str:
        """The name of the field a citizen may see (the PAPI dimension; never the code). Raises
        `UnknownCode`.
        """
        row = self.indicator(code)
        if row.dimension == OTHER:
            return _in_language(row.name_vi, row.name_en, lang)
        dimension = self._dimension_by_code[row.dimension]
        return _in_language(dimension.name_vi, dimension.name_en, lang)

    def display_name(self, code: str, lang: str = "vi") -> str:
        """Code and name as staff see it: "6.3 Cơ sở hạ tầng căn bản (điện sinh hoạt)". Raises
        `UnknownCode`.
        """
        row = self.indicator(code)
        name = _in_language(row.name_vi, row.name_en, lang)
        return name if row.dimension == OTHER else f"{row.base} {name}"


def base_code(code: str) -> str:
    """The indicator of a code: "6.3#dien" -> "6.3", "5.3" -> "5.3"."""
    return code.partition("#")[0]


def is_restricted_code(code: str) -> bool:
    """Whether a ticket about this code is restricted whatever its kind (4.x, sub-topics included)."""
    return base_code(code) in RESTRICTED_CODES


@cache
def load_taxonomy(scheme: str = SCHEME) -> Taxonomy:
    """The packaged taxonomy of a scheme (read once). Raises `UnknownScheme`."""
    path = _DATA / f"papi-{scheme.lower()}.toml"
    if not path.is_file():
        raise UnknownScheme(scheme)
    return _read(tomllib.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))))


def _in_language(vi: str, en: str, lang: str) -> str:
    return en if lang == "en" else vi


def _read(data: Mapping[str, Any]) -> Taxonomy:
    dimensions = tuple(Dimension(code=d["code"], name_vi=d["vi"], name_en=d["en"]) for d in data["dimension"])
    indicators: list[Indicator] = []
    sub_topics: list[Indicator] = []
    labels: list[str] = []
    for row in data["indicator"]:
        indicators.append(_indicator(row))
        subs = [_sub_topic(row, sub) for sub in row.get("sub_topic", ())]
        sub_topics.extend(subs)
        labels.extend([sub.code for sub in subs] if row.get("label_sub_topics") else [row["code"]])
    other = Indicator(
        code=OTHER, dimension=OTHER, name_vi=data["other"]["vi"], name_en=data["other"]["en"], official=(), source=""
    )
    return Taxonomy(
        scheme=data["scheme"],
        version=data["version"],
        dimensions=dimensions,
        indicators=tuple(indicators),
        sub_topics=tuple(sub_topics),
        labels=(*labels, OTHER),
        other=other,
        _by_code={row.code: row for row in (*indicators, *sub_topics, other)},
        _dimension_by_code={d.code: d for d in dimensions},
    )


def _indicator(row: Mapping[str, Any]) -> Indicator:
    return Indicator(
        code=row["code"],
        dimension=row["code"].partition(".")[0],
        name_vi=row["vi"],
        name_en=row["en"],
        official=tuple(row["official"]),
        source=row["source"],
    )


def _sub_topic(row: Mapping[str, Any], sub: Mapping[str, Any]) -> Indicator:
    return Indicator(
        code=f"{row['code']}#{sub['id']}",
        dimension=row["code"].partition(".")[0],
        name_vi=f"{row['vi']} ({sub['vi']})",
        name_en=f"{row['en']} ({sub['en']})",
        official=tuple(row["official"]),
        source=sub["source"],
    )
