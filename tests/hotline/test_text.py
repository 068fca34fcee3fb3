"""How Vietnamese text is stored and compared, whatever keyboard it came from."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.text import clean, fold, has_diacritics, nfc

A_WITH_ACUTE_THEN_HAT = "a\u0301\u0302"
O_WITH_ACUTE_THEN_HORN = "o\u0301\u031b"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (unicodedata.normalize("NFD", "Đường bị hỏng"), "Đường bị hỏng"),
        (f"c{A_WITH_ACUTE_THEN_HAT}p", "cấp"),
        (f"n{O_WITH_ACUTE_THEN_HORN}c", "nớc"),
        ("a\u0323\u0302", "ậ"),
        ("a\u0302\u0323", "ậ"),
        ("a\u0341", "á"),
        ("mat dien", "mat dien"),
        ("cs k0 lm vc", "cs k0 lm vc"),
    ],
)
def test_nfc_joins_marks_however_they_were_typed(typed: str, stored: str) -> None:
    assert nfc(typed) == stored


@pytest.mark.parametrize(
    ("received", "stored"),
    [
        ("  Mất điện  ", "Mất điện"),
        ("dòng 1\r\ndòng 2\rdòng 3", "dòng 1\ndòng 2\ndòng 3"),
        ("cột\tgiá", "cột giá"),
        ("mất\u200bđiện\ufeff", "mấtđiện"),
        ("\u202egian lận\u202c", "gian lận"),
        ("a\x00b\x1bc", "abc"),
        ("một\n\nhai", "một\n\nhai"),
        ("\u200b \n", ""),
    ],
)
def test_clean_stores_only_what_can_be_read(received: str, stored: str) -> None:
    assert clean(received) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "Điện lực",
        "ĐIỆN  LỰC",
        "điện\nlực",
        unicodedata.normalize("NFD", "Điện Lực"),
        "dien luc",
        "Ðiện lực",
        "ＤＩＥＮ luc",
    ],
)
def test_fold_gives_one_string_for_every_way_of_typing(typed: str) -> None:
    assert fold(typed) == "dien luc"


def test_fold_leaves_teencode_as_typed() -> None:
    assert fold("K0 có nc sạch") == "k0 co nc sach"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("mất điện", True), ("đen", True), ("Đ", True), ("mat dien", False), ("", False), ("e\u0302", True)],
)
def test_has_diacritics(text: str, expected: bool) -> None:
    assert has_diacritics(text) is expected


@given(st.text())
def test_each_step_done_twice_changes_nothing(text: str) -> None:
    assert nfc(nfc(text)) == nfc(text)
    assert clean(clean(text)) == clean(text)
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="aăâeêioôơuưyđáàảãạấầẩẫậ ỨỪỬỮỰ bctnghph\n"))
def test_fold_does_not_depend_on_how_marks_are_encoded(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert not has_diacritics(fold(text))
