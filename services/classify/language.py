"""Decides what language a message is in; above all, whether it is Vietnamese.

Called by `judging` before a message is scored. Vietnamese marks and frequent words (with and without diacritics,
`data/function-words.toml`) decide first; langdetect, seeded, only names what is left and is never trusted alone: it
reads unaccented Vietnamese as Indonesian or Tagalog. It never translates. A text too short to tell counts as Vietnamese
when its syllables could be, else as `und`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from hotline.text import fold, nfc
from services.classify.normalise import Normalised, load_shorthand, normalise, read_telex

_WORDS = Path(__file__).parent / "data" / "function-words.toml"
_READ_CHARACTERS = 1_500
_MARKED = 0.15
_TAY = 0.2
_FEW = 3
_TOO_FEW_FOR_LANGDETECT = 5

# Letters that, of the languages written in Latin letters, only Vietnamese (and its neighbours' romanisations) use.
_ONLY_VIETNAMESE = re.compile("[ăđơưĂĐƠƯ]|[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """An ISO 639 code ("vi", "en", "hmn", "tyz", "km", "und" when it cannot be told)."""

    code: str

    @property
    def is_vietnamese(self) -> bool:
        """Whether the model may be asked: it reads nothing else."""
        return self.code == "vi"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequentWords:
    """Frequent words by language; the Vietnamese ones folded, since a message may come without diacritics.

    `tay` holds words that Vietnamese has not: Tày is written with the same letters.
    """

    vietnamese: frozenset[str]
    tay: frozenset[str]
    others: tuple[tuple[str, frozenset[str]], ...]


VIETNAMESE = Language(code="vi")
TAY = Language(code="tyz")
UNDETERMINED = Language(code="und")


def detect(text: str) -> Language:
    """Name the language of a text; the same text always gets the same name. Any string is accepted."""
    return detect_read(normalise(text))


def detect_read(read: Normalised) -> Language:
    """The same for a text already normalised."""
    sample = read.text[:_READ_CHARACTERS]
    script = _other_script(sample)
    if script is not None:
        return script
    words = [word.lower() for word in _WORD.findall(sample)]
    if not words:
        return UNDETERMINED
    if _share(words, load_frequent_words().tay) >= _TAY and len(words) > 1:
        return TAY
    if sum(1 for word in words if _ONLY_VIETNAMESE.search(word)) >= _MARKED * len(words):
        return VIETNAMESE
    evidence = _weigh(words)
    return evidence.verdict() or _named_by_langdetect(sample, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """Shares of the words: frequent in Vietnamese, possible Vietnamese syllables, frequent in the likeliest other."""

    vietnamese: float
    possible: float
    other: str
    other_share: float
    words: int

    def verdict(self) -> Language | None:
        """What the words say, None when they do not say enough."""
        if self.possible >= 0.85 and self.other_share <= max(self.vietnamese, 0.4):
            return VIETNAMESE
        if self.other_share > max(self.vietnamese, 0.2):
            return Language(code=self.other)
        if self.vietnamese >= 0.15 and self.possible >= (0.6 if self.words > _FEW else 0.5):
            return VIETNAMESE
        return Language(code=self.other) if self.other_share >= 0.12 else None


def _weigh(words: list[str]) -> _Evidence:
    frequent = load_frequent_words()
    folded = [_plain(word) for word in words]
    other, share = max(((code, _share(words, known)) for code, known in frequent.others), key=lambda found: found[1])
    return _Evidence(
        vietnamese=_share(folded, frequent.vietnamese),
        possible=sum(1 for word in folded if word in frequent.vietnamese or _SYLLABLE.fullmatch(word)) / len(folded),
        other=other,
        other_share=share,
        words=len(words),
    )


@cache
def load_frequent_words() -> FrequentWords:
    """The packaged lists, read once."""
    data = tomllib.loads(nfc(_WORDS.read_text(encoding="utf-8")))
    shorthand = load_shorthand().words
    vietnamese = {fold(word) for word in data["vi"]} | {key for key in shorthand if len(key) > 1}
    others = tuple((code, frozenset(words)) for code, words in data.items() if code not in {"vi", "tyz"})
    return FrequentWords(vietnamese=frozenset(vietnamese), tay=frozenset(data["tyz"]), others=others)


@lru_cache(maxsize=20_000)
def _plain(word: str) -> str:
    return fold(read_telex(word))


def _share(words: list[str], known: frozenset[str]) -> float:
    return sum(1 for word in words if word in known) / len(words)


def _other_script(text: str) -> Language | None:
    """Languages told by their letters alone, when those are most of the text's letters."""
    if not _OTHER_LETTER.search(text):
        return None
    letters = [ord(character) for character in text if character.isalpha()]
    for code, ranges in _SCRIPTS:
        count = sum(1 for letter in letters if any(low <= letter <= high for low, high in ranges))
        if count > len(letters) / 2:
            return Language(code=code)
    return None


_SCRIPTS = (
    ("km", ((0x1780, 0x17FF),)),
    ("lo", ((0x0E80, 0x0EFF),)),
    ("th", ((0x0E00, 0x0E7F),)),
    ("ja", ((0x3040, 0x30FF),)),
    ("ko", ((0x1100, 0x11FF), (0xAC00, 0xD7AF))),
    ("zh", ((0x4E00, 0x9FFF), (0x3400, 0x4DBF))),
    ("ru", ((0x0400, 0x04FF),)),
    ("ar", ((0x0600, 0x06FF),)),
)

_OTHER_LETTER = re.compile(
    "[" + "".join(f"{chr(low)}-{chr(high)}" for _, ranges in _SCRIPTS for low, high in ranges) + "]"
)


def _named_by_langdetect(text: str, evidence: _Evidence) -> Language:
    """langdetect's word, held against what the words themselves say."""
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    DetectorFactory.seed = 0
    try:
        best = detect_langs(text)[0]
    except LangDetectException:
        return UNDETERMINED
    if best.lang == "vi" or (evidence.possible >= 0.6 and evidence.vietnamese >= 0.08):
        return VIETNAMESE
    if len(text.split()) < _TOO_FEW_FOR_LANGDETECT or best.prob < 0.8:
        return UNDETERMINED
    return Language(code=str(best.lang).partition("-")[0])
