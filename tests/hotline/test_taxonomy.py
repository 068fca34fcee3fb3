"""The scheme HG-2023 as the plan's annex prints it, and what each audience is shown of it."""

import unicodedata

import pytest

from hotline.taxonomy import (
    RESTRICTED_CODES,
    SCHEME,
    PetitionKind,
    UnknownCode,
    UnknownScheme,
    base_code,
    is_restricted_code,
    load_taxonomy,
)

# Typed from the annex of the plan (the misprint "tham những" in 4.1-4.3 read as "tham nhũng").
ANNEX = {
    "1.1": "Tri thức công dân",
    "1.2": "Cơ hội tham gia",
    "1.3": "Chất lượng bầu cử",
    "1.4": "Đóng góp tự nguyện",
    "2.1": "Tiếp cận thông tin",
    "2.2": "Công khai danh sách hộ nghèo",
    "2.3": "Công khai thu, chi ngân sách cấp xã",
    "2.4": "Quy hoạch, kế hoạch sử dụng đất; giá bồi thường thu hồi đất",
    "3.1": "Hiệu quả tương tác với các cấp chính quyền",
    "3.2": "Giải đáp khiếu nại, tố cáo, khúc mắc của người dân",
    "3.3": "Tiếp cận dịch vụ tư pháp",
    "4.1": "Kiểm soát tham nhũng trong chính quyền địa phương",
    "4.2": "Kiểm soát tham nhũng trong cung ứng dịch vụ y tế",
    "4.3": "Kiểm soát tham nhũng trong cung ứng dịch vụ công Giáo dục tiểu học",
    "4.4": "Công bằng trong tuyển dụng vào khu vực công",
    "4.5": "Quyết tâm phòng chống tham nhũng của chính quyền",
    "5.1": "Việc giải quyết TTHC ở các cấp",
    "5.2": "Dịch vụ hành chính cấp phép xây dựng",
    "5.3": "Dịch vụ hành chính cấp giấy CNQSDĐ",
    "6.1": "Y tế công lập",
    "6.2": "Giáo dục tiểu học công lập",
    "6.3": "Cơ sở hạ tầng căn bản",
    "6.4": "An ninh, trật tự khu dân cư",
    "7.1": "Nghiêm túc trong bảo vệ môi trường",
    "7.2": "Chất lượng không khí",
    "7.3": "Chất lượng nguồn nước sinh hoạt",
    "8.1": "Sử dụng công nghệ thông tin điện tử của chính quyền địa phương",
    "8.2": "Tiếp cận và sử dụng Internet tại địa phương",
    "8.3": "Phúc đáp của chính quyền qua cổng Thông tin điện tử",
}

DIMENSIONS = {
    "1": "Tham gia của người dân ở cấp cơ sở",
    "2": "Công khai, minh bạch trong việc ra quyết định ở địa phương",
    "3": "Trách nhiệm giải trình với người dân",
    "4": "Kiểm soát tham nhũng trong khu vực công",
    "5": "Thủ tục hành chính công",
    "6": "Cung ứng dịch vụ công",
    "7": "Quản trị môi trường",
    "8": "Quản trị điện tử",
}

SUB_TOPICS_OF_6_3 = {
    "6.3#dien": "6.3 Cơ sở hạ tầng căn bản (điện sinh hoạt)",
    "6.3#giao_thong": "6.3 Cơ sở hạ tầng căn bản (giao thông)",
    "6.3#rac_thai": "6.3 Cơ sở hạ tầng căn bản (thu gom rác thải)",
    "6.3#nuoc_sach": "6.3 Cơ sở hạ tầng căn bản (nước sạch sinh hoạt)",
}

# Where the plan's codes and the official PAPI codes part ways.
CROSSWALK = {"4.1": ("4.1",), "4.2": ("4.2",), "4.3": ("4.2",), "4.4": ("4.3",), "4.5": ("4.4",), "5.1": ("5.1", "5.4")}

taxonomy = load_taxonomy()


