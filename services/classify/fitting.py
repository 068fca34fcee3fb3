"""Fits the linear machines of a model: four questions put to rows of features, on two processors where there are two.

Called by `train` alone. Each fit depends on nothing but what it is given, so it does not matter where and in which
order they run: the same rows give the same weights. scikit-learn is imported where something is fitted.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from tempfile import gettempdir

import joblib
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from joblib.externals.loky import get_reusable_executor

from hotline.taxonomy import PetitionKind, load_taxonomy
from services.classify.linear import Linear, rounded
from services.classify.parent import end_with_parent
from services.classify.training_data import Example

SEED = 20_230
# How much a mistake in training costs; chosen on messages that were not trained on (docs/classifier.md).
SOFTNESS = 0.6
# Each holds, while it fits, a copy of most rows: more would be quicker and ask for much memory.
MOST_PROCESSES = 2
# The decision on a class that no text of the training shows.
NEVER = -10.0

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[], None]
Fitted = tuple[Doubles, Doubles]


class FitKilled(Exception):
    """A process that fitted was killed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Head:
    """One question put to the model: which texts know the answer (`rows`) and what it is (`answers`, 0-based)."""

    rows: Ints
    answers: Ints
    classes: int
    balanced: bool


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

    Returns for each of `left_out` all heads side by side. Raises FitKilled.
    """
    # Processes, not threads: the solver draws from one random source of its process, so threads would not repeat.
    processes = min(MOST_PROCESSES, joblib.cpu_count())
    watch = {"initializer": end_with_parent, "initargs": (os.getpid(),)} if processes > 1 else {}
    try:
        fitted = joblib.Parallel(n_jobs=processes, return_as="generator", temp_folder=gettempdir(), **watch)(
            joblib.delayed(fit_without)(copies, head, without) for without in left_out for head in heads
        )
        found = [_side_by_side(itertools.islice(fitted, len(heads)), progress) for _ in left_out]
        # To its end: a generator thrown away before it ends the processes as if something had failed.
        next(fitted, None)
    except BrokenProcessPool as error:
        raise FitKilled(
            "a process that fitted the model was killed, most likely for want of memory: give it 5 GB, "
            "or one processor alone with LOKY_MAX_CPU_COUNT=1, which takes 3 GB and half as long again"
        ) from error
    if processes > 1:
        get_reusable_executor().shutdown()
    return found


def _side_by_side(fitted: Iterable[Fitted], progress: Progress) -> Linear:
    """All heads of one fit as one matrix."""
    weights, offsets = zip(*fitted, strict=True)
    progress()
    return rounded(np.hstack(weights), np.concatenate(offsets))


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
    machine = LinearSVC(C=SOFTNESS, class_weight=weighting, tol=1e-3, random_state=SEED).fit(rows, answers)
    spread = float(np.std(machine.decision_function(rows))) or 1.0
    return for_all(machine.coef_.T / spread, machine.intercept_ / spread, np.unique(answers), head.classes)


def for_all(weights: Doubles, offsets: Doubles, present: Ints, classes: int) -> Fitted:
    """The answers of a linear machine for every class: one column where there are two, as one speaks against the other.

    `weights` and `offsets` are the machine's, which knows the classes `present` alone. One never seen is never chosen.
    """
    if classes == 2:
        return weights, offsets
    if len(present) == 2:  # the one answer speaks for the second and against the first
        weights, offsets = np.hstack([-weights / 2, weights / 2]), np.concatenate([-offsets / 2, offsets / 2])
    all_weights, all_offsets = np.zeros((len(weights), classes)), np.full(classes, NEVER)
    all_weights[:, present], all_offsets[present] = weights, offsets
    return all_weights, all_offsets
