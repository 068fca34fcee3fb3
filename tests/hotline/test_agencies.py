"""The directory of bodies: who existed when, who is above whom, who took over; and what a broken file says."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.agencies import UnknownAgency, UnknownLocality, load_directory, read_directory
from hotline.agency_file import DirectoryInvalid

directory = load_directory("ha-giang-2023")
PLAN_DAY, TODAY = date(2023, 9, 1), date(2026, 11, 24)
agency_ids = st.sampled_from([agency.id for agency in directory.agencies])
days = st.dates(date(2023, 5, 1), date(2030, 12, 31))


def ids(agencies: object) -> list[str]:
    return [agency.id for agency in agencies]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("agency_id", "name"),
    [
        ("ubnd-xa-00694", "UBND phường Hà Giang 1"),
        ("ubnd-xa-00691", "UBND phường Hà Giang 2"),
        ("ubnd-xa-00700", "UBND xã Ngọc Đường"),
        ("phong-kinh-te-xa-00694", "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 1"),
        ("phong-kinh-te-xa-00700", "Phòng Kinh tế xã Ngọc Đường"),
        ("van-phong-xa-00700", "Văn phòng HĐND và UBND xã Ngọc Đường"),
        ("cong-an-xa-00691", "Công an phường Hà Giang 2"),
        ("thanh-tra-tinh-tq", "Thanh tra tỉnh Tuyên Quang"),
    ],
)
def test_the_bodies_of_today_carry_todays_names(agency_id: str, name: str):
    agency = directory.get(agency_id)
    assert agency.name == name
    assert agency.is_active(TODAY)
    assert not agency.is_active(PLAN_DAY)


def test_the_city_ended_with_the_district_level():
    for agency_id in ("ubnd-tp-hg", "phong-kinh-te-hg", "thanh-tra-tp-hg", "ubnd-tinh-hg", "ubnd-xa-00946-cu"):
        assert directory.get(agency_id).is_active(date(2025, 6, 30))
        assert not directory.get(agency_id).is_active(date(2025, 7, 1))
    assert directory.get("cong-an-tp-hg").valid_to == date(2025, 2, 28)


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ("00688", "00691"),  # Quang Trung
        ("00691", "00691"),  # Trần Phú
        ("00692", "00691"),  # Ngọc Hà
        ("00694", "00694"),  # Nguyễn Trãi
        ("00697", "00691"),  # Minh Khai
        ("00700", "00700"),  # Ngọc Đường
        ("00946", "00694"),  # Phương Độ
        ("00949", "00694"),  # Phương Thiện
    ],
)
def test_former_communes_lead_to_the_ones_they_were_joined_into(former: str, today: str):
    assert ids(directory.successors(f"ubnd-xa-{former}-cu", TODAY)) == [f"ubnd-xa-{today}"]


def test_an_office_that_went_to_the_communes_is_followed_to_the_one_of_the_matter():
    assert ids(directory.successors("phong-kinh-te-hg", PLAN_DAY)) == ["phong-kinh-te-hg"]
    after = ids(directory.successors("phong-kinh-te-hg", TODAY))
    assert after == [*(f"phong-kinh-te-xa-{code}" for code in ("00691", "00694", "00700")), "so-cong-thuong-tq"]
    for commune, expected in [("00700", "phong-kinh-te-xa-00700"), (None, "so-cong-thuong-tq")]:
        acting = directory.acting("phong-kinh-te-hg", TODAY, commune)
        assert acting is not None
        assert acting.id == expected


def test_nobody_acts_for_a_body_before_it_existed():
    assert directory.successors("ubnd-xa-00691", PLAN_DAY) == ()
    assert directory.acting("ubnd-xa-00691", PLAN_DAY, "00691") is None


def test_the_chain_of_superiors_is_that_of_the_day():
    assert ids(directory.superiors("tram-y-te-xa-00691", TODAY)) == ["ubnd-xa-00691", "ubnd-tinh-tq"]
    assert ids(directory.superiors("ubnd-xa-00691-cu", PLAN_DAY)) == ["ubnd-tp-hg", "ubnd-tinh-hg"]
    assert ids(directory.superiors("cong-an-xa-00691-cu", date(2025, 4, 1))) == ["cong-an-tinh-hg"]
    assert ids(directory.superiors("ubnd-tinh-tq", TODAY)) == []


def test_subordinates_reach_down_to_the_last_level():
    below = directory.subordinates("ubnd-tinh-tq")
    assert {"ubnd-xa-00691", "van-phong-xa-00691", "so-nnmt-tq", "ttyt-kv-tq", "thanh-tra-tinh-tq"} <= below
    assert "cong-an-tinh-tq" not in below
    assert directory.subordinates("van-phong-xa-00691") == frozenset()


def test_an_office_of_a_commune_is_the_one_of_the_day():
    for on, expected in [(PLAN_DAY, "ubnd-xa-00691-cu"), (TODAY, "ubnd-xa-00691")]:
        office = directory.office_of("ubnd-xa", "00691", on)
        assert office is not None
        assert office.id == expected
    assert directory.office_of("van-phong-xa", "00691", PLAN_DAY) is None
    assert directory.office_of("ubnd-xa", "24688", TODAY) is None
    assert directory.office_of("ubnd-xa", None, TODAY) is None


def test_the_locality_serves_its_communes_of_the_day():
    assert [code for code in ("00688", "00691", "00946", "24688") if directory.serves(code, PLAN_DAY)] == [
        "00688",
        "00691",
        "00946",
    ]
    assert [code for code in ("00688", "00691", "00694", "00700", None) if directory.serves(code, TODAY)] == [
        "00691",
        "00694",
        "00700",
    ]


@pytest.mark.parametrize(
    "agency_id", ["dien-luc-tq", "cap-thoat-nuoc-hg", "moi-truong-do-thi-hg", "toa-an-kv-tq", "truyen-thong-hg"]
)
def test_companies_courts_and_media_have_no_accounts(agency_id: str):
    assert not directory.get(agency_id).has_accounts


def test_what_the_province_must_confirm_is_marked():
    assert directory.get("phong-kinh-te-xa-00691").is_unverified
    assert directory.get("ubnd-xa-00946-cu").is_unverified
    assert not directory.get("phong-kinh-te-hg").is_unverified


@given(agency_id=agency_ids, on=days)
def test_every_ended_body_leads_to_living_ones(agency_id: str, on: date):
    bodies = directory.successors(agency_id, on)
    assert all(body.is_active(on) for body in bodies)
    if directory.get(agency_id).valid_from <= on:
        assert bodies


@given(agency_id=agency_ids, on=days)
def test_superiors_are_alive_and_never_the_body_itself(agency_id: str, on: date):
    above = ids(directory.superiors(agency_id, on))
    assert len(set(above)) == len(above)
    assert agency_id not in above
    assert all(directory.get(body).is_active(on) for body in above)


@given(on=days)
def test_active_bodies_are_those_whose_days_hold_it(on: date):
    active = set(ids(directory.active(on)))
    for agency in directory.agencies:
        assert (agency.id in active) == (agency.valid_from <= on and (agency.valid_to or on) >= on)


def test_unknown_ids_and_localities_are_refused():
    for ask in (directory.get, directory.subordinates):
        with pytest.raises(UnknownAgency):
            ask("khong-co")
    assert not directory.has("khong-co")
    with pytest.raises(UnknownLocality):
        load_directory("../ha-giang-2023")


GOOD = 'id = "{id}"\nname = "A"\nkind = "phong"\nlevel = "xa"\nvalid_from = 2023-05-01\n'


def broken(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "agencies-x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DirectoryInvalid) as refused:
        read_directory(path, "x")
    return refused.value.faults


def test_all_faults_between_bodies_are_named_at_once(tmp_path: Path):
    text = "".join(
        "[[agency]]\n" + GOOD.format(id=name) + more
        for name, more in [
            ("a", 'parent = "khong-co"\n'),
            ("b", 'successors = ["mat-roi"]\nvalid_to = 2025-06-30\n'),
            ("c", "valid_to = 2020-01-01\n"),
            ("d", 'parent = "e"\n'),
            ("e", 'parent = "d"\n'),
            ("a", ""),
        ]
    )
    assert sorted(broken(tmp_path, text)) == sorted(
        [
            "a: mã cơ quan lặp lại",
            "a: cấp trên không có: khong-co",
            "b: cơ quan kế thừa không có: mat-roi",
            "c: ngày hết hiệu lực trước ngày có hiệu lực",
            "c: đã kết thúc mà không có cơ quan kế thừa",
            "d: là cấp trên của chính mình",
            "e: là cấp trên của chính mình",
        ]
    )


def test_rows_that_cannot_be_read_are_all_named(tmp_path: Path):
    text = (
        '[[agency]]\nid = "a"\n[[agency]]\n' + GOOD.format(id="b") + "colour = 1\n"
        '[[commune]]\ncode = "99999"\nprovince = "08"\nvalid_from = 2025-07-01\n'
    )
    faults = broken(tmp_path, text)
    assert len(faults) == 3
    assert [fault.partition(":")[0] for fault in faults] == [
        "[[agency]] thứ 1 (a)",
        "[[agency]] thứ 2 (b)",
        "xã, phường không có mã 99999",
    ]


def test_a_file_that_is_no_toml_is_named(tmp_path: Path):
    assert broken(tmp_path, "[[agency")[0].startswith("không đọc được tệp")


def test_decomposed_names_in_a_file_are_composed(tmp_path: Path):
    import unicodedata

    path = tmp_path / "agencies-x.toml"
    text = "[[agency]]\n" + GOOD.format(id="a").replace('"A"', '"Sở Nội vụ"')
    path.write_text(unicodedata.normalize("NFD", text), encoding="utf-8")
    assert read_directory(path, "x").get("a").name == "Sở Nội vụ"
