"""Finds the public bodies that a text names, of any locality: "UBND xã Ngọc Đường", "công an phường", "Sở Y tế".

Called by `spans`. Kept words name a body; a level, a place or its own name behind them belongs to it. Which body of the
directory is meant is `named_agencies`' question, and who is accused nobody's here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from hotline.reading import Reading
from hotline.span import Found, SpanKind
from hotline.span_places import capitals_at, found_at, place_at
from hotline.span_words import area_names, province_names, words_of

_CLOSE = frozenset({" ", "  "})
_LONGEST_NAME = 4


def find_bodies(reading: Reading) -> Iterator[Found]:
    """Every body named, in order; none of them overlap."""
    at = 0
    while at < len(reading.words):
        length = _body_at(reading, at)
        if length:
            yield found_at(reading, at, length, SpanKind.AGENCY)
        at += length or 1


def _body_at(reading: Reading, at: int) -> int:
    standing = words_of("bodies", "standing").length_at(reading, at)
    by_level = words_of("bodies", "with_level").length_at(reading, at)
    by_name = words_of("bodies", "with_name").length_at(reading, at)
    if reading.words[at].gap[-1:] in ("/", "-"):
        return 0  # the sign of a document: "1234/QĐ-UBND"
    longest = standing + _area(reading, at + standing) if standing else 0
    if by_level and (area := _area(reading, at + by_level)):
        longest = max(longest, by_level + area)
    if by_name and (name := _own_name(reading, at + by_name)):
        longest = max(longest, by_name + name)
    return longest


def _area(reading: Reading, at: int) -> int:
    """A level or a place right after a body's words: "xã", "xã Ngọc Đường", "tỉnh", "Hà Giang"; 0 for none."""
    if not reading.is_joined(at, _CLOSE):
        return 0
    place = place_at(reading, at, needs_kind=True)
    if place:
        return place
    level = words_of("bodies", "levels").length_at(reading, at)
    if level and len(reading.words[at].folded) > 1:
        return level
    return province_names().length_at(reading, at) if reading.words[at].is_capital else 0


def _own_name(reading: Reading, at: int) -> int:
    """The name of a school, a hospital, a station: words with capitals, a street's name, or a place's of two words."""
    if not reading.is_joined(at, _CLOSE) or words_of("people", "never").length_at(reading, at):
        return 0
    capitals = capitals_at(reading, at, _LONGEST_NAME)
    if capitals:
        return capitals
    names = (words_of("people", "streets"), area_names())
    return max(lexicon.length_at(reading, at) for lexicon in names)
