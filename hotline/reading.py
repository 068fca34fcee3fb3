"""How a citizen's text is read for spans: its words, folded and as spelt, each with the place it stands at.

Called by the span finders. The text is put in NFC first and every place counts in that text. Invisible characters and
marks that stand alone are read over. Pure; time and memory grow with the length of the text only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from hotline.text import fold, nfc, spelling

_WORD = re.compile(r"[^\W\d_]+|\d+")
_UNSEEN = frozenset({"Cc", "Cf", "Mn"})
_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_JOINS = frozenset({" ", "  ", "'", "’", "-", " - ", " – ", ", ", "&", " & ", "/"})
_MARKED_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A run of letters or digits at `start` to `end` of the shown text, with what stands between it and the one before.

    `spelt` is its lower case with the tone behind; `is_marked` says that a letter of it carries a mark.
    """

    folded: str
    spelt: str
    start: int
    end: int
    gap: str
    is_capital: bool
    is_marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text as it is read. `folded` is as long as `shown`; `place_of` leads back into `text`, which is NFC."""

    text: str
    shown: str
    folded: str
    words: tuple[Word, ...]
    is_accented: bool
    _origins: tuple[int, ...]

    def place_of(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the shown text stands in the NFC text. It must not be empty."""
        return self._origins[start], self._origins[end - 1] + 1

    def says(self, at: int, spelt: str) -> bool:
        """Whether a word may be the spelling asked for: as typed, or typed without marks in a text that has none."""
        word = self.words[at]
        return word.spelt == spelt or not (word.is_marked or self.is_accented)

    def is_joined(self, at: int, joins: frozenset[str] = frozenset({" "})) -> bool:
        """Whether a word follows the one before with nothing but a join between them."""
        return 0 < at < len(self.words) and self.words[at].gap in joins


def read(text: str) -> Reading:
    """Read a text of any kind; nothing is refused."""
    composed = nfc(text)
    kept = [(place, shown) for place, c in enumerate(composed) if (shown := _shown(c))]
    shown = "".join(c for _, c in kept)
    folded = "".join(_folded_letter(c) for c in shown)
    words = _words(shown, folded)
    lettered = [word for word in words if not word.folded.isdigit()]
    marked = sum(word.is_marked for word in lettered)
    return Reading(
        text=composed,
        shown=shown,
        folded=folded,
        words=words,
        is_accented=marked > _MARKED_SHARE * len(lettered),
        _origins=tuple(place for place, _ in kept),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """Folded words written out differently, each letter with the stretch of the shown text that it stands for."""

    letters: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def sub(self, pattern: re.Pattern[str], words: str, typed: str = "") -> Tracked:
        """Write words in place of every match; with `typed` (the shown text) only where no mark was typed."""
        letters, starts, ends = list[str](), list[int](), list[int]()
        at = 0
        for match in pattern.finditer(self.letters):
            begin, end = match.span()
            if begin == end or (typed and not self._is_unmarked(begin, end, typed)):
                continue
            letters += [self.letters[at:begin], words]
            starts += [*self.starts[at:begin], *[self.starts[begin]] * len(words)]
            ends += [*self.ends[at:begin], *[self.ends[end - 1]] * len(words)]
            at = end
        if at == 0:
            return self
        return Tracked(
            letters="".join([*letters, self.letters[at:]]),
            starts=(*starts, *self.starts[at:]),
            ends=(*ends, *self.ends[at:]),
        )

    def _is_unmarked(self, begin: int, end: int, typed: str) -> bool:
        return typed[self.starts[begin] : self.ends[end - 1]].isascii()


def tracked(reading: Reading) -> Tracked:
    """The folded text of a reading, ready to be written out."""
    places = range(len(reading.folded))
    return Tracked(letters=reading.folded, starts=tuple(places), ends=tuple(place + 1 for place in places))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases found by their folded words and held against how they are spelt. Make it with `lexicon`."""

    _spelt: Mapping[str, frozenset[str]]
    _longest: Mapping[str, int]

    def length_at(self, reading: Reading, at: int, *, by_spelling: bool = True, joins: frozenset[str] = _JOINS) -> int:
        """How many words the longest phrase has that begins at a word; 0 for none.

        With `by_spelling` the marks typed must be those of the phrase.
        """
        words = reading.words
        if at >= len(words):
            return 0
        reach = 1
        longest = min(self._longest.get(words[at].folded, 0), len(words) - at)
        while reach < longest and words[at + reach].gap in joins:
            reach += 1
        for length in range(min(reach, longest), 0, -1):
            folded = " ".join(word.folded for word in words[at : at + length])
            spellings = self._spelt.get(folded, ())
            if spellings and (not by_spelling or any(_agrees(reading, at, spelt) for spelt in spellings)):
                return length
        return 0

    def has(self, reading: Reading, at: int, *, by_spelling: bool = True) -> bool:
        """Whether a phrase of one word stands at a place."""
        word = reading.words[at]
        spellings = self._spelt.get(word.folded, ())
        return bool(spellings) and (not by_spelling or any(reading.says(at, spelt) for spelt in spellings))

    def ends_before(self, reading: Reading, at: int, longest: int = 3) -> bool:
        """Whether a phrase of at most `longest` words ends right before a word."""
        return any(
            self.length_at(reading, at - length) == length for length in range(1, longest + 1) if at - length >= 0
        )


def lexicon(phrases: Iterable[str]) -> Lexicon:
    """Make a lexicon of phrases written with their marks."""
    spelt: dict[str, set[str]] = {}
    longest: dict[str, int] = {}
    for phrase in phrases:
        found = _WORD.findall(nfc(phrase).lower())
        folded = [fold(word) for word in found]
        if not folded:
            continue
        spelt.setdefault(" ".join(folded), set()).add(" ".join(spelling(word) for word in found))
        longest[folded[0]] = max(longest.get(folded[0], 0), len(folded))
    return Lexicon({name: frozenset(ways) for name, ways in spelt.items()}, longest)


def _agrees(reading: Reading, at: int, spelt: str) -> bool:
    return all(reading.says(at + step, part) for step, part in enumerate(spelt.split(" ")))


@lru_cache(maxsize=4096)
def _shown(letter: str) -> str:
    if letter in _BREAKS:
        return "\n"
    if letter == "\t":
        return " "
    return "" if unicodedata.category(letter) in _UNSEEN else letter


@lru_cache(maxsize=4096)
def _folded_letter(letter: str) -> str:
    """One letter for one: what a letter folds to, its first where it folds to several; any space as a plain one."""
    if letter.isspace() and letter != "\n":
        return " "
    return fold(letter)[:1] or letter


@lru_cache(maxsize=16_384)
def _spelt(word: str) -> tuple[str, bool]:
    spelt = spelling(word)
    return spelt, spelt != fold(word)


def _words(shown: str, folded: str) -> tuple[Word, ...]:
    words = []
    before = 0
    for match in _WORD.finditer(shown):
        start, end = match.span()
        spelt, is_marked = _spelt(match.group())
        words.append(
            Word(
                folded=folded[start:end],
                spelt=spelt,
                start=start,
                end=end,
                gap=folded[before:start],
                is_capital=shown[start].isupper(),
                is_marked=is_marked,
            )
        )
        before = end
    return tuple(words)
