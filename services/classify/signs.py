"""Decides which words of danger and of suspicion a message holds: packaged phrases, found word by word.

Called by `model` and `train`, to which they are evidence beside the trained decisions. A text without diacritics is
compared folded. It decides nothing about the message and keeps none.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hotline.text import fold, has_diacritics, nfc
from services.classify.normalise import MONEY, Normalised

_DATA = Path(__file__).parent / "data"
SUSPICION = ("office", "gain", "abuse", "crime")
_MOST_HITS = 3

Phrases = Mapping[str, tuple[tuple[str, ...], ...]]


def danger_in(read: Normalised) -> tuple[str, ...]:
    """The phrases of `data/danger.toml` a text holds, as written, in its order."""
    accented = has_diacritics(read.text)
    words = read.words if accented else read.folded
    return tuple(
        read.text[read.spans[start][0] : read.spans[start + length - 1][1]]
        for start, length in _found(words, _danger_phrases()[0 if accented else 1])
    )


def signs_of(read: Normalised) -> npt.NDArray[np.float64]:
    """What a text holds, as numbers: danger, each group of suspicion, and an office beside gain, abuse or money."""
    accented = has_diacritics(read.text)
    words = read.words if accented else read.folded
    hits = [
        min(_MOST_HITS, len(set(_found(words, phrases[0 if accented else 1])))) / _MOST_HITS
        for phrases in _suspicion_phrases()
    ]
    office, gain, abuse, _ = (float(hit > 0) for hit in hits)
    money = float(MONEY in words)
    together = (office * gain, office * abuse, office * money, gain * money, float(not any(hits)))
    return np.array([float(bool(danger_in(read))), *hits, *together])


def is_suspicious(signs: npt.NDArray[np.float64]) -> bool:
    """Whether any words of gain, abuse or crime were found; an office alone is no suspicion."""
    return bool(signs[2 : 1 + len(SUSPICION)].any())


def _found(words: tuple[str, ...], phrases: Phrases) -> list[tuple[int, int]]:
    """Where phrases begin and how many words they have."""
    return [
        (start, len(phrase))
        for start, word in enumerate(words)
        for phrase in phrases.get(word, ())
        if words[start : start + len(phrase)] == phrase
    ]


@cache
def _danger_phrases() -> tuple[Phrases, Phrases]:
    data = _read("danger.toml")
    return _by_first_word(data["accented"]), _by_first_word(fold(phrase) for phrase in data["folded"])


@cache
def _suspicion_phrases() -> tuple[tuple[Phrases, Phrases], ...]:
    data = _read("suspicion.toml")
    return tuple(
        (_by_first_word(data[group]), _by_first_word(fold(phrase) for phrase in data[group] if " " in phrase))
        for group in SUSPICION
    )


def _read(name: str) -> Mapping[str, list[str]]:
    return tomllib.loads(nfc((_DATA / name).read_text(encoding="utf-8")))


def _by_first_word(phrases: Iterable[str]) -> Phrases:
    by_first: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for phrase in phrases:
        words = tuple(phrase.lower().split())
        by_first[words[0]].append(words)
    return {first: tuple(dict.fromkeys(found)) for first, found in by_first.items()}
