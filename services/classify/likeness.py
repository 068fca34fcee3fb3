"""Decides which messages may be about the same trouble: alike in words, near in place and time.

A message's signature (MinHash) stands for the set of its folded words; keys made of parts of it are equal for messages
that are alike, so that candidates are looked up, never searched for, and the cost of a message does not grow with the
archive. Called by `actions`, the review page and the stores. Pure. The permutations and hashes are written out here,
not taken from a library, because signatures and keys lie in stores for years: another library release must not make
others of the same words. A change of anything here needs a migration that makes the stored keys anew.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from services.classify.documents import Classification
from services.classify.normalise import folded_words

WINDOW = timedelta(days=30)
# After that nothing new can be like it, though a slip lay in its box for a month.
KEPT_FOR = 2 * WINDOW
# How many stored messages are read for each key; a crowded key costs no more than any other.
PER_KEY = 12
MOST_SIMILAR = 10

PLACES = 128
FEWEST_WORDS = 2
# (first place, bands, places a band). Within a commune half the words in common are found; elsewhere only near copies.
NEAR_BANDS = (0, 20, 2)
WIDE_BANDS = (40, 4, 6)
NEAR_FROM = 0.35
WIDE_FROM = 0.7

# Words that any message may have, folded; they say nothing of its matter.
LIGHT_WORDS = frozenset({
    "a", "ai", "anh", "ba", "bao", "bi", "cac", "cai", "chi", "cho", "chu", "chung", "co", "con", "cua", "cung",
    "da", "dang", "de", "den", "deu", "di", "do", "duoc", "em", "gi", "hay", "hon", "khi", "khong", "la", "lai",
    "lam", "len", "long", "luon", "ma", "minh", "moi", "mong", "mot", "nao", "nay", "nen", "neu", "nghi", "nhieu",
    "nhu", "nhung", "o", "oi", "ong", "phai", "phan", "qua", "ra", "rat", "roi", "sao", "se", "thi", "thoi", "toi",
    "tu", "va", "van", "vao", "vay", "ve", "voi", "vui", "xin", "xuong",
})  # fmt: skip


def signature_of(text: str) -> bytes:
    """Return the signature of a text's words; b"" where there are too few words to tell anything by.

    The same words in any order, with diacritics or without, in full or in teencode, have the same.
    """
    words = {word for word in folded_words(text) if not word.startswith("<")} - LIGHT_WORDS
    if len(words) < FEWEST_WORDS:
        return b""
    hashes = np.array([hash_of(word) for word in sorted(words)], dtype=np.uint64)
    factors, addends = permutations()
    with np.errstate(over="ignore"):
        places = (np.outer(hashes, factors) + addends) >> np.uint64(32)
    return bytes(places.min(axis=0).astype("<u4").tobytes())


@lru_cache(maxsize=50_000)
def hash_of(word: str) -> int:
    """Return the 64-bit hash of a word."""
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


@lru_cache(maxsize=1)
def permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the odd factors and the addends of the signature's places, the same for ever."""
    numbers = [hash_of(f"likeness {number}") for number in range(2 * PLACES)]
    return np.array(numbers[:PLACES], dtype=np.uint64) | np.uint64(1), np.array(numbers[PLACES:], dtype=np.uint64)


def resemblance(one: bytes, other: bytes) -> float:
    """Return the estimated share of words that two messages have in common, 0 to 1; 0 without a signature."""
    if not one or len(one) != len(other):
        return 0.0
    return float(np.mean(np.frombuffer(one, "<u4") == np.frombuffer(other, "<u4")))


def keys_of(document: Classification) -> tuple[int, ...]:
    """Return the keys under which a message is found, signed 64-bit numbers; none for a restricted one."""
    if document.state.restricted or not document.signature:
        return ()
    near = bands(document.signature, f"near {document.commune_code}", *NEAR_BANDS)
    return (*near, *bands(document.signature, "wide", *WIDE_BANDS))


def bands(signature: bytes, where: str, first: int, count: int, width: int) -> tuple[int, ...]:
    """Return one key for each stretch of a signature, which says also where it is about."""
    found = []
    for number in range(count):
        start = 4 * (first + number * width)
        part = where.encode() + b"\0%d\0" % number + signature[start : start + 4 * width]
        found.append(int.from_bytes(blake2b(part, digest_size=8).digest(), "big", signed=True))
    return tuple(found)


def likest(document: Classification, candidates: Iterable[Classification]) -> list[Classification]:
    """Return those candidates that are like a message, of its own commune first, then the likest, then the newest.

    Neither a restricted one, nor any for a restricted message. Candidates may hold the message itself.
    """
    if document.state.restricted:
        return []
    found = [
        (candidate.commune_code == document.commune_code, share, candidate.received_at, candidate)
        for candidate in candidates
        if not candidate.state.restricted and candidate.feedback_id != document.feedback_id
        if is_near_in_time(document.received_at, candidate.received_at)
        if (share := resemblance(document.signature, candidate.signature)) >= least_share(document, candidate)
    ]
    found.sort(key=lambda item: (*item[:3], item[3].feedback_id), reverse=True)
    return [candidate for *_, candidate in found[:MOST_SIMILAR]]


def is_near_in_time(one: datetime, other: datetime) -> bool:
    """Say whether two receipts are near enough for one trouble."""
    return abs(one - other) < WINDOW


def least_share(one: Classification, other: Classification) -> float:
    """Return the share of words from which two messages are alike: elsewhere only near copies are."""
    return NEAR_FROM if one.commune_code == other.commune_code else WIDE_FROM
