"""Finds the names of persons in a text: after a title, after words that announce a name, and full names by themselves.

Called by `spans`, after everything else: what stands in a place's or a body's name is no person's. Names in lower case
are read only when sure: a family name with what a full name is made of, or a given name that a title leads to and a
word of doing follows. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hotline.reading import Reading
from hotline.span import Found, SpanKind
from hotline.span_places import capitals_at, found_at
from hotline.span_words import area_names, words_of
from hotline.text import spelling

_CLOSE = frozenset({" ", "  "})
_AFTER_A_TITLE = frozenset({" ", "  ", ": ", ":"})
_AFTER_SHORT = frozenset({" ", "  ", ". ", "."})
_AFTER_ANNOUNCING = frozenset({" ", "  ", ": ", ":", " : ", ", ", "\n", ":\n", ' "', " “"})
_LONGEST_NAME = 5
_MR = spelling("ô")
_LONGEST_PLAIN = 4
_CLOSED = re.compile(r"\s*(?:[,.;:!?()\n]|- )")


def find_people(reading: Reading, taken: Sequence[bool]) -> Iterator[Found]:
    """Every person named, in order; `taken` says of each word whether it belongs to something else."""
    at = 0
    while at < len(reading.words):
        length = 0 if taken[at] else _name_at(reading, at, taken)
        if length:
            yield found_at(reading, at, length, SpanKind.PERSON)
        at += length or 1


def _name_at(reading: Reading, at: int, taken: Sequence[bool]) -> int:
    capitals = _capitals(reading, at, taken)
    if capitals:
        return capitals if _is_led_to(reading, at) or _is_full_name(reading, at, capitals, taken) else 0
    if reading.words[at].is_capital:
        return 0
    return _plain_full_name(reading, at, taken) or _plain_given_name(reading, at, taken)


def _is_led_to(reading: Reading, at: int) -> bool:
    """Whether a title or a word that announces a name stands right before a word."""
    if at == 0:
        return False
    gap = reading.words[at].gap
    if gap in _AFTER_A_TITLE and (title := _title_before(reading, at)):
        return not _is_of_a_thing(reading, at - title)
    if gap in _AFTER_ANNOUNCING and words_of("people", "announcing").ends_before(reading, at, 4):
        return True
    return gap in _AFTER_SHORT and _is_shortened(reading, at - 1)


def _is_of_a_thing(reading: Reading, title: int) -> bool:
    """Whether a title is itself a part of a name: "chùa Bà Thiên Hậu", "quan ba Hai"."""
    is_a_name = reading.words[title].is_capital or not reading.is_accented
    return is_a_name and words_of("people", "not_before").ends_before(reading, title)


def _title_before(reading: Reading, at: int) -> int:
    """How many words the title right before a word has; 0 for none."""
    titles = words_of("people", "titles")
    lengths = (length for length in (2, 1) if length <= at and titles.length_at(reading, at - length) == length)
    return next(lengths, 0)


def _is_shortened(reading: Reading, at: int) -> bool:
    """Whether a word is "a", "c", "ô" … or the second letter of "đ/c"."""
    word = reading.words[at]
    if word.folded == "c" and word.gap == "/" and at and reading.words[at - 1].folded == "d":
        return True
    is_short = word.folded in ("a", "b", "c", "dc") or word.spelt == _MR
    return is_short and (word.gap == "" or word.gap[-1] in " (\n,")


def _capitals(reading: Reading, at: int, taken: Sequence[bool]) -> int:
    """How many words with capitals, all free and none of them a word that begins no name, stand in a row."""
    never, titles = words_of("people", "never"), words_of("people", "titles")
    length = 0
    run = capitals_at(reading, at, _LONGEST_NAME)
    for step in range(run):
        word = reading.words[at + step]
        is_first = step == 0
        if taken[at + step] or word.folded.isdigit():
            break
        if is_first and never.length_at(reading, at) and not _is_plain_name(reading, at, run):
            break
        if is_first and titles.length_at(reading, at) and not _is_family_of(reading, at, run):
            break
        length += 1
    return length


def _has_family_name(reading: Reading, at: int) -> bool:
    return words_of("people", "family").has(reading, at)


def _is_plain_name(reading: Reading, at: int, run: int) -> bool:
    """Whether a word without marks is sooner a family name than the word it looks like: "Dang Mui Nhan"."""
    return not reading.is_accented and run > 1 and _has_family_name(reading, at)


def _is_family_of(reading: Reading, at: int, run: int) -> bool:
    """Whether a word that is a title too begins a name: "Chu Thi Bien", not "Chu Nguyen Van Thanh"."""
    return run > 1 and _has_family_name(reading, at) and not _has_family_name(reading, at + 1)


def _is_full_name(reading: Reading, at: int, length: int, taken: Sequence[bool]) -> bool:
    """Whether words with capitals that nothing leads to are a full name: a family name first, three words or more."""
    if length < 3 or not _has_family_name(reading, at):
        return False
    if words_of("people", "streets").length_at(reading, at) == length:
        return False
    not_before = words_of("people", "not_before")
    is_landmark = not_before.has(reading, at) and area_names().length_at(reading, at + 1) == length - 1
    is_area = area_names().length_at(reading, at) == length
    is_of_a_street = reading.is_joined(at, _CLOSE) and taken[at - 1] and reading.words[at - 1].folded.isdigit()
    if is_landmark or is_area or is_of_a_street:
        return False
    return not not_before.ends_before(reading, at, 3)


def _plain_full_name(reading: Reading, at: int, taken: Sequence[bool]) -> int:
    """A full name in lower case: family name, a word for its middle, given names; after a title a middle may lack."""
    is_led_to = _is_led_to(reading, at)
    if not (is_led_to and _has_family_name(reading, at)) and not words_of("people", "sure_family").has(reading, at):
        return 0
    is_sure_family = words_of("people", "sure_family").has(reading, at)
    has_middle = _is_free(reading, at + 1, taken) and words_of("people", "middle").has(reading, at + 1)
    has_plain_middle = has_middle and reading.words[at + 1].folded in ("thi", "van")
    if not (has_plain_middle or (is_led_to and is_sure_family) or (is_led_to and has_middle)):
        return 0
    length = 2 if has_middle else 1
    given = words_of("people", "given")
    while length < _LONGEST_PLAIN and _is_free(reading, at + length, taken) and given.has(reading, at + length):
        length += 1
    if has_middle and length == 2:
        is_sure = _is_free(reading, at + 2, taken) and (is_led_to or _is_closed(reading, at + 3))
        return 3 if is_sure else 0
    return length if length > 1 else 0


def _plain_given_name(reading: Reading, at: int, taken: Sequence[bool]) -> int:
    """A given name alone in lower case after a title, where a mark, the end or a word of doing follows it."""
    if at == 0 or not _is_free(reading, at, taken) or not words_of("people", "given").has(reading, at):
        return 0
    if words_of("people", "plain_titles").ends_before(reading, at, 3):
        is_settled = _is_closed(reading, at + 1) or _is_before_doing(reading, at + 1)
        return 1 if is_settled else 0
    is_led_to = words_of("people", "unsure_titles").ends_before(reading, at, 1)
    return 1 if is_led_to and _is_before_doing(reading, at + 1) else 0


def _is_before_doing(reading: Reading, at: int) -> bool:
    return words_of("people", "after_given").length_at(reading, at) > 0


def _is_free(reading: Reading, at: int, taken: Sequence[bool]) -> bool:
    return at < len(reading.words) and not taken[at] and reading.words[at].gap in (*_CLOSE, *_AFTER_A_TITLE)


def _is_closed(reading: Reading, at: int) -> bool:
    return at >= len(reading.words) or bool(_CLOSED.match(reading.words[at].gap))
