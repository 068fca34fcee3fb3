"""Decides how a message is read before it is scored: words, their folded copies, compounds, and where each word stood.

Called by `model` (training and scoring) and `language`. Never corrects what is stored and never leaves the process:
the words are only scored, and every word keeps the place in the text it came from, so that a reason can be quoted in
the writer's own spelling. Text without diacritics, teencode and decomposed Unicode are all read: `nfc` first,
shorthand and telex leftovers expanded from `data/shorthand.toml`, and a folded copy beside every word.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path

from hotline.text import clean, fold, has_diacritics, nfc

HEAD_CHARACTERS = 4_000
TAIL_CHARACTERS = 1_000

MONEY = "<tiền>"
NUMBER = "<số>"
PHONE = "<điện thoại>"
LINK = "<liên kết>"
_MASKS = {"phone": PHONE, "money": MONEY, "number": NUMBER, "link": LINK}
_MASK_WORDS = frozenset(_MASKS.values())
_SEPARATOR = ","

_SHORTHAND = Path(__file__).parent / "data" / "shorthand.toml"
_TOKEN = re.compile(
    r"""(?P<link>(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+)
      | (?P<phone>(?<![\w])(?:\+?84|0)(?:[ .-]?\d){8,10}(?![\w]))
      | (?P<money>\d+(?:[.,]\d+)*\s?(?:k|ng[aà]n|ngh[iì]n|tr\d*|tri[eệ]u|c[uủ]|[tđ][oồ]ng|[dđ]|t[yỷỉ]|vn[dđ])(?![^\W_]))
      | (?P<number>\d+(?:[.,/:-]\d+)*(?:[%°]|m2|m|km|h|g|kg)?\d*(?![^\W_]))
      | (?P<word>[^\W_]+(?:/c(?![^\W_]))?)""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_WORD = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What is scored. `words[i]` (lower case, expanded) and `folded[i]` came from `text[slice(*spans[i])]`.

    `compounds` are the stretches of `words` that are one word of the language ("tiểu học", "có"), in order; none for a
    text without diacritics, which word segmentation cannot read.
    """

    text: str
    words: tuple[str, ...]
    folded: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    compounds: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shorthand:
    """The packaged expansions: lower-case keys, keys as written, and numbers that are names."""

    words: dict[str, tuple[str, ...]]
    exact: dict[str, tuple[str, ...]]
    kept: frozenset[str]


def bounded(text: str) -> str:
    """The part of a text that is scored: the first 4,000 characters and the last 1,000, cleaned; shorter ones whole."""
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"
    return clean(text)


def normalise(text: str) -> Normalised:
    """Read a text into words: bounded, NFC, shorthand and telex expanded, numbers, money, phones and links masked.

    Any string is accepted; a text without a word gives empty tuples. Calling it on the same text gives the same.
    """
    scored, words, folded, spans = read(text)
    compounds = segment(words) if has_diacritics(scored) else ()
    return Normalised(text=scored, words=words, folded=folded, spans=spans, compounds=compounds)


def folded_words(text: str) -> tuple[str, ...]:
    """Return the folded copies of a text's words alone, as `normalise` reads them, masks included.

    Without word segmentation, which takes a library and its model into memory.
    """
    return read(text)[2]


def read(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the text as bounded, its words, their folded copies, and where each word stood."""
    scored = bounded(text)
    words: list[str] = []
    folded: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(scored):
        dotted = scored[match.end() : match.end() + 1] == "."
        for word, plain in _read_token(match.group(), match.lastgroup or "word", dotted):
            words.append(word)
            folded.append(plain)
            spans.append(match.span())
    return scored, tuple(words), tuple(folded), tuple(spans)


def segment(words: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The stretches of words that word segmentation (underthesea) holds for one word each, in order, covering all.

    A mask or a mark that is no word stands alone. Single words where the library splits or drops what it was given.
    """
    from underthesea import word_tokenize

    plain = [_SEPARATOR if word in _MASK_WORDS else word for word in words]
    ends = list(accumulate(len(word) for word in plain))
    # The library may split a word of ours ("4g"); its own words are read back by the characters they cover.
    found = word_tokenize(" ".join(plain), use_token_normalize=False) if plain else []
    covered = set(accumulate(len(part.replace(" ", "")) for part in found))
    if ends and max(covered, default=0) != ends[-1]:
        covered = set(ends)
    closed = [place + 1 for place, end in enumerate(ends) if end in covered]
    return tuple(zip([0, *closed], closed, strict=False))


@cache
def load_shorthand() -> Shorthand:
    """The packaged shorthand, read once."""
    data = tomllib.loads(nfc(_SHORTHAND.read_text(encoding="utf-8")))
    return Shorthand(
        words={key.lower(): tuple(value.lower().split()) for key, value in data["words"].items()},
        exact={key: tuple(value.lower().split()) for key, value in data["exact"].items()},
        kept=frozenset(data["kept"]["numbers"]),
    )


@lru_cache(maxsize=50_000)
def _read_token(token: str, group: str, dotted: bool) -> tuple[tuple[str, str], ...]:
    if token.lower() in load_shorthand().kept:
        return ((token.lower(), token.lower()),)
    if group in _MASKS:
        return ((_MASKS[group], _MASKS[group]),)
    return tuple((word, fold(word)) for word in _expand(token, dotted))


def _expand(token: str, dotted: bool) -> tuple[str, ...]:
    shorthand = load_shorthand()
    if token in shorthand.exact:
        return shorthand.exact[token]
    lower = token.lower()
    if dotted and f"{lower}." in shorthand.words:
        return shorthand.words[f"{lower}."]
    return shorthand.words.get(lower) or (read_telex(lower)[:_LONGEST_WORD],)


_TELEX_MARKS = (("dd", "đ"), ("uow", "ươ"), ("uwow", "ươ"), ("aw", "ă"), ("ow", "ơ"), ("uw", "ư"))
_TELEX_HATS = (("aa", "â"), ("ee", "ê"), ("oo", "ô"))
_TELEX_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_TELEX_WORD = re.compile(r"[a-z]{2,9}")
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?[aăâeêioôơuưy]{1,3}(?:ng|nh|ch|[cmnpt])?"
)
_TELEX_CLOSINGS = frozenset({"ng", "nh", "ch"})
_TONE_SEATS = "ơêôâăư"


def read_telex(word: str) -> str:
    """A lower-case word typed in telex with the keyboard off ("dduwowngf") as it was meant; any other word as it is.

    Only touched when it cannot be an unaccented word: it has `dd`, a `w` after a vowel, a doubled vowel with a tone key
    or a closing ng, nh, ch, or a tone key after such a closing ("hongr"); and what comes out must be a possible
    Vietnamese syllable ("too", "free", "window" stay).
    """
    if not _TELEX_WORD.fullmatch(word):
        return word
    body, tone = (word[:-1], word[-1]) if word[-1] in _TELEX_TONES else (word, "")
    marked = body.replace("uwow", "ươ").replace("uow", "ươ")
    for keys, letter in _TELEX_MARKS:
        marked = marked.replace(keys, letter)
    hatted = marked
    for keys, letter in _TELEX_HATS:
        hatted = hatted.replace(keys, letter)
    closed = body[-2:] in _TELEX_CLOSINGS
    is_telex = marked != body or (hatted != body and (tone != "" or closed)) or (closed and tone not in {"", "s"})
    if not is_telex or not _SYLLABLE.fullmatch(hatted):
        return word
    return nfc(_with_tone(hatted, _TELEX_TONES[tone])) if tone else hatted


def _with_tone(syllable: str, mark: str) -> str:
    vowels = [i for i, letter in enumerate(syllable) if letter in "aăâeêioôơuưy"]
    marked = [i for i in vowels if syllable[i] in _TONE_SEATS]
    closed = vowels[-1] < len(syllable) - 1
    seat = marked[-1] if marked else vowels[-1] if closed or len(vowels) == 1 else vowels[-2]
    return syllable[: seat + 1] + mark + syllable[seat + 1 :]
