"""Decides what a model is: trains it from the packaged data, calibrates it and sets its thresholds.

Called by `model_file` (first start), `evaluate` (cross-validation) and `hotline train`. The same data, code and
libraries give the same model. Calibration and thresholds come from texts held out of the fit (two halves, copies of a
text and its contrasts kept together). Every text is learnt three times, as written, folded and spoilt: neither a
message without diacritics nor a hurried one is a stranger then. It writes nothing. scikit-learn is imported where
something is fitted: whoever only loads a model is spared its memory and its seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version as library_version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from hotline.taxonomy import PetitionKind, load_taxonomy
from hotline.text import fold
from services.classify.features import fit
from services.classify.fitting import (
    NEVER,
    SEED,
    Doubles,
    Fitted,
    Head,
    Ints,
    Mask,
    Progress,
    fit_heads,
    for_all,
    heads_of,
)
from services.classify.linear import Linear
from services.classify.model import Calibration, Model, Thresholds, evidence_of, sigmoid, softmax
from services.classify.noise import spoil
from services.classify.normalise import Normalised, normalise
from services.classify.signs import signs_of
from services.classify.training_data import REAL_CONTENT, Example, data_digest, load_cues, load_messages

# How each text is learnt.
COPIES: tuple[Callable[[str], str], ...] = (str, fold, spoil)
# Held out half by half: thirds would take half as long again.
FOLDS = 2
# One for each fold, and the last on everything.
FITS = FOLDS + 1
CODE_FILES = (
    "normalise.py",
    "noise.py",
    "features.py",
    "signs.py",
    "linear.py",
    "fitting.py",
    "model.py",
    "train.py",
    "training_data.py",
)
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "underthesea")

# What a person's look costs, and what a message at the wrong agency does, in minutes of officers: reading it there,
# sending it back, and looking after all. The citizen's lost day has no price here.
REVIEW_MINUTES = 1.0
WRONG_AGENCY_MINUTES = 5.0
# A code with few examples leans on the curve of all codes: as if it had so many more that are like all.
LEANING = 100.0
DECIMALS = 6
CONFIDENCES = np.arange(30, 96) / 100
# Read off the held-out curve in docs/classifier.md: recall first, under three in ten closed. A fixed probability,
# since a quantile of so few positives jumps from one training to the next.
RESTRICTED_ABOVE = 0.03
PLAIN_FROM = 0.45
RESTRICTED_IN_PLAIN_ABOVE = 0.20
TO_CAO_ABOVE = 0.30
RIGHT_WARNINGS = 0.61
DANGER_ABOVE = 0.01
SECOND_ABOVE = 0.20


def model_version() -> str:
    """The name of the model that this data, code and these libraries make; any change gives another."""
    digest = hashlib.sha256(data_digest().encode())
    for name in CODE_FILES:
        digest.update((Path(__file__).parent / name).read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library}={library_version(library)};".encode())
    return f"hg2023-{digest.hexdigest()[:12]}"


def train(
    messages: Sequence[Example] | None = None, cues: Sequence[Example] | None = None, progress: Progress = lambda: None
) -> Model:
    """Train on the packaged messages and cues (or those given). `progress` is called after each of the FITS."""
    messages = load_messages() if messages is None else messages
    cues = load_cues() if cues is None else cues
    examples = [*messages, *cues]
    copies, signs = _read(examples, len(messages))
    vectoriser = fit([text for texts in copies for text in texts])
    rows = [vectoriser.rows(texts) for texts in copies]
    del copies  # the largest of all, and the fits need the memory
    heads = heads_of(examples)
    folds = folds_of(messages, FOLDS)
    left_out = [_without(places, len(examples)) for places in (*folds, np.empty(0, np.int64))]
    *halves, linear = fit_heads(rows, heads, left_out, progress)
    held_out = _held_out(halves, folds, rows, len(messages))
    calibration, thresholds = _calibrate(held_out, heads, messages, signs)
    return Model(
        version=model_version(),
        vectoriser=vectoriser,
        linear=linear,
        labels=load_taxonomy().labels,
        kinds=tuple(PetitionKind),
        calibration=calibration,
        thresholds=thresholds,
        trained_on={"messages": len(messages), "cues": len(cues)},
    )


def _read(examples: Sequence[Example], messages: int) -> tuple[list[list[Normalised]], Doubles]:
    """Every copy of every example as it is read, and the signs of the messages among them, copy after copy."""
    copies, signs = [], []
    for copy in COPIES:
        texts = [normalise(copy(example.text)) for example in examples]
        signs += [signs_of(text) for text in texts[:messages]]
        # Where a word stood is asked for signs and reasons alone, and takes as much memory as the words.
        copies.append([replace(text, spans=()) for text in texts])
    return copies, np.stack(signs)


def _held_out(
    fitted: Sequence[Linear], folds: Sequence[Ints], copies: Sequence[sp.csr_matrix], messages: int
) -> Doubles:
    """Decisions for each message, copy after copy, by a fit that saw none of its copies. Cues are always seen."""
    decisions = np.zeros((len(copies), messages, len(fitted[0].offsets)))
    for inside, linear in zip(folds, fitted, strict=True):
        for place, rows in enumerate(copies):
            decisions[place, inside] = linear.decide(rows[inside])
    return decisions.reshape(len(copies) * messages, -1)


def _without(places: Ints, count: int) -> Mask:
    """Mark these of so many."""
    left_out = np.zeros(count, dtype=bool)
    left_out[places] = True
    return left_out


def folds_of(messages: Sequence[Example], count: int) -> list[Ints]:
    """Which messages each of `count` folds holds out: codes evenly, copies of a text and its contrasts in one."""
    from sklearn.model_selection import StratifiedGroupKFold

    codes = [example.code for example in messages]
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=SEED)
    return [np.asarray(held) for _, held in splitter.split(codes, codes, groups_of(messages))]


def groups_of(messages: Sequence[Example]) -> list[int]:
    """Number the messages so that copies of a text, and texts paired as contrasts, have one number."""
    first: dict[str, int] = {}
    parent = list(range(len(messages)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place, example in enumerate(messages):
        for name in (fold(example.text), f"id {example.id}", *((f"id {example.pair}",) if example.pair else ())):
            parent[root(place)] = root(first.setdefault(name, place))
    return [root(place) for place in range(len(messages))]


def _calibrate(
    decisions: Doubles, heads: Sequence[Head], examples: Sequence[Example], signs: Doubles
) -> tuple[Calibration, Thresholds]:
    """Probabilities and thresholds from held-out decisions (all copies of each message, stacked)."""
    code, kind, restricted, urgent = (_answers(head, examples) for head in heads)
    n = heads[0].classes
    counting = counting_of(examples)
    code_scale = _temperature(decisions[:, :n], code, counting)
    chances = softmax(decisions[:, :n] * code_scale)
    evidence = np.stack([evidence_of(*row) for row in zip(chances, decisions[:, n:], signs, strict=True)])
    parts = (
        _regress(evidence, kind, heads[1].classes),
        _regress(evidence, restricted, 2),
        _regress(evidence, urgent, 2),
    )
    # Rounded: where numbers lie in memory decides in which order they are added, and so the last of their digits.
    weights = np.hstack([w for w, _ in parts]).round(DECIMALS)
    offsets = np.concatenate([o for _, o in parts]).round(DECIMALS)
    odds = evidence @ weights + offsets
    is_urgent = np.array([sigmoid(value) for value in odds[:, -1]])
    return (
        Calibration(code_scale=code_scale, weights=weights, offsets=offsets),
        Thresholds(
            review_below=review_thresholds(chances, code, counting),
            second_above=SECOND_ABOVE,
            to_cao_above=TO_CAO_ABOVE,
            restricted_above=RESTRICTED_ABOVE,
            plain_from=PLAIN_FROM,
            restricted_in_plain_above=RESTRICTED_IN_PLAIN_ABOVE,
            urgent_above=_urgent_threshold(is_urgent, urgent, signs[:, 0] > 0),
            danger_above=DANGER_ABOVE,
        ),
    )


def _answers(head: Head, messages: Sequence[Example]) -> Ints:
    """The answers for the messages (which come first and know every answer), for every copy."""
    return np.concatenate([head.answers[: len(messages)]] * len(COPIES))


def _regress(evidence: Doubles, answers: Ints, classes: int) -> Fitted:
    """A small logistic regression; a class that no message shows is all but excluded."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(answers)
    if len(present) < 2:
        columns = 1 if classes == 2 else classes
        return np.zeros((evidence.shape[1], columns)), np.full(columns, NEVER)
    curve = LogisticRegression(C=0.3, max_iter=2_000, tol=1e-6).fit(evidence, answers)
    return for_all(curve.coef_.T, curve.intercept_, present, classes)


