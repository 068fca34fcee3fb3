"""The matrix of a model: what every column says for every question, a byte each.

Made by `fitting`, asked by `model` and `train`. A byte in place of the four of a fitted weight: what it rounds away is
far below what the model is sure of (a hundredth of the spread of its decisions).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from services.classify.features import Columns, Floats

_LARGEST = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`weights` has a row for each column of the vectoriser and a column for each question, times its `scales`."""

    weights: npt.NDArray[np.int8]
    scales: Floats
    offsets: Floats

    def told(self, columns: Columns, questions: slice = slice(None)) -> Floats:
        """What these columns say for each of the questions."""
        return self.weights[columns, questions] * self.scales[questions]

    def decide(self, rows: sp.csr_matrix) -> npt.NDArray[np.float64]:
        """The decisions on every question, a row each. Only the columns that occur are scaled."""
        columns, places = np.unique(rows.indices, return_inverse=True)
        occurring = sp.csr_matrix((rows.data, places, rows.indptr), shape=(rows.shape[0], len(columns)))
        return np.asarray(occurring @ self.told(columns) + self.offsets, dtype=np.float64)


def rounded(weights: npt.NDArray[np.float64], offsets: npt.NDArray[np.float64]) -> Linear:
    """Keep fitted weights in a byte each, every question scaled to its largest."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-9) / _LARGEST
    return Linear(
        weights=np.round(weights / scales).astype(np.int8),
        scales=scales.astype(np.float32),
        offsets=offsets.astype(np.float32),
    )
