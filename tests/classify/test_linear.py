"""A byte for each weight: what is decided stays what was fitted, to a hundredth of the spread of decisions."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from services.classify.linear import rounded


@given(seed=st.integers(0, 10_000), texts=st.integers(0, 6), questions=st.integers(1, 5))
def test_what_is_decided_stays_what_was_fitted(seed: int, texts: int, questions: int) -> None:
    drawn = np.random.default_rng(seed)
    weights, offsets = drawn.normal(size=(40, questions)) / 8, drawn.normal(size=questions)
    rows = sp.random(texts, 40, density=0.3, format="csr", dtype=np.float32, random_state=seed)
    linear = rounded(weights, offsets)
    step = np.abs(weights).max(axis=0) / 127
    furthest = np.asarray(abs(rows).sum(axis=1)) * step / 2 + 1e-5
    assert (np.abs(linear.decide(rows) - (rows @ weights + offsets)) <= furthest).all()


def test_the_columns_asked_for_tell_what_they_told_when_fitted() -> None:
    weights = np.array([[0.5, -1.0, 0.0], [0.25, 0.1, 0.0], [0.0, 1.0, 0.0]])
    linear = rounded(weights, np.zeros(3))
    np.testing.assert_allclose(linear.told(np.array([2, 0], np.int32)), weights[[2, 0]], atol=0.005)
    np.testing.assert_allclose(linear.told(np.array([1], np.int32), slice(2)), weights[[1], :2], atol=0.005)


def test_a_text_without_a_known_word_has_the_offsets() -> None:
    linear = rounded(np.ones((3, 2)), np.array([0.5, -2.0]))
    np.testing.assert_allclose(linear.decide(sp.csr_matrix((1, 3), dtype=np.float32)), [[0.5, -2.0]])