def counting_of(examples: Sequence[Example]) -> Doubles:
    """How much each message (and its copies) counts for what a probability means: half of all is what really arrives.

    The rest is written to be hard, and its classes are even; a confidence fitted on it alone says too little or too
    much of a plain petition.
    """
    is_real = np.array([example.origin == REAL_CONTENT for example in examples])
    if not is_real.any() or is_real.all():
        return np.ones(len(examples) * len(COPIES))
    return np.concatenate([np.where(is_real, (~is_real).sum() / is_real.sum(), 1.0)] * len(COPIES))


def _temperature(decisions: Doubles, answers: Ints, counting: Doubles) -> float:
    from scipy.optimize import minimize_scalar

    def loss(scale: float) -> float:
        chances = softmax(decisions * scale)[np.arange(len(answers)), answers]
        return float(np.average(-np.log(np.maximum(chances, 1e-12)), weights=counting))

    return round(float(minimize_scalar(loss, bounds=(0.05, 10.0), method="bounded").x), DECIMALS)


def review_thresholds(chances: Doubles, answers: Ints, counting: Doubles) -> dict[str, float]:
    """For each code the confidence from which taking the machine's word costs the fewest minutes.

    Rows are texts: the chance of each label, the right one, and how much the text counts.
    """
    given, confidence = chances.argmax(axis=1), chances.max(axis=1)
    trusted = np.where(given == answers, 0.0, WRONG_AGENCY_MINUTES)[:, None]
    minutes = counting[:, None] * np.where(confidence[:, None] < CONFIDENCES, REVIEW_MINUTES, trusted)
    like_all = LEANING * minutes.sum(axis=0) / counting.sum()
    labels = load_taxonomy().labels
    return {
        code: round(float(CONFIDENCES[(minutes[given == place].sum(axis=0) + like_all).argmin()]), 2)
        for place, code in enumerate(labels)
    }


def _urgent_threshold(chances: Doubles, answers: Ints, found: npt.NDArray[np.bool_]) -> float:
    """The lowest probability from which, with the texts found by their words, enough warnings are right.

    Recall first: a danger that nobody is told of is worse than an officer who looks twice.
    """
    for threshold in np.arange(0.03, 0.5, 0.01):
        given = (chances >= threshold) | (found & (chances >= DANGER_ABOVE))
        if given.any() and (answers[given] == 1).mean() >= RIGHT_WARNINGS:
            return round(float(threshold), 2)
    return 0.5
