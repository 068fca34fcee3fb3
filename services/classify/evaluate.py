"""Measures a model against labelled messages: the figures of docs/classifier.md.

Called by `hotline evaluate`. Pure: rows and judgements in, figures out. Cross-validation trains a model per fold on the
rest and never measures a text that its model, calibration or thresholds saw; cues are always in training, never
measured.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hotline.taxonomy import OTHER, PetitionKind, base_code
from hotline.text import fold
from services.classify.classification import Judgement, ReviewReason, decide
from services.classify.fitting import Progress
from services.classify.judging import judge
from services.classify.language import detect_read
from services.classify.model import Model
from services.classify.normalise import normalise
from services.classify.train import folds_of, train
from services.classify.training_data import Example

# Each fold is judged by what learnt from four fifths of the rest: near to what is shipped, which learns from all.
FOLDS = 5
BINS = 10
COVERAGE = 0.8
SHARES = (0.25, 0.5, 0.75, 1.0)
MOST_CONFUSIONS = 15
SCREENS = (0.02, 0.025, 0.03, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20, 0.30)
PLAIN_CODE = "6.3"

Pairs = Sequence[tuple[Example, Judgement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row of figures; shares are between 0 and 1, None where no message could show it."""

    messages: int
    code_accuracy: float
    dimension_accuracy: float
    top3_accuracy: float
    macro_f1: float
    restricted_recall: float | None
    restricted_flagged: float
    plain_flagged: float | None
    to_cao_precision: float | None
    to_cao_recall: float | None
    urgent_precision: float | None
    urgent_recall: float | None
    calibration_error: float
    sure_share: float
    sure_accuracy: float | None
    surest_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often one code was taken for another."""

    expected: str
    given: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPoint:
    """What the restricted screen would do with another threshold (`above`): shares caught and closed."""

    above: float
    recall: float | None
    flagged: float
    plain_flagged: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What a model says of the same messages after learning from so many others."""

    learnt_from: int
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures for all messages and for each part of them, the commonest confusions, and the screen's trade."""

    parts: tuple[tuple[str, Figures], ...]
    confusions: tuple[Confusion, ...]
    screen: tuple[ScreenPoint, ...]


def evaluate(rows: Sequence[Example], model: Model) -> Evaluation:
    """Measure a model on labelled messages it was not trained on. Raises ValueError without any."""
    as_written = judge_rows(model, rows)
    without_diacritics = judge_rows(model, [replace(row, text=fold(row.text)) for row in rows])
    return summarise(as_written, without_diacritics, judge_screens(model, rows))


def cross_validate(rows: Sequence[Example], cues: Sequence[Example], progress: Progress = lambda: None) -> Evaluation:
    """Measure the way of training: each fold is judged by a model trained on the others. `progress` ticks per fit."""
    as_written: list[tuple[Example, Judgement]] = []
    without_diacritics: list[tuple[Example, Judgement]] = []
    screens: dict[float, list[tuple[Example, Judgement]]] = {}
    for held_out in folds_of(rows, FOLDS):
        held = set(held_out.tolist())
        model = train([row for i, row in enumerate(rows) if i not in held], cues, progress)
        tested = [rows[i] for i in sorted(held)]
        as_written += judge_rows(model, tested)
        without_diacritics += judge_rows(model, [replace(row, text=fold(row.text)) for row in tested])
        for above, pairs in judge_screens(model, tested).items():
            screens.setdefault(above, []).extend(pairs)
    return summarise(as_written, without_diacritics, screens)


def learning_curve(
    rows: Sequence[Example], cues: Sequence[Example], progress: Progress = lambda: None
) -> tuple[CurvePoint, ...]:
    """Judge one fold by models that learnt from a growing share of the others, each share holding the one before."""
    held = set(folds_of(rows, FOLDS)[0].tolist())
    tested = [rows[i] for i in sorted(held)]
    others = sorted((row for i, row in enumerate(rows) if i not in held), key=_drawn)
    points = []
    for share in SHARES:
        learnt = others[: round(share * len(others))]
        pairs = judge_rows(train(learnt, cues, progress), tested)
        points.append(CurvePoint(learnt_from=len(learnt), figures=figures(pairs)))
    return tuple(points)


def _drawn(row: Example) -> bytes:
    """An order that has nothing to do with the order of the files, and is the same every time."""
    return hashlib.sha256(row.id.encode()).digest()


def judge_rows(model: Model, rows: Sequence[Example]) -> list[tuple[Example, Judgement]]:
    """Each row with what the model says of it."""
    return list(zip(rows, judge(model, [row.text for row in rows], with_reasons=False), strict=True))


def judge_screens(model: Model, rows: Sequence[Example]) -> dict[float, list[tuple[Example, Judgement]]]:
    """Each row as it would be judged with each threshold of SCREENS in place of the model's own."""
    read = [normalise(row.text) for row in rows]
    scored = [
        (row, scores, detect_read(text)) for row, text, scores in zip(rows, read, model.score_read(read), strict=True)
    ]
    judged = {}
    for above in SCREENS:
        thresholds = replace(model.thresholds, restricted_above=above)
        judged[above] = [(row, decide(scores=s, language=spoken, thresholds=thresholds)) for row, s, spoken in scored]
    return judged


