"""Decides what a message looks like to the model: one sparse row of weighted n-grams per message.

Called by `model` (scoring) and `train` (fitting). Four blocks, each scaled to length one: words and pairs as
written, compounds found by word segmentation with pairs, folded words with pairs and triples, and the 2- to 5-character
pieces of folded words. A text without diacritics fills the last two like any other. It never keeps a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from services.classify.normalise import Normalised

WORDS, SEGMENTED, FOLDED, CHARACTERS = "words", "segmented", "folded", "characters"
_LONGEST = {WORDS: 2, SEGMENTED: 2, FOLDED: 3}

UNKNOWN = -1

Floats = npt.NDArray[np.float32]
Columns = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One kind of feature: how much it weighs against the others, and how many texts must hold a feature to keep it."""

    name: str
    weight: float
    min_texts: int


# Each text is learnt in three copies: as written it often stands in two of them, folded mostly in all three. So these
# are features of two or three texts at least.
BLOCKS = (
    Block(name=WORDS, weight=1.0, min_texts=4),
    Block(name=SEGMENTED, weight=1.0, min_texts=4),
    Block(name=FOLDED, weight=1.0, min_texts=6),
    Block(name=CHARACTERS, weight=0.3, min_texts=9),
)


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block of a text: the column of every feature as often as it occurs (`found`, UNKNOWN for one not known), and
    the known `columns`, each once and in order, with what they weigh.
    """

    found: Columns
    columns: Columns
    weights: Floats


class Known(dict[str, int]):
    """The column of each feature of a block. Hashed by identity, so that what was looked up in it can be kept."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectoriser:
    """The columns a model knows, by block, and how rare each is (`idf`). Made by `fit`, never changed after."""

    blocks: tuple[Block, ...]
    columns: Mapping[str, Known]
    idf: Floats
    unseen_idf: float

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.idf)

    def found(self, text: Normalised) -> tuple[BlockRow, ...]:
        """A text's features, block by block."""
        return tuple(self._block_row(text, block) for block in self.blocks)

    def rows(self, texts: Iterable[Normalised]) -> sp.csr_matrix:
        """One row per text, in order. A text without a known feature gives an empty row."""
        return self.rows_of(self.found(text) for text in texts)

    def rows_of(self, texts: Iterable[tuple[BlockRow, ...]]) -> sp.csr_matrix:
        """The same for texts whose features were found already."""
        indices: list[Columns] = []
        values: list[Floats] = []
        ends = [0]
        for found in texts:
            indices.extend(row.columns for row in found)
            values.extend(row.weights for row in found)
            ends.append(ends[-1] + sum(len(row.columns) for row in found))
        data = (
            np.concatenate(values, dtype=np.float32) if values else np.empty(0, np.float32),
            np.concatenate(indices, dtype=np.int32) if indices else np.empty(0, np.int32),
            np.array(ends, dtype=np.int32),
        )
        return sp.csr_matrix(data, shape=(len(ends) - 1, self.width))

    def _block_row(self, text: Normalised, block: Block) -> BlockRow:
        found = _found(text, block.name, self.columns[block.name])
        known = found[found != UNKNOWN]
        if not len(known):
            return BlockRow(found, np.empty(0, np.int32), np.empty(0, np.float32))
        columns, counts = np.unique(known, return_counts=True)
        weights = (1.0 + np.log(counts, dtype=np.float32)) * self.idf[columns]
        # Features never seen count in the length: a text of unknown words gets small scores, hence little confidence.
        unknown = (len(found) - len(known)) * self.unseen_idf**2
        weights *= block.weight / np.sqrt(np.dot(weights, weights) + unknown)
        return BlockRow(found, columns, weights.astype(np.float32))


def fit(texts: Sequence[Normalised], blocks: tuple[Block, ...] = BLOCKS) -> Vectoriser:
    """Learn the columns of a set of texts; the same texts give the same columns in the same order."""
    columns: dict[str, Known] = {}
    idf: list[float] = []
    for block in blocks:
        texts_with: Counter[str] = Counter()
        for text in texts:
            texts_with.update(set(grams_of(text, block.name)))
        kept = sorted(gram for gram, count in texts_with.items() if count >= block.min_texts)
        columns[block.name] = Known((gram, len(idf) + i) for i, gram in enumerate(kept))
        idf.extend(log((1 + len(texts)) / (1 + texts_with[gram])) + 1.0 for gram in kept)
    return Vectoriser(
        blocks=blocks, columns=columns, idf=np.array(idf, dtype=np.float32), unseen_idf=log(1 + len(texts)) + 1.0
    )


def grams_of(text: Normalised, block: str) -> list[str]:
    """Every feature of a block, as often as it occurs."""
    if block == CHARACTERS:
        return [gram for word in text.folded for gram in character_grams(word)]
    words = _words_of(text, block)
    return [" ".join(words[start:end]) for start, end in _stretches(len(words), _LONGEST[block])]


def _found(text: Normalised, block: str, known: Known) -> Columns:
    if block == CHARACTERS:
        return np.concatenate([_pieces_found(known, word) for word in text.folded] or [np.empty(0, np.int32)])
    return np.array([known.get(gram, UNKNOWN) for gram in grams_of(text, block)], dtype=np.int32)


@lru_cache(maxsize=50_000)
def _pieces_found(known: Known, word: str) -> Columns:
    return np.array([known.get(gram, UNKNOWN) for gram in character_grams(word)], dtype=np.int32)


def places_of(text: Normalised, block: str) -> tuple[Columns, Columns]:
    """For every feature of a block, in the order of `grams_of`, the first and one past the last word it covers."""
    if block == CHARACTERS:
        starts = np.repeat(np.arange(len(text.folded)), [len(character_grams(word)) for word in text.folded])
        return starts.astype(np.int32), (starts + 1).astype(np.int32)
    stretches = _stretches(len(_words_of(text, block)), _LONGEST[block])
    if block == SEGMENTED:
        stretches = [(text.compounds[start][0], text.compounds[end - 1][1]) for start, end in stretches]
    places = np.array(stretches, dtype=np.int32).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _words_of(text: Normalised, block: str) -> Sequence[str]:
    if block == SEGMENTED:
        return ["_".join(text.words[start:end]) for start, end in text.compounds]
    return text.words if block == WORDS else text.folded


def _stretches(length: int, longest: int) -> list[tuple[int, int]]:
    return [(i, i + size) for size in range(1, longest + 1) for i in range(length - size + 1)]


@lru_cache(maxsize=50_000)
def character_grams(word: str) -> tuple[str, ...]:
    """The 2- to 5-character pieces of a word with a space on both sides."""
    padded = f" {word} "
    return tuple(padded[i : i + size] for size in range(2, 6) for i in range(len(padded) - size + 1))
