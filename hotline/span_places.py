"""Finds communes, districts and provinces of today and of before 2025-07-01, streets, hamlets and house numbers.

Called by `spans` and `span_agencies`. A name counts after a word for its kind ("xã", "p.", "huyện"); provinces, and
names of several words that a text spells with capitals after "ở", "về" …, count without. Never says which commune is
meant: see `spans.named_communes`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hotline.reading import Lexicon, Reading
from hotline.span import Found, SpanKind
from hotline.span_words import area_names, commune_names, district_names, nicknames, province_names, words_of

_CLOSE = frozenset({" ", "  "})
_WITHIN_A_NAME = frozenset({" ", "'", "’"})
_DOTTED = frozenset({" ", ".", ". ", ""})
_CHAINED = frozenset({", ", " - ", "-", " – "})
_NUMBER_GAPS = frozenset({"", "/", "."})
_SHORT = {
    "p": "phường",
    "ph": "phường",
    "x": "xã",
    "tt": "thị trấn",
    "q": "quận",
    "h": "huyện",
    "tx": "thị xã",
    "tp": "thành phố",
    "t": "tỉnh",
}
_LONGEST_UNKNOWN = 3
_LONGEST_STREET = 4


def find_places(reading: Reading) -> Iterator[Found]:
    """Every administrative place named, in order; none of them overlap."""
    at = 0
    while at < len(reading.words):
        length = place_at(reading, at)
        if length:
            yield found_at(reading, at, length, SpanKind.PLACE)
        at += length or 1


def place_at(reading: Reading, at: int, *, needs_kind: bool = False) -> int:
    """How many words the place has that begins at a word; 0 for none."""
    short = _after_short_kind(reading, at)
    return short or _after_kind(reading, at) or (0 if needs_kind else _bare_place(reading, at))


def found_at(reading: Reading, at: int, length: int, kind: SpanKind, value: str = "") -> Found:
    """A finding that covers some words, its value their folded form."""
    words = reading.words[at : at + length]
    return Found(
        start=words[0].start,
        end=words[-1].end,
        kind=kind,
        value=value or " ".join(word.folded for word in words),
    )


def capitals_at(reading: Reading, at: int, longest: int) -> int:
    """How many words that begin with a capital stand in a row, with only a space or an apostrophe between."""
    length = 0
    while (
        length < longest
        and at + length < len(reading.words)
        and reading.words[at + length].is_capital
        and (length == 0 or reading.is_joined(at + length, _WITHIN_A_NAME))
    ):
        length += 1
    return length


def number_at(reading: Reading, at: int) -> int:
    """How many words a number of a house or street has: "12", "12a", "120/7b", "30/4"; 0 for none."""
    words = reading.words
    if at >= len(words) or not words[at].folded.isdigit() or len(words[at].folded) > 4:
        return 0
    length = 1
    while at + length < len(words) and words[at + length].gap in _NUMBER_GAPS and length < 8:
        is_letter = words[at + length].gap == "" and len(words[at + length].folded) == 1
        is_more = words[at + length].gap == "/" and words[at + length].folded.isdigit()
        if not (is_letter or is_more):
            break
        length += 1
    return length


def find_streets(reading: Reading) -> Iterator[Found]:
    """Every street, alley or road with its name or number."""
    kinds, known = words_of("places", "streets"), words_of("people", "streets")
    at = 0
    while at < len(reading.words):
        kind = kinds.length_at(reading, at, joins=_CLOSE)
        length = _street_name(reading, at + kind, known) if kind and not _is_of_a_city(reading, at) else 0
        if length:
            yield found_at(reading, at, kind + length, SpanKind.STREET)
        at += kind + length if length else 1


def find_hamlets(reading: Reading) -> Iterator[Found]:
    """Every thôn, bản, ấp, tổ dân phố … with its name or number."""
    kinds = words_of("places", "hamlets")
    at = 0
    while at < len(reading.words):
        kind = kinds.length_at(reading, at, joins=_CLOSE)
        length = _hamlet_name(reading, at + kind) if kind else 0
        if length:
            yield found_at(reading, at, kind + length, SpanKind.HAMLET)
        at += kind + length if length else 1


def find_houses(reading: Reading) -> Iterator[Found]:
    """Every house number: "số nhà 14", "nhà số 45/12", and "số 3B" right before a street."""
    streets = {street.start for street in find_streets(reading)}
    kinds, plain = _house_words(), words_of("places", "house_before_a_street")
    for at in range(len(reading.words)):
        kind = kinds.length_at(reading, at, joins=_CLOSE)
        bare = 0 if kind else plain.length_at(reading, at, joins=_CLOSE)
        length = number_at(reading, at + kind + bare) if (kind or bare) else 0
        if not length:
            continue
        after = at + kind + bare + length
        leads_to_a_street = after < len(reading.words) and reading.words[after].start in streets
        if kind or (leads_to_a_street and reading.words[after].gap in (" ", ", ")):
            yield found_at(reading, at, kind + bare + length, SpanKind.HOUSE)


def _house_words() -> Lexicon:
    return words_of("places", "houses")


def _after_short_kind(reading: Reading, at: int) -> int:
    """A place after an abbreviation: "p.Trần Phú", "P. 5", "tp Hà Giang", "q1"."""
    word = reading.words[at]
    nickname = nicknames().length_at(reading, at, joins=_DOTTED)
    if nickname:
        return nickname
    kind = _SHORT.get(word.folded)
    if kind is None or word.is_marked or at + 1 >= len(reading.words) or reading.words[at + 1].gap not in _DOTTED:
        return 0
    following = reading.words[at + 1]
    if following.folded.isdigit():
        return 2 if kind in ("phường", "quận") and len(following.folded) < 3 and following.gap != " " else 0
    if following.gap == "" or (word.folded == "t" and "." not in following.gap):
        return 0
    length = _named(reading, at + 1, kind, is_short=True)
    is_telling = "." in following.gap or following.is_capital or length > 1
    return 1 + length if length and is_telling else 0


def _after_kind(reading: Reading, at: int) -> int:
    for table in ("communes", "districts", "provinces"):
        kind = words_of("places", table).length_at(reading, at, joins=_CLOSE)
        if not kind or not reading.is_joined(at + kind, _CLOSE):
            continue
        spelt = " ".join(word.folded for word in reading.words[at : at + kind])
        following = reading.words[at + kind]
        if following.folded.isdigit():
            if spelt in ("phuong", "quan") and len(following.folded) < 3:
                return kind + 1
            continue
        length = _named(reading, at + kind, table)
        if length:
            return kind + length
    return 0


def _named(reading: Reading, at: int, kind: str, *, is_short: bool = False) -> int:
    """How many words of a name follow a kind: a name of the lists, else a few words with capitals."""
    lists = [district_names(), province_names()]
    if kind in ("communes", "phường", "xã", "thị trấn"):
        lists = [commune_names()]
    elif kind in ("provinces", "tỉnh"):
        lists = [province_names()]
    word = reading.words[at]
    # A name with a capital may be misspelt; in lower case its marks must tell it from other words.
    length = max(names.length_at(reading, at, by_spelling=not word.is_capital) for names in lists)
    if length == 1 and not word.is_capital:
        return 0
    if length:
        return length
    if not word.is_capital or words_of("people", "never").length_at(reading, at):
        return 0
    capitals = capitals_at(reading, at, _LONGEST_UNKNOWN)
    is_initial = capitals == 1 and len(word.folded) == 1
    is_too_short = is_short and (capitals < 2 or kind == "tỉnh")
    return 0 if is_initial or is_too_short else capitals


def _bare_place(reading: Reading, at: int) -> int:
    """A province without its kind, or another area of several words where the words around say that it is one."""
    word = reading.words[at]
    if (not word.is_capital and reading.is_accented) or words_of("people", "not_before").ends_before(reading, at):
        return 0
    length = province_names().length_at(reading, at)
    is_ordinary = not word.is_capital and words_of("places", "ordinary").length_at(reading, at)
    if length > 1 and not is_ordinary:
        return length
    if not word.is_capital or not reading.is_accented:
        return 0
    length = area_names().length_at(reading, at)
    if not length or not all(part.is_capital or part.folded.isdigit() for part in reading.words[at : at + length]):
        return 0
    is_led_to = words_of("places", "before").ends_before(reading, at, 1) and reading.is_joined(at, _CLOSE)
    return length if is_led_to or _is_before_a_place(reading, at + length) else 0


def _is_before_a_place(reading: Reading, at: int) -> bool:
    """Whether ", tỉnh …", ", <province>" follows."""
    if not reading.is_joined(at, _CHAINED):
        return False
    is_province = reading.words[at].is_capital and province_names().length_at(reading, at) > 1
    return is_province or _after_kind(reading, at) > 0


def _is_of_a_city(reading: Reading, at: int) -> bool:
    """Whether "phố" is the second word of "thành phố" or "khu phố"."""
    word, before = reading.words[at], reading.words[at - 1].folded if at else ""
    return word.folded == "pho" and before in ("thanh", "khu", "dan") and reading.is_joined(at, _CLOSE)


def _street_name(reading: Reading, at: int, known: Lexicon) -> int:
    if not reading.is_joined(at, frozenset({" ", "  ", ""})):
        return 0
    number = number_at(reading, at)
    if number:
        is_road = reading.words[at - 1].folded in _NUMBERED or number > 1 or reading.words[at].gap == ""
        return number + _street_behind(reading, at + number) if is_road else 0
    return known.length_at(reading, at) or capitals_at(reading, at, _LONGEST_STREET)


def _street_behind(reading: Reading, at: int) -> int:
    """The name that stands right behind the number of an alley: "hẻm 51 Bế Văn Đàn"; another kind of place is none."""
    others = (words_of("places", name) for name in ("streets", "hamlets", "communes", "districts", "provinces"))
    if not reading.is_joined(at, _CLOSE) or place_at(reading, at) or any(o.length_at(reading, at) for o in others):
        return 0
    capitals = capitals_at(reading, at, _LONGEST_STREET)
    return capitals if capitals > 1 else 0


_NUMBERED = frozenset({"ngo", "ngach", "hem", "kiet", "lo", "ql", "tl", "tinh", "so"})


def _hamlet_name(reading: Reading, at: int) -> int:
    if not reading.is_joined(at, frozenset({" ", "  ", "", ". "})):
        return 0
    number = number_at(reading, at)
    if number:
        return number
    if not reading.is_joined(at, _CLOSE) or words_of("places", "numbered_hamlets").has(reading, at - 1):
        return 0
    if words_of("places", "not_hamlets").has(reading, at):
        return 0
    capitals = capitals_at(reading, at, _LONGEST_UNKNOWN)
    if capitals:
        return 0 if _is_head_of_a_hamlet(reading, at, capitals) else capitals
    is_telling = not reading.is_accented and words_of("places", "plain_hamlets").has(reading, at - 1)
    return _closed_run(reading, at) if is_telling else 0


def _is_head_of_a_hamlet(reading: Reading, at: int, capitals: int) -> bool:
    """Whether "trưởng thôn Phùng Văn Sơn" names the person: a family name first, and a middle or a third word."""
    is_office = at > 1 and reading.words[at - 2].folded in ("truong", "pho")
    if not is_office or capitals < 2 or not words_of("people", "family").has(reading, at):
        return False
    return capitals > 2 or words_of("people", "middle").has(reading, at + 1)


def _closed_run(reading: Reading, at: int) -> int:
    """One or two words in lower case that a mark or the end closes: "thon ban lap, xa …"."""
    for length in (1, 2):
        is_last = at + length >= len(reading.words)
        if is_last or re.match(r"\s*[,.;:\n)]", reading.words[at + length].gap):
            return length
        if reading.words[at + length].gap not in _CLOSE:
            return 0
    return 0
