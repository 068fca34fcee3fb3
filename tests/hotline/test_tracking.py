"""A tracking code survives being read out, and a slip is always caught."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hotline.tracking import (
    InvalidTrackingCode,
    format_tracking_code,
    mint_tracking_code,
    parse_tracking_code,
)

codes = st.binary(min_size=8, max_size=16).map(mint_tracking_code)


@given(codes)
def test_a_minted_code_is_twelve_digits_and_reads_back_as_shown(code: str) -> None:
    assert len(code) == 12
    assert code.isdigit()
    assert parse_tracking_code(format_tracking_code(code)) == code


@pytest.mark.parametrize("joint", [" ", ".", "-", "  ", " - ", "\u2013", "\u00a0", ""])
def test_the_ways_people_write_a_code(joint: str) -> None:
    code = mint_tracking_code(b"12345678")
    typed = joint.join((code[:3], code[3:6], code[6:9], code[9:]))
    assert parse_tracking_code(f" {typed}\n") == code


def test_a_code_is_shown_in_threes() -> None:
    assert format_tracking_code("123456789012") == "123 456 789 012"


@given(codes, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(code: str, place: int, shift: int) -> None:
    wrong = code[:place] + str((int(code[place]) + shift) % 10) + code[place + 1 :]
    with pytest.raises(InvalidTrackingCode):
        parse_tracking_code(wrong)


@given(codes, st.integers(0, 10))
def test_two_neighbours_exchanged_are_always_caught(code: str, place: int) -> None:
    assume(code[place] != code[place + 1])
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    with pytest.raises(InvalidTrackingCode):
        parse_tracking_code(wrong)


@pytest.mark.parametrize(
    "text", ["", "123", "12345678901a", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢", "１２３４５６７８９０１２"]
)
def test_what_is_not_twelve_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidTrackingCode):
        parse_tracking_code(text)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="8 random bytes"):
        mint_tracking_code(b"1234567")
