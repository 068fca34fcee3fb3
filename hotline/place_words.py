"""How a typed address is taken apart: abbreviations, administrative words, and which words name a province.

Called by `places` and `old_places`. Works on folded text only (no diacritics, lower case); teencode is not
expanded beyond the usual address abbreviations (p., x., tp., tt., tx., q., h., t.). Never looks a commune
up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hotline.text import fold

COMMUNE_WORDS = ("phuong", "xa", "thi tran", "dac khu")
DISTRICT_WORDS = ("huyen", "quan", "thi xa", "thanh pho")
PROVINCE_WORDS = ("tinh", "thanh pho")
_LONGEST_PROVINCE_NAME = 6

ABBREVIATIONS = (
    (re.compile(r"\b(?:tp|t\.p)[.\s]*hcm\b|\btphcm\b|\bhcm\b"), "ho chi minh"),
    (re.compile(r"\b(?:t\.p\.?|tp\.|tp\b)\s*"), "thanh pho "),
    (re.compile(r"\b(?:t\.x\.?|tx\.|tx\b)\s*"), "thi xa "),
    (re.compile(r"\b(?:t\.t\.?|tt\.|tt\b)\s*"), "thi tran "),
    (re.compile(r"\b(?:p\.\s*|p\s+|p(?=\d)|ph\.\s*)"), "phuong "),
    (re.compile(r"\b(?:x\.\s*|x\s+)"), "xa "),
    (re.compile(r"\b(?:q\.\s*|q\s+|q(?=\d))"), "quan "),
    (re.compile(r"\b(?:h\.\s*|h\s+)"), "huyen "),
    (re.compile(r"\bt\.\s*"), "tinh "),
)
_NOT_A_WORD = re.compile(r"[^a-z0-9 ]+")
_COMMAS = re.compile(r"[,;\n/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A typed address in folded parts; each may be empty. `unsplit` is the part that `commune` and
    `district` were taken from when they stood in one ("xa quan ba" may be either "xã Quản Bạ" or a
    district). `names_province` is the code the province part stands for.
    """

    commune: str
    district: str
    province: str
    unsplit: str = ""
    names_province: str | None


def key(text: str) -> str:
    """The text as names are compared: folded, punctuation as spaces. "Xã D'Ran" -> "xa d ran"."""
    return " ".join(_NOT_A_WORD.sub(" ", fold(text)).split())


def expand(text: str) -> str:
    """The text folded with address abbreviations written out, commas kept: "P.Trần Phú" -> "phuong tran
    phu".
    """
    folded = ", ".join(fold(part) for part in _COMMAS.split(text) if part.strip())
    for pattern, words in ABBREVIATIONS:
        folded = pattern.sub(words, folded)
    return folded


def without(words: tuple[str, ...], text: str) -> tuple[str, str]:
    """Split an administrative word off the front: ("phuong", "tran phu"); ("", text) when there is none."""
    for word in words:
        if text.startswith(f"{word} "):
            return word, text[len(word) + 1 :]
    return "", text


def parse(text: str, province_of: Callable[[str], str | None]) -> Address:
    """Take a typed address apart, with or without commas.

    `province_of` says which province code a folded name stands for (today's or a former one), or None. A
    "thành phố" that is no centrally run city (thành phố Hà Giang) is read as the district and, when nothing
    follows it, its province is the one of the same name.
    """
    parts = [key(part) for part in expand(text).split(",")]
    parts = [part for part in parts if part]
    if not parts:
        return Address(commune="", district="", province="", names_province=None)
    head, province, code = _split_province(parts, province_of)
    commune, district = _split_district(head)
    if not province and district:
        code = province_of(without(DISTRICT_WORDS, district)[1]) if district.startswith("thanh pho ") else None
        province = without(DISTRICT_WORDS, district)[1] if code else ""
    unsplit = next((part for part in head if district and (part == district or part.endswith(f" {district}"))), "")
    return Address(commune=commune, district=district, province=province, names_province=code, unsplit=unsplit)


def _split_province(parts: list[str], province_of: Callable[[str], str | None]) -> tuple[list[str], str, str | None]:
    last = parts[-1].split()
    fewest_left = 0 if len(parts) > 1 else 1
    for length in range(min(_LONGEST_PROVINCE_NAME, len(last) - fewest_left), 0, -1):
        head, words = " ".join(last[:-length]), " ".join(last[-length:])
        code = province_of(words)
        if code and not _ends_with_a_kind(head):
            return [*parts[:-1], head] if head else parts[:-1], without(PROVINCE_WORDS, words)[1], code
    return parts, "", None


def _ends_with_a_kind(head: str) -> bool:
    """Whether the words before a province name say it is something else: "phường Vĩnh Long", "huyện Hòa
    Bình".
    """
    return any(f" {head}".endswith(f" {word}") for word in (*COMMUNE_WORDS, *DISTRICT_WORDS))


def _split_district(parts: list[str]) -> tuple[str, str]:
    """The commune and district parts; whatever stands before the commune (a street, a hamlet) is left out."""
    named = [part for part in parts if without(COMMUNE_WORDS, part)[0]]
    districts = [part for part in parts if without(DISTRICT_WORDS, part)[0]]
    if len(parts) == 1:
        return _split_inside(parts[0])
    if named:
        after = parts[parts.index(named[-1]) + 1 :]
        commune, inside = _split_inside(named[-1])
        return commune, (districts or after or [inside])[-1]
    if districts:
        before = [part for part in parts if part not in districts]
        return (before[-1] if before else ""), districts[-1]
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")


def _split_inside(text: str) -> tuple[str, str]:
    if without(DISTRICT_WORDS, text)[0]:
        return "", text
    for word in DISTRICT_WORDS:
        commune, separator, rest = text.partition(f" {word} ")
        if separator:
            return commune, f"{word} {rest}"
    return text, ""