def summarise(as_written: Pairs, without_diacritics: Pairs, screens: Mapping[float, Pairs]) -> Evaluation:
    """Figures for all, without diacritics, and by origin; the commonest confusions; the screen at other thresholds."""
    if not as_written:
        raise ValueError("no labelled message to measure")
    origins = sorted({row.origin for row, _ in as_written})
    parts = [("all", figures(as_written)), ("without diacritics", figures(without_diacritics))]
    if len(origins) > 1:
        parts += [(o, figures([pair for pair in as_written if pair[0].origin == o])) for o in origins]
    wrong = Counter((row.code or "", given.code) for row, given in as_written if row.code != given.code)
    confusions = (Confusion(expected=a, given=b, messages=n) for (a, b), n in sorted(wrong.items(), key=_commonest))
    screen = tuple(_screen_point(above, pairs) for above, pairs in sorted(screens.items()))
    return Evaluation(parts=tuple(parts), confusions=tuple(confusions)[:MOST_CONFUSIONS], screen=screen)


def figures(pairs: Pairs) -> Figures:
    """The figures of these messages."""
    sure = [(row, given) for row, given in pairs if ReviewReason.UNSURE not in given.why]
    to_cao = PetitionKind.TO_CAO
    to_cao_precision, to_cao_recall = _precision_recall(
        pairs, lambda row: row.kind is to_cao, lambda given: given.petition_kind is to_cao
    )
    urgent_precision, urgent_recall = _precision_recall(pairs, lambda row: row.is_urgent, lambda given: given.urgent)
    return Figures(
        messages=len(pairs),
        code_accuracy=_share(pairs, _is_right),
        dimension_accuracy=_share(pairs, lambda row, given: dimension(row.code or "") == dimension(given.code)),
        top3_accuracy=_share(pairs, lambda row, given: row.code in [code for code, _ in given.scores[:3]]),
        macro_f1=_macro_f1(pairs),
        restricted_recall=_closed([pair for pair in pairs if pair[0].is_restricted]),
        restricted_flagged=_closed(pairs) or 0.0,
        plain_flagged=_closed([pair for pair in pairs if _is_plain(pair[0])]),
        to_cao_precision=to_cao_precision,
        to_cao_recall=to_cao_recall,
        urgent_precision=urgent_precision,
        urgent_recall=urgent_recall,
        calibration_error=_calibration_error(pairs),
        sure_share=len(sure) / len(pairs),
        sure_accuracy=_share(sure, _is_right) if sure else None,
        surest_accuracy=_share(_surest(pairs), _is_right),
    )


def _surest(pairs: Pairs) -> Pairs:
    """The messages that the model is surest of: COVERAGE of all, at least one."""
    ranked = sorted(pairs, key=lambda pair: -pair[1].confidence)
    return ranked[: max(1, round(COVERAGE * len(ranked)))]


def dimension(code: str) -> str:
    """The PAPI dimension of a code: "6.3#dien" -> "6"; "0" stays."""
    return base_code(code).partition(".")[0] or OTHER


def _is_right(row: Example, given: Judgement) -> bool:
    return row.code == given.code


def _share(pairs: Pairs, holds: Callable[[Example, Judgement], bool]) -> float:
    return sum(holds(row, given) for row, given in pairs) / len(pairs)


def _closed(pairs: Pairs) -> float | None:
    return _share(pairs, lambda _, given: given.restricted) if pairs else None


def _is_plain(row: Example) -> bool:
    """A street, power, water or garbage matter without a suspicion: closing it only delays it."""
    return base_code(row.code or OTHER) == PLAIN_CODE and not row.is_restricted


def _screen_point(above: float, pairs: Pairs) -> ScreenPoint:
    return ScreenPoint(
        above=above,
        recall=_closed([pair for pair in pairs if pair[0].is_restricted]),
        flagged=_closed(pairs) or 0.0,
        plain_flagged=_closed([pair for pair in pairs if _is_plain(pair[0])]),
    )


def _precision_recall(
    pairs: Pairs, is_true: Callable[[Example], bool], is_given: Callable[[Judgement], bool]
) -> tuple[float | None, float | None]:
    true, given = sum(is_true(row) for row, _ in pairs), sum(is_given(said) for _, said in pairs)
    both = sum(is_true(row) and is_given(said) for row, said in pairs)
    return (both / given if given else None), (both / true if true else None)


def _macro_f1(pairs: Pairs) -> float:
    expected = Counter(row.code or OTHER for row, _ in pairs)
    given = Counter(said.code for _, said in pairs)
    right = Counter(said.code for row, said in pairs if row.code == said.code)
    scores: list[float] = [2 * right[code] / (expected[code] + given[code]) for code in expected]
    return sum(scores) / len(scores)


def _calibration_error(pairs: Pairs) -> float:
    """Expected calibration error over ten equal bins of confidence."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, given in pairs:
        place = min(int(given.confidence * BINS), BINS - 1)
        bins.setdefault(place, []).append((given.confidence, _is_right(row, given)))
    gaps = (abs(sum(confidence for confidence, _ in b) - sum(right for _, right in b)) for b in bins.values())
    return sum(gaps) / len(pairs)


def _commonest(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -item[1], item[0]
