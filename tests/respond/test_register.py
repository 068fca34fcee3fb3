"""No cell of the register can act as a formula, and every day is read whatever way it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.respond.register import FORMULA_SIGNS, safe_cell


@pytest.mark.parametrize("typed", ["=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_becomes_text(typed: str) -> None:
    assert safe_cell(typed) == f"'{typed}"


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not safe_cell(text).startswith(FORMULA_SIGNS)
    assert text in safe_cell(text)
