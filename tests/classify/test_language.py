"""Which language a message is in: Vietnamese in every way it is typed, everything else by name or `und`."""

import unicodedata

import pytest

from hotline.text import fold
from services.classify.language import detect
from services.classify.training_data import load_messages

VIETNAMESE = (
    "Đường trước nhà tôi hỏng nặng, đề nghị sửa",
    "duong truoc nha toi hong nang de nghi sua",
    "mat nuoc 3 ngay roi",
    "ko co nuoc sach dung, goi hoai hok ai nghe",
    "nước",
    "duong hong",
    "dduwowngf hongr, nuowcs ngaapj",
    "dien yeu qua ad oi",
    "mất mạng wifi viettel",
    "VNeID bi loi dang nhap",
    "vneid ko vao dc",
    "CD pa P. Trần Phú mất điện",
    "y ta tiem nham, de quen, thieu trach nhiem",
    unicodedata.normalize("NFD", "Rác ở tổ dân phố 5 chưa ai gom"),
    "Nu\u031bo\u031b\u0301c sông đen kịt",
)

OTHERS = (
    ("The street in front of my house is flooded", "en"),
    ("Water no come three day", "en"),
    ("Please help", "en"),
    ("La route devant ma maison est cassée depuis deux mois", "fr"),
    ("Bonjour, il y a un problème d'eau", "fr"),
    ("Kuv nyob hauv lub zos tsis muaj dej haus, thov pab", "hmn"),
    ("Peb cov menyuam tsis tau mus kawm ntawv", "hmn"),
    ("Khỏi dú bản Nà Lùng, bấu mì nặm kin, xo cần mà chòi hẩu", "tyz"),
    ("Tàng pây slâu rại lai, phân tốc pây mà bấu đảy", "tyz"),
    ("Die Straße ist kaputt", "de"),
    ("Jalan di depan rumah saya rusak", "id"),
    ("យើងគ្មានទឹកស្អាត", "km"),
    ("ຖະໜົນເພ", "lo"),
    ("我们村没有水", "zh"),
    ("Улица разбита", "ru"),
    ("1234", "und"),
    ("!!!", "und"),
    ("", "und"),
    ("🙂", "und"),
    ("asdf qwer zxcv", "und"),
)


@pytest.mark.parametrize("text", VIETNAMESE)
def test_vietnamese_is_vietnamese_however_it_is_typed(text: str) -> None:
    assert detect(text).code == "vi"
    assert detect(text).is_vietnamese


@pytest.mark.parametrize(("text", "code"), OTHERS)
def test_other_languages_are_named_and_not_vietnamese(text: str, code: str) -> None:
    assert detect(text).code == code
    assert not detect(text).is_vietnamese


@pytest.mark.slow
def test_nearly_every_training_message_is_vietnamese_with_and_without_diacritics() -> None:
    messages = load_messages()[::4]  # enough for a share of one in two hundred, in a quarter of the time
    as_written = sum(detect(message.text).is_vietnamese for message in messages)
    folded = sum(detect(fold(message.text)).is_vietnamese for message in messages)
    assert as_written >= 0.995 * len(messages)
    assert folded >= 0.995 * len(messages)


def test_the_same_text_always_gets_the_same_name() -> None:
    text = "Facebook Zalo VNeID OTP error"
    assert len({detect(text).code for _ in range(20)}) == 1


def test_a_long_text_is_named_by_its_beginning() -> None:
    assert detect("Đường hỏng nặng quá. " * 2_000).code == "vi"
