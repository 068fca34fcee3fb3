"""Decides how a training text is spoilt: as a hurried thumb, a switched-off keyboard or a scanner write the same words.

Called by `train`, which learns every text as written, folded and spoilt. Each word is left alone or spoilt in one way:
teencode and operators' shorthand (`data/shorthand.toml` read backwards), telex typed with the keyboard off, marks left
out, letters that a scanner takes for others. The same text is always spoilt in the same way.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import defaultdict
from functools import cache

from hotline.text import fold, nfc
from services.classify.normalise import load_shorthand

SPOILT = 0.3
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_EXPANSION = 4
_TELEX = {"đ": "dd", "ă": "aw", "â": "aa", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw"}
_TONES = {"\u0301": "s", "\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_SCANNED = (
    ("rn", "m"),
    ("m", "rn"),
    ("l", "1"),
    ("o", "0"),
    ("h", "li"),
    ("cl", "d"),
    ("ư", "u"),
    ("ơ", "o"),
    ("nh", "nb"),
)


def spoil(text: str) -> str:
    """Return the text with about three words in ten spoilt; shorthand stands for several words at once."""
    chance = random.Random(fold(text))
    shortened = _shorten(nfc(text), chance)
    return _WORD.sub(lambda match: _spoil_word(match.group(), chance), shortened)


def _shorten(text: str, chance: random.Random) -> str:
    """Replace half of what has a shorthand by one of its shorthands."""
    words = text.split(" ")
    kept: list[str] = []
    place = 0
    while place < len(words):
        for size in range(min(_LONGEST_EXPANSION, len(words) - place), 0, -1):
            keys = _shorthands().get(" ".join(words[place : place + size]).lower())
            if keys and chance.random() < 0.5:
                kept.append(chance.choice(keys))
                place += size
                break
        else:
            kept.append(words[place])
            place += 1
    return " ".join(kept)


@cache
def _shorthands() -> dict[str, tuple[str, ...]]:
    """What stands for each expansion."""
    found: dict[str, list[str]] = defaultdict(list)
    for table in (load_shorthand().words, load_shorthand().exact):
        for key, expansion in table.items():
            found[" ".join(expansion)].append(key)
    return {expansion: tuple(sorted(keys)) for expansion, keys in found.items()}


def _spoil_word(word: str, chance: random.Random) -> str:
    if chance.random() >= SPOILT:
        return word
    way = chance.random()
    if way < 0.4:
        return to_telex(word)
    return fold(word) if way < 0.7 else _scanned(word, chance)


def to_telex(word: str) -> str:
    """Return a word as telex keys type it with the keyboard off: "đường" is "dduwowngf". Marks alone are changed."""
    typed, tone = [], ""
    for letter in unicodedata.normalize("NFC", word):
        toneless = []
        for part in unicodedata.normalize("NFD", letter):
            if part in _TONES:
                tone = _TONES[part]
            else:
                toneless.append(part)
        plain = unicodedata.normalize("NFC", "".join(toneless))
        typed.append(_TELEX.get(plain.lower(), plain))
    return "".join(typed) + tone


def _scanned(word: str, chance: random.Random) -> str:
    """Return a word with one letter read as another, where it has one that a scanner takes for another."""
    fitting = [(seen, read) for seen, read in _SCANNED if seen in word]
    if not fitting:
        return word
    seen, read = chance.choice(fitting)
    return word.replace(seen, read, 1)
