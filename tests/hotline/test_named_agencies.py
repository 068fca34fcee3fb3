"""The bodies a citizen's words name: without diacritics, abbreviated, decomposed, generic or by a former name."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.agencies import Agency, load_directory
from hotline.named_agencies import find_named_agencies

directory = load_directory("ha-giang-2023")
TODAY = date(2026, 11, 24)
HA_GIANG_1, HA_GIANG_2, NGOC_DUONG = "00694", "00691", "00700"
days = st.dates(date(2023, 1, 1), date(2030, 12, 31))

NAMED = [
    ("trạm y tế xã Ngọc Đường thu thêm tiền", {"tram-y-te-xa-00700"}),
    ("ubnd phường hà giang 1 không trả lời", {"ubnd-xa-00694"}),
    ("UBND P. Hà Giang 1", {"ubnd-xa-00694"}),
    ("chu tich ubnd xa ngoc duong", {"ubnd-xa-00700"}),
    ("địa chính phường đòi tiền", {"phong-kinh-te-xa-00691", "phong-kinh-te-xa-00694"}),
    ("dia chinh phuong ha giang 2", {"phong-kinh-te-xa-00691"}),
    ("bộ phận một cửa xã Ngọc Đường", {"tt-pvhcc-xa-00700"}),
    (
        "Phòng Tài nguyên và Môi trường thành phố Hà Giang",
        {"so-nnmt-tq", *(f"phong-kinh-te-xa-{c}" for c in (HA_GIANG_1, HA_GIANG_2, NGOC_DUONG))},
    ),
    ("UBND phường Trần Phú", {"ubnd-xa-00691"}),
    ("công an p. hà giang 2", {"cong-an-xa-00691"}),
    ("Thanh tra tỉnh", {"thanh-tra-tinh-tq"}),
    ("Điện lực cắt điện", {"dien-luc-tq"}),
    ("UB xã Ngọc Đường bắt chờ", {"ubnd-xa-00700"}),
    ("CA phường Hà Giang 2 thu phạt", {"cong-an-xa-00691"}),
    ("pct ubnd xa ngoc duong", {"ubnd-xa-00700"}),
    ("TYT xã Ngọc Đường", {"tram-y-te-xa-00700"}),
    ("cả phường ai cũng biết", set()),
    ("cả xã Ngọc Đường mất điện", set()),
    ("đường hỏng, rác nhiều", set()),
    ("", set()),
]


@pytest.mark.parametrize(("text", "named"), NAMED)
def test_the_bodies_a_text_names_are_found(text: str, named: set[str]):
    assert find_named_agencies(text, directory, TODAY) == named


def test_a_decomposed_text_names_the_same_bodies():
    for text, named in NAMED:
        assert find_named_agencies(unicodedata.normalize("NFD", text), directory, TODAY) == named


@given(text=st.text(max_size=200), on=days)
def test_whatever_is_named_existed_on_the_day(text: str, on: date):
    named = find_named_agencies(f"UBND phường Trần Phú {text} phòng nội vụ", directory, on)
    assert all(directory.get(agency).is_active(on) for agency in named)


@pytest.mark.parametrize("agency", directory.active(TODAY), ids=lambda agency: agency.id)
def test_every_body_of_today_is_found_by_its_own_name(agency: Agency):
    assert agency.id in find_named_agencies(f"Tôi phản ánh {agency.name} nhiều lần", directory, TODAY)
