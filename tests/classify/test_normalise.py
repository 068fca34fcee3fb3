"""How a message is read: shorthand, telex, legacy Unicode, masks, and where each word stood."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classify.normalise import (
    HEAD_CHARACTERS,
    LINK,
    MONEY,
    NUMBER,
    PHONE,
    TAIL_CHARACTERS,
    bounded,
    load_shorthand,
    normalise,
    read_telex,
)

READ_AS = (
    ("ko có điện", "không có điện"),
    ("k dc nước hok ai sửa", "không được nước không ai sửa"),
    ("P. Trần Phú", "phường trần phú"),
    ("đ/c Nam", "đồng chí nam"),
    ("CD PA mất nước", "công dân phản ánh mất nước"),
    ("TDP 5", f"tổ dân phố {NUMBER}"),
    ("UBND xã", "ủy ban nhân dân xã"),
    ("dduwowngf hongr", "đường hỏng"),
    ("nuowcs ddaats", "nước đất"),
    ("ĐƯỜNG HỎNG", "đường hỏng"),
    (unicodedata.normalize("NFD", "đường hỏng"), "đường hỏng"),
    ("nu\u031bo\u031b\u0301c", "nước"),
    ("gọi 0912 345 678 nhé", f"gọi {PHONE} nhé"),
    ("gọi +84912345678", f"gọi {PHONE}"),
    ("đòi 20k", f"đòi {MONEY}"),
    ("mất 5 triệu", f"mất {MONEY}"),
    ("phí 1tr5", f"phí {MONEY}"),
    ("ngày 14/9 lúc 21h15", f"ngày {NUMBER} lúc {NUMBER}"),
    ("số 1022 và 113, sóng 4G", "số 1022 và 113 sóng 4g"),
    ("xem https://x.vn/abc", f"xem {LINK}"),
    ("thư a.b@x.vn", f"thư {LINK}"),
    ("", ""),
    ("!!! 🙂", ""),
)


@pytest.mark.parametrize(("text", "words"), READ_AS)
def test_a_message_is_read_as(text: str, words: str) -> None:
    assert " ".join(normalise(text).words) == words


TELEX = (
    ("dduwowngf", "đường"),
    ("nuowcs", "nước"),
    ("toois", "tối"),
    ("khoong", "không"),
    ("giaays", "giấy"),
    ("hongr", "hỏng"),
    ("songs", "songs"),
    ("too", "too"),
    ("free", "free"),
    ("window", "window"),
    ("room", "room"),
    ("dien", "dien"),
    ("app", "app"),
)


@pytest.mark.parametrize(("typed", "meant"), TELEX)
def test_telex_with_the_keyboard_off(typed: str, meant: str) -> None:
    assert read_telex(typed) == meant


@given(st.text(max_size=300))
def test_every_word_keeps_its_place_in_the_text(text: str) -> None:
    read = normalise(text)
    assert len(read.words) == len(read.folded) == len(read.spans)
    assert all(0 <= start < end <= len(read.text) for start, end in read.spans)
    assert list(read.spans) == sorted(read.spans)


COMPOUNDS = (
    ("Trường tiểu học có ổ gà", "trường tiểu_học có ổ_gà"),
    ("TRẠM Y TẾ KHÔNG CÓ BÁC SĨ", "trạm y_tế không có bác_sĩ"),
    (unicodedata.normalize("NFD", "đèn tín hiệu"), "đèn tín_hiệu"),
    ("địa chính đòi 5 triệu", f"địa_chính đòi {MONEY}"),
    ("gọi 0912345678, sóng 4G", f"gọi {PHONE} sóng 4g"),
    ("truong tieu hoc co o ga", ""),
    ("", ""),
)


@pytest.mark.parametrize(("text", "compounds"), COMPOUNDS)
def test_word_segmentation_finds_the_compounds(text: str, compounds: str) -> None:
    read = normalise(text)
    assert " ".join("_".join(read.words[start:end]) for start, end in read.compounds) == compounds


@given(st.text(max_size=200) | st.text(alphabet="aăâđ ộ̣,.4g<>_-/’\u200d字ก", max_size=80))
def test_the_compounds_of_a_text_with_diacritics_cover_every_word_once(text: str) -> None:
    read = normalise(f"Ổ gà: {text}")
    assert [place for start, end in read.compounds for place in range(start, end)] == list(range(len(read.words)))


def test_only_the_head_and_the_tail_of_a_long_text_are_scored() -> None:
    text = "a" * HEAD_CHARACTERS + "b" * 50_000 + "c" * TAIL_CHARACTERS
    assert bounded(text) == "a" * HEAD_CHARACTERS + "\n" + "c" * TAIL_CHARACTERS
    assert bounded("ngắn") == "ngắn"


def test_no_shorthand_stands_for_itself_and_all_are_expanded_once() -> None:
    shorthand = load_shorthand()
    assert len(shorthand.words) > 100
    for key, words in shorthand.words.items():
        assert (key,) != words
        assert all(word not in shorthand.words or shorthand.words[word] == (word,) for word in words), key