def test_the_29_indicators_carry_the_names_of_the_annex_in_its_order():
    assert {row.code: row.name_vi for row in taxonomy.indicators} == ANNEX
    assert [row.code for row in taxonomy.indicators] == list(ANNEX)


def test_the_33_labels_are_the_indicators_with_6_3_split_in_four_and_zero():
    expected = [code for code in ANNEX if code != "6.3"] + list(SUB_TOPICS_OF_6_3) + ["0"]
    assert sorted(taxonomy.labels) == sorted(expected)
    assert len(taxonomy.labels) == 33
    assert "6.3" not in taxonomy.labels


@pytest.mark.parametrize(("code", "shown"), SUB_TOPICS_OF_6_3.items())
def test_staff_see_a_sub_topic_behind_its_indicator(code: str, shown: str):
    assert taxonomy.display_name(code) == shown


def test_land_has_two_sub_topics_with_a_lead_of_their_own():
    assert [row.code for row in taxonomy.sub_topics_of("2.4")] == ["2.4#quy_hoach", "2.4#boi_thuong"]
    assert taxonomy.sub_topics_of("1.1") == ()


@pytest.mark.parametrize("code", load_taxonomy().labels)
def test_a_citizen_sees_the_dimension_and_never_the_code(code: str):
    expected = "Nội dung khác" if code == "0" else DIMENSIONS[code[0]]
    assert taxonomy.field_name(code) == expected
    assert taxonomy.field_name(code, "en") != taxonomy.field_name(code)
    assert not any(character.isdigit() for character in taxonomy.field_name(code))


def test_what_is_no_indicator_is_other_matters():
    assert taxonomy.field_name("0", "en") == "Other matters"
    assert taxonomy.display_name("0") == "Nội dung khác"


@pytest.mark.parametrize("code", list(ANNEX))
def test_the_crosswalk_names_the_official_sub_dimension(code: str):
    assert taxonomy.indicator(code).official == CROSSWALK.get(code, (code,))


def test_every_name_is_in_both_languages_composed_and_spelt_right():
    for row in (*taxonomy.indicators, *taxonomy.sub_topics, taxonomy.other):
        assert unicodedata.is_normalized("NFC", row.name_vi)
        assert "tham những" not in row.name_vi
        assert row.name_en
        assert row.name_en != row.name_vi


def test_every_indicator_and_sub_topic_says_which_line_of_the_plan_it_is_from():
    lines = [int(row.source.removeprefix("seed 001, dòng ")) for row in (*taxonomy.indicators, *taxonomy.sub_topics)]
    assert all(194 <= line <= 261 for line in lines)
    assert [int(row.source.rpartition(" ")[2]) for row in taxonomy.indicators] == sorted(
        int(row.source.rpartition(" ")[2]) for row in taxonomy.indicators
    )


@pytest.mark.parametrize("code", ["", "9.9", "6.3#", "6.3#xe", "6.3#DIEN", "#dien", "00", "1"])
def test_an_unknown_code_is_refused_by_name(code: str):
    assert not taxonomy.has(code)
    with pytest.raises(UnknownCode) as refused:
        taxonomy.indicator(code)
    assert refused.value.code == code
    assert repr(code) in str(refused.value)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UnknownScheme):
        load_taxonomy("HG-1999")


def test_corruption_contents_are_restricted_whatever_their_sub_topic():
    assert set(RESTRICTED_CODES) == {"4.1", "4.2", "4.3", "4.4", "4.5"}
    assert is_restricted_code("4.5#ke_khai_tai_san")
    assert not is_restricted_code("3.2")
    assert not is_restricted_code("6.1")
    assert base_code("4.5#ke_khai_tai_san") == "4.5"


def test_the_scheme_is_named_with_its_version():
    assert (taxonomy.scheme, taxonomy.version) == (SCHEME, "2023")


def test_the_kinds_of_petition_are_the_seven_of_the_law():
    assert {kind.value for kind in PetitionKind} == {
        "phan_anh_kien_nghi",
        "khieu_nai",
        "to_cao",
        "tin_bao_toi_pham",
        "khan_cap",
        "yeu_cau_thong_tin",
        "khac",
    }
