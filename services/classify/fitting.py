"""Fits the linear machines of a model: four questions put to rows of features, on two processors where there are two.

Called by `train` alone. Each fit depends on nothing but what it is given, so it does not matter where and in which
order they run: the same rows give the same weights. scikit-learn is imported where something is fitted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import joblib
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from hotline.taxonomy import PetitionKind, load_taxonomy
from services.classify.linear import Linear, rounded
from services.classify.training_data import Example

SEED = 20_230
# How much a mistake in training costs; chosen on messages that were not trained on (docs/classifier.md).
SOFTNESS = 0.6
# Each holds, while it fits, a copy of most rows: more would be quicker and ask for much memory.
MOST_PROCESSES = 2

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[], None]
Fitted = tuple[Doubles, Doubles]


@dataclass(frozen=True, slots=True)
class Head:
    """One question put to the model: which texts know the answer (`rows`) and what it is (`answers`, 0-based)."""

    rows: Ints
    answers: Ints
    classes: int
    balanced: bool

    @property
    def width(self) -> int:
        """How many columns of weights answer it."""
        return 1 if self.classes == 2 else self.classes


def heads_of(examples: Sequence[Example]) -> tuple[Head, Head, Head, Head]:
    """The four questions (code, kind, restricted, urgent) over these examples."""
    labels, kinds = load_taxonomy().labels, tuple(PetitionKind)
    coded = [i for i, example in enumerate(examples) if example.code is not None]
    kinded = [i for i, example in enumerate(examples) if example.kind is not None]
    everything = range(len(examples))

    def head(rows: Sequence[int], answers: list[int], classes: int, *, balanced: bool) -> Head:
        return Head(np.array(rows, dtype=np.int64), np.array(answers, dtype=np.int64), classes, balanced)

    return (
        head(coded, [labels.index(examples[i].code or "") for i in coded], len(labels), balanced=False),
        head(kinded, [kinds.index(k) for i in kinded if (k := examples[i].kind)], len(kinds), balanced=True),
        head(everything, [int(example.is_restricted) for example in examples], 2, balanced=True),
        head(everything, [int(example.is_urgent) for example in examples], 2, balanced=True),
    )


def fit_heads(
    copies: Sequence[sp.csr_matrix], heads: Sequence[Head], left_out: Sequence[Mask], progress: Progress
) -> list[Linear]:
    """Fit every head on all copies of the examples, once without each of `left_out`; `progress` after each of these.

    Returns for each of `left_out` all heads side by side.
    """
    # Processes, not threads: the solver draws from one random source of its process, so threads would not repeat.
    fitted = joblib.Parallel(n_jobs=min(MOST_PROCESSES, joblib.cpu_count()), return_as="generator")(
        joblib.delayed(fit_without)(copies, head, without) for without in left_out for head in heads
    )
    found = []
    for _ in left_out:
        weights, offsets = zip(*itertools.islice(fitted, len(heads)), strict=True)
        found.append(rounded(np.hstack(weights), np.concatenate(offsets)))
        progress()
    return found


def fit_without(copies: Sequence[sp.csr_matrix], head: Head, without: Mask) -> Fitted:
    """Fit one head on all copies of the examples but these."""
    kept = ~without[head.rows]
    chosen = head.rows[kept]
    answers = np.concatenate([head.answers[kept]] * len(copies))
    # In the precision of the solver, which would copy them otherwise.
    return fit_head(sp.vstack([rows[chosen] for rows in copies], format="csr", dtype=np.float64), answers, head)


def fit_head(rows: sp.csr_matrix, answers: Ints, head: Head) -> Fitted:
    """A linear support vector machine, its decisions scaled to a spread of one."""
    from sklearn.svm import LinearSVC

    weighting = "balanced" if head.balanced else None
    weights, offsets = np.zeros((rows.shape[1], head.width)), np.full(head.width, 0.0)
    present = np.unique(answers)
    machine = LinearSVC(C=SOFTNESS, class_weight=weighting, tol=1e-3, random_state=SEED).fit(rows, answers)
    spread = float(np.std(machine.decision_function(rows))) or 1.0
    where = [0] if head.width == 1 else present
    weights[:, where] = machine.coef_.T / spread
    offsets[where] = machine.intercept_ / spread
    if head.width > 1:
        offsets[np.setdiff1d(np.arange(head.width), present)] = -10.0  # a class never seen is never chosen
    return weights, offsets
