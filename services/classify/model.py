"""Decides how likely each indicator, each kind of petition, a restricted matter and a present danger are.

Called by `actions` and the commands through `score` and `reasons`; made by `train`. One linear model, the matrix of a
support vector machine, so that a reason is exactly the share of the words that carried the decision. Probabilities are
calibrated on texts the model had not seen. It never decides what to do with a score (`classification` does) and keeps
no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hotline.taxonomy import PetitionKind
from services.classify.features import UNKNOWN, BlockRow, Vectoriser, places_of
from services.classify.linear import Linear
from services.classify.normalise import LINK, NUMBER, PHONE, Normalised, normalise
from services.classify.signs import danger_in, is_suspicious, signs_of

_LONGEST_REASON = 5
_SHARE_OF_THE_STRONGEST = 0.35
_MOST_REASONS = 4
_CODES_COUNT = 3.0

Name = TypeVar("Name", bound=str)
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the model says of one text; every probability is calibrated and between 0 and 1.

    `codes` holds all labels and `kinds` all kinds, likeliest first. `danger` quotes the words of present danger found;
    `is_suspicious` says that words of gain, abuse or crime were.
    """

    codes: tuple[tuple[str, float], ...]
    kinds: tuple[tuple[PetitionKind, float], ...]
    restricted: float
    urgent: float
    danger: tuple[str, ...]
    is_suspicious: bool
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where a score becomes a decision. Chosen by `train` on texts the model had not seen; see docs/classifier.md.

    `danger_above` is what words of danger need beside them to be taken at their word ("the fire brigade's yard").
    `review_below` has one confidence for each code that the model may give: below it a person looks.
    """

    review_below: Mapping[str, float]
    second_above: float
    to_cao_above: float
    restricted_above: float
    plain_from: float
    restricted_in_plain_above: float
    urgent_above: float
    danger_above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How decisions become probabilities: a temperature for the code, then a small regression over everything known.

    `weights` and `offsets` have one column per kind, then restricted, then urgent; the rows are those of `evidence_of`.
    """

    code_scale: float
    weights: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A trained model. `linear` answers for every label, then every kind, then restricted, then urgent."""

    version: str
    vectoriser: Vectoriser
    linear: Linear
    labels: tuple[str, ...]
    kinds: tuple[PetitionKind, ...]
    calibration: Calibration
    thresholds: Thresholds
    trained_on: Mapping[str, int]

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """The scores of each text, in order. Any string may be given; only a bounded length of it is scored."""
        return self.score_read([normalise(text) for text in texts])

    def score_read(self, read: Sequence[Normalised]) -> list[Scores]:
        """The scores of texts already normalised, in order."""
        return self.score_found(read, [self.vectoriser.found(text) for text in read])

    def score_found(self, read: Sequence[Normalised], found: Sequence[tuple[BlockRow, ...]]) -> list[Scores]:
        """The scores of texts whose features were found already, in order."""
        if not read:
            return []
        decisions = self.linear.decide(self.vectoriser.rows_of(found))
        return [self._scores(text, row) for text, row in zip(read, decisions, strict=True)]

    def reasons(self, text: str, code: str) -> tuple[str, ...]:
        """The words of the text that carried this code, strongest first, each a piece of the cleaned text as written.

        A piece is a run of neighbouring words that each spoke for the code. Empty when nothing in the text did.
        """
        read = normalise(text)
        return self.reasons_found(read, self.vectoriser.found(read), code)

    def reasons_found(self, read: Normalised, found: tuple[BlockRow, ...], code: str) -> tuple[str, ...]:
        """The same for a text whose features were found already."""
        return _quote(read, self._shares(read, found, self.labels.index(code)))

    def _scores(self, read: Normalised, decisions: Probabilities) -> Scores:
        codes = softmax(decisions[: len(self.labels)] * self.calibration.code_scale)
        signs = signs_of(read)
        evidence = evidence_of(codes, decisions[len(self.labels) :], signs)
        values = evidence @ self.calibration.weights + self.calibration.offsets
        return Scores(
            codes=_ranked(self.labels, codes),
            kinds=_ranked(self.kinds, softmax(values[:-2])),
            restricted=sigmoid(float(values[-2])),
            urgent=sigmoid(float(values[-1])),
            danger=danger_in(read),
            is_suspicious=is_suspicious(signs),
            words=len(read.words),
        )

    def _shares(self, read: Normalised, found: tuple[BlockRow, ...], column: int) -> Probabilities:
        """How much each word spoke for a column against the average label, a feature's share split over its words."""
        steps = np.zeros(len(read.words) + 1)
        for block, row in zip(self.vectoriser.blocks, found, strict=True):
            if not len(row.columns):
                continue
            known = row.found != UNKNOWN
            told = self.linear.told(row.columns, slice(len(self.labels)))
            spoken = row.weights * (told[:, column] - told.mean(axis=1))
            features = np.searchsorted(row.columns, row.found[known])
            starts, ends = (places[known] for places in places_of(read, block.name))
            parts = spoken[features] / np.bincount(features)[features] / (ends - starts)
            steps += np.bincount(starts, parts, len(steps)) - np.bincount(ends, parts, len(steps))
        return np.cumsum(steps)[:-1]


def softmax(values: Probabilities) -> Probabilities:
    """Probabilities that add up to one, along the last axis."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def sigmoid(value: float) -> float:
    """The probability behind log odds."""
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


def evidence_of(codes: Probabilities, decisions: Probabilities, signs: Probabilities) -> Probabilities:
    """What kind, restricted and urgent are judged on: the likely codes, their own decisions, `signs_of` the text."""
    return np.concatenate([_CODES_COUNT * codes, decisions, signs])


def _ranked(names: Sequence[Name], probabilities: Probabilities) -> tuple[tuple[Name, float], ...]:
    order = np.argsort(-probabilities, kind="stable")
    return tuple((names[i], float(probabilities[i])) for i in order)


def _quote(read: Normalised, shares: npt.NDArray[np.float64]) -> tuple[str, ...]:
    if not len(shares) or shares.max() <= 0:
        return ()
    floor = _SHARE_OF_THE_STRONGEST * float(shares.max())
    pieces: list[tuple[float, str]] = []
    start = 0
    while start < len(shares):
        end = start
        while end < len(shares) and end - start < _LONGEST_REASON and shares[end] >= floor and _is_word(read, end):
            end += 1
        if end > start:
            piece = read.text[read.spans[start][0] : read.spans[end - 1][1]]
            pieces.append((float(shares[start:end].sum()), piece))
        start = max(end, start + 1)
    strongest = sorted(pieces, key=lambda piece: -piece[0])
    return tuple(dict.fromkeys(piece for _, piece in strongest))[:_MOST_REASONS]


def _is_word(read: Normalised, place: int) -> bool:
    return read.words[place] not in {PHONE, LINK, NUMBER}
