"""Which messages may be about the same trouble: pairs that a clerk can check, and what keys and signatures promise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from hotline.facts import Channel
from services.classify.documents import Classification
from services.classify.likeness import (
    MOST_SIMILAR,
    NEAR_BANDS,
    WIDE_BANDS,
    keys_of,
    likest,
    resemblance,
    signature_of,
)
from services.classify.normalise import folded_words
from tests.contract.facts_for_tests import judged

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HERE, THERE = "00691", "00694"
HOLE = "Đường trước cổng trường tiểu học Nguyễn Du có ổ gà rất sâu, xe máy hay ngã, đề nghị sửa"
NO_WATER = "Bản Muồng bị cúp nước 3 ngày rồi, không có nước nấu ăn"
DARK = "Đèn đường ngõ 12 phố Trần Phú hỏng cả tuần, tối đi lại nguy hiểm"
GARBAGE = "Bãi rác đầu chợ Đồng Tâm bốc mùi hôi thối, không ai thu gom"


def message(text: str, feedback_id: str = "f1", commune: str = HERE, *, days: float = 0) -> Classification:
    """Return an open message received `days` after the first."""
    said = judged()
    return Classification(
        feedback_id=feedback_id, channel=Channel.WEB, received_at=AT + timedelta(days=days), text=text, place_name="",
        source_order=(0, 1), suggested=said, state=said, commune_code=commune, signature=signature_of(text),
    )  # fmt: skip


def is_found(one: Classification, other: Classification) -> bool:
    """Say whether a message is looked up by a key of another and is like it then."""
    return bool(set(keys_of(one)) & set(keys_of(other))) and likest(one, [other]) == [other]


# Two messages | the commune of the second, and how many days after the first | whether they may be the same trouble
PAIRS: dict[str, tuple[str, str, str, float, bool]] = {
    "the same words": (HOLE, HOLE, HERE, 0, True),
    "without diacritics": (HOLE, "duong truoc cong truong tieu hoc nguyen du co o ga sau, xe may nga", HERE, 1, True),
    "teencode": (NO_WATER, "ban muong bi cup nuoc 3 ngay r, ko co nc nau an", HERE, 1, True),
    "other words": (HOLE, "Ổ gà lớn trước trường tiểu học Nguyễn Du, hôm qua học sinh ngã xe máy", HERE, 2, True),
    "other order": (DARK, "Tối đi lại ngõ 12 Trần Phú nguy hiểm vì đèn đường hỏng cả tuần", HERE, 3, True),
    "other words of garbage": (GARBAGE, "cho Dong Tam rac boc mui hoi thoi, ko ai thu gom", HERE, 2, True),
    "two words are enough": ("Mất điện", "mat dien roi", HERE, 0, True),
    "within 30 days": (HOLE, HOLE, HERE, 29.9, True),
    "30 days later": (HOLE, HOLE, HERE, 30, False),
    "31 days before": (HOLE, HOLE, HERE, -31, False),
    "a copy from another commune": (HOLE, HOLE, THERE, 0, True),
    "other words from another commune": (
        HOLE,
        "Ổ gà lớn trước trường tiểu học Nguyễn Du, hôm qua học sinh ngã xe máy",
        THERE,
        0,
        False,
    ),
    "another trouble at the same school": (HOLE, "Trường tiểu học Nguyễn Du thu tiền quỹ lớp cao quá", HERE, 0, False),
    "another lamp": (DARK, "Đèn đường ở cầu Mè không sáng, mong thay bóng", HERE, 0, False),
    "another trouble": (HOLE, NO_WATER, HERE, 0, False),
    "only courtesies in common": (
        "Em chào anh chị, em mong mọi người giúp với ạ",
        "Em chào anh chị, nhờ xem hộ hồ sơ",
        HERE,
        0,
        False,
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_pair_may_be_the_same_trouble(case: str) -> None:
    first, second, commune, days, expected = PAIRS[case]
    one, other = message(first), message(second, "f2", commune, days=days)
    assert (is_found(one, other), is_found(other, one)) == (expected, expected)


@pytest.mark.parametrize("text", ["", "Mất", "12/5, 0912345678", "anh chị ơi", "!!!"])
def test_too_few_words_are_like_nothing(text: str) -> None:
    assert signature_of(text) == b"" and keys_of(message(text)) == ()
    assert likest(message(text), [message(text, "f2")]) == []


def test_a_restricted_message_has_no_keys_and_is_in_no_list_and_has_none() -> None:
    shut = replace(message(HOLE, "f2"), state=judged(restricted=True))
    assert keys_of(shut) == ()
    assert likest(message(HOLE), [shut]) == [] == likest(shut, [message(HOLE)])


def test_the_same_commune_comes_first_then_the_likest_then_the_newest() -> None:
    nearly = HOLE.removesuffix(", đề nghị sửa") + " gấp quá trời"
    found = [
        message(HOLE, "elsewhere", THERE),
        message(nearly, "nearly"),
        message(HOLE, "older", days=-2),
        message(HOLE, "newer", days=-1),
        message(HOLE, "f1"),
    ]
    ids = [other.feedback_id for other in likest(message(HOLE), found)]
    assert ids == ["newer", "older", "nearly", "elsewhere"]


def test_no_more_are_kept_than_a_person_reads() -> None:
    crowd = [message(HOLE, f"f{number}", days=-number / 10) for number in range(2, 40)]
    ids = [other.feedback_id for other in likest(message(HOLE), crowd)]
    assert ids == [f"f{number}" for number in range(2, 2 + MOST_SIMILAR)]


def test_a_signature_tells_the_share_of_words_in_common() -> None:
    words = [f"{letter}{vowel}n" for letter in "bcdghklmnt" for vowel in ("a", "e", "i", "o", "u")]
    for share in (0.2, 0.35, 0.5, 0.8):
        common = round(len(words) * share)
        one, other = " ".join(words[:common]), " ".join(words)
        assert set(folded_words(one)) <= set(folded_words(other))
        assert resemblance(signature_of(one), signature_of(other)) == pytest.approx(share, abs=0.12)


def test_a_message_has_a_key_for_every_band() -> None:
    keys = keys_of(message(HOLE))
    assert len(set(keys)) == NEAR_BANDS[1] + WIDE_BANDS[1]
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert len(set(keys) & set(keys_of(message(HOLE, "f2", THERE)))) == WIDE_BANDS[1]


def test_signatures_and_keys_are_the_same_in_every_release() -> None:
    signature = signature_of("Mất nước ở Bản Muồng")
    assert sha256(signature).hexdigest()[:16] == "345d267c04eb35f0"
    assert keys_of(message("Mất nước ở Bản Muồng"))[0] == 1262324493662451532
