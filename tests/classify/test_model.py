"""The trained model: plain messages in every spelling, and reasons in the text's own words."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.taxonomy import load_taxonomy
from hotline.text import clean, fold
from services.classify.judging import judge
from services.classify.model import Model
from services.classify.normalise import normalise
from services.classify.signs import danger_in, is_suspicious, signs_of
from services.classify.training_data import load_messages

PLAIN = (
    ("Ổ gà to giữa đường liên xã, xe máy ngã suốt, đề nghị vá lại", "6.3#giao_thong"),
    ("Xe rác cả tuần không tới thu gom, rác chất đống đầu ngõ", "6.3#rac_thai"),
    ("Mất điện từ tối qua tới giờ, điện lực không báo gì", "6.3#dien"),
    ("Nước máy yếu, cả tuần chỉ nhỏ giọt", "6.3#nuoc_sach"),
    ("Sóng điện thoại ở bản không có, mạng 4G không vào được", "8.2"),
    ("Hồ sơ làm sổ đỏ của nhà tôi nộp hai năm chưa được cấp", "5.3"),
    ("Quán karaoke hát tới nửa đêm, cả xóm không ngủ được", "6.4"),
    ("Trại heo xả nước thải ra suối hôi thối", "7.1"),
)


@pytest.mark.parametrize(("text", "code"), PLAIN)
def test_plain_messages_in_every_spelling(model: Model, text: str, code: str) -> None:
    spellings = (text, fold(text), text.upper(), unicodedata.normalize("NFD", text))
    assert [judgement.code for judgement in judge(model, spellings)] == [code] * len(spellings)


BRIBES = (
    "Cán bộ địa chính xã đòi 5 triệu mới ký giấy cho nhà tôi",
    "Bác sĩ trực gợi ý phong bì mới chịu mổ cho mẹ tôi",
    "Cô chủ nhiệm bắt đưa tiền mới xếp con tôi vào lớp chọn",
    "Chú công an phường nhận tiền của quán karaoke mỗi tháng",
    "Trưởng thôn ăn chặn tiền hỗ trợ của hộ nghèo",
)


@pytest.mark.parametrize("text", BRIBES)
def test_a_denunciation_stays_restricted_in_every_spelling(model: Model, text: str) -> None:
    spellings = (text, fold(text), text.upper(), unicodedata.normalize("NFD", text))
    assert all(judgement.restricted and judgement.needs_review for judgement in judge(model, spellings))


URGENT = (
    "Nhà bên cạnh đang cháy lớn, có người kẹt bên trong, cứu với",
    "Dây điện đứt rơi xuống đường đang tóe lửa, trẻ con đi học qua",
    "Chồng đang cầm dao rượt vợ trong hẻm, tới ngay",
)


@pytest.mark.parametrize("text", URGENT)
def test_present_danger_is_urgent_with_and_without_diacritics(model: Model, text: str) -> None:
    assert all(judgement.urgent for judgement in judge(model, (text, fold(text))))


DANGER = (
    ("Cứu với, nhà tôi đang cháy", ("Cứu với", "đang cháy")),
    ("cuu voi chay nha roi", ("cuu voi", "chay nha")),
    ("Xe đang chạy trên đường", ()),
    ("xe dang chay tren duong", ()),
    ("Quán bán thịt nướng cháy đen", ()),
)


@pytest.mark.parametrize(("text", "quoted"), DANGER)
def test_words_of_danger_are_quoted_as_written(text: str, quoted: tuple[str, ...]) -> None:
    assert danger_in(normalise(text)) == quoted


SUSPICION = (
    ("Cán bộ đòi phong bì", True),
    ("can bo doi phong bi", True),
    (unicodedata.normalize("NFD", "CÁN BỘ ĐÒI PHONG BÌ"), True),
    ("Có súng trong nhà", True),
    ("xin bo sung giay to", False),
    ("Chủ tịch xã hứa sửa đường", False),
    ("Ổ gà trước cổng trường tiểu học", False),
    ("", False),
)


@pytest.mark.parametrize(("text", "suspicious"), SUSPICION)
def test_words_of_gain_abuse_or_crime_are_suspicious_an_office_alone_is_not(text: str, suspicious: bool) -> None:
    assert is_suspicious(signs_of(normalise(text))) == suspicious


# A school, clinic, market or committee is where it happens, not what it is about.
SETTINGS = (
    ("Đường trước cổng trường tiểu học có ổ gà sâu", "6.3#giao_thong"),
    ("Đèn đường trước trạm y tế hỏng, tối om", "6.3#giao_thong"),
    ("Cống thoát nước cạnh chợ bị tắc, mưa là ngập đường", "6.3#giao_thong"),
    ("Cột điện trước cổng trường mầm non nghiêng, sắp đổ", "6.3#dien"),
    ("Rác chất đống trước cổng ủy ban xã không ai thu gom", "6.3#rac_thai"),
    ("Ống nước máy vỡ cạnh trường học, mất nước cả xóm", "6.3#nuoc_sach"),
)


@pytest.mark.parametrize(("text", "code"), SETTINGS)
def test_a_plain_matter_is_not_taken_for_its_place_and_stays_open(model: Model, text: str, code: str) -> None:
    assert [(j.code, j.restricted) for j in judge(model, (text, fold(text)))] == [(code, False)] * 2


@pytest.mark.slow
def test_reasons_are_pieces_of_the_text(model: Model) -> None:
    for message in load_messages()[::12]:
        for text in (message.text, fold(message.text), unicodedata.normalize("NFD", message.text)):
            assert all(piece and piece in clean(text) for piece in model.reasons(text, message.code or "0"))


def test_a_reason_names_the_matter(model: Model) -> None:
    reasons = model.reasons("Kính gửi xã, bác sĩ ở trạm y tế không có mặt, dân chờ từ sáng", "6.1")
    assert any("bác sĩ" in piece or "trạm y tế" in piece for piece in reasons)


@settings(max_examples=60)
@given(text=st.text(max_size=400))
def test_any_text_gets_probabilities(model: Model, text: str) -> None:
    (scores,) = model.score([text])
    assert {code for code, _ in scores.codes} == set(load_taxonomy().labels)
    assert sum(probability for _, probability in scores.codes) == pytest.approx(1.0)
    assert sum(probability for _, probability in scores.kinds) == pytest.approx(1.0)
    assert 0.0 <= scores.restricted <= 1.0 and 0.0 <= scores.urgent <= 1.0


SIZES = ("", "   ", "Đường hỏng nặng quá rồi", "Nước máy đục ngầu. " * 530, "Nước máy đục ngầu. " * 5_300)


@pytest.mark.parametrize("text", SIZES, ids=("empty", "blank", "five words", "10,000 characters", "100,000 characters"))
def test_any_length_is_judged(model: Model, text: str) -> None:
    (judgement,) = judge(model, [text])
    assert judgement.needs_review == (judgement.why != ())
    if not text.strip():
        assert judgement.needs_review and not judgement.restricted and judgement.reasons == ()


def test_a_batch_gives_what_one_by_one_gives(model: Model) -> None:
    texts = [message.text for message in load_messages()[::40]]
    assert judge(model, texts) == [judge(model, [text])[0] for text in texts]


def test_no_texts_give_no_scores(model: Model) -> None:
    assert model.score([]) == []
