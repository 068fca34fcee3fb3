"""Who gets a ticket: the plan's table as printed, the same contents today, and never the unit it is about."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.agencies import UnknownAgency
from hotline.place_words import expand, key
from hotline.places import load_gazetteer
from hotline.taxonomy import PetitionKind, UnknownCode
from services.respond.routing import Route, choose, load_profile

profile = load_profile("ha-giang-2023")
directory = profile.directory

PLAN_DAY = date(2023, 9, 1)
TODAY = date(2026, 11, 24)
TRAN_PHU, PHUONG_DO = "00691", "00946"  # a phường and a xã of 2023
HA_GIANG_1, HA_GIANG_2, NGOC_DUONG = "00694", "00691", "00700"
FEEDBACK = PetitionKind.PHAN_ANH_KIEN_NGHI
COMMUNE = "UBND xã, phường"

# The annex as printed: code, line of the annex, who follows ("chủ trì theo dõi"), who does the work ("thực hiện").
# "Các cơ quan, đơn vị liên quan" names no body one can send to and is left out of the last column.
ANNEX = [
    ("1.1", 194, "Phòng Văn hóa – Thông tin", [COMMUNE]),
    ("1.2", 195, "Phòng Nội vụ", ["UBMTTQ thành phố", COMMUNE]),
    ("1.3", 196, "Phòng Nội vụ", ["UBMTTQVN thành phố", COMMUNE]),
    ("1.4", 197, "Phòng Tài chính – Kế hoạch", [COMMUNE]),
    ("2.1", 199, "Phòng Tư pháp", [COMMUNE]),
    ("2.2", 200, "Phòng Lao động, Thương binh và xã hội", [COMMUNE]),
    ("2.2#cong_khai", 200, "Phòng Lao động, Thương binh và xã hội", [COMMUNE]),
    ("2.2#kiem_tra", 204, "Phòng Lao động, Thương binh và xã hội", [COMMUNE]),
    ("2.3", 205, "Phòng Tài chính- Kế hoạch", [COMMUNE]),
    ("2.4", 206, "Phòng Tài nguyên và Môi trường", [COMMUNE]),
    ("2.4#quy_hoach", 206, "Phòng Tài nguyên và Môi trường", [COMMUNE]),
    ("2.4#boi_thuong", 207, "Hội đồng bồi thường giải phóng mặt bằng", [COMMUNE]),
    ("3.1", 211, "Phòng Nội vụ", [COMMUNE]),
    ("3.2", 212, "Thanh tra thành phố", [COMMUNE]),
    ("3.3", 213, "Phòng Tư pháp", ["Tòa án nhân dân thành phố"]),
    ("4.1", 218, "Thanh tra thành phố", []),  # printed: các cơ quan truyền thông, who never get a 4.x
    ("4.2", 219, "Văn phòng HĐND-UBND thành phố", []),  # printed: Trung tâm y tế, the unit it is about
    ("4.3", 220, "Phòng Giáo dục và Đào tạo", [COMMUNE]),
    ("4.4", 221, "Phòng Nội vụ", [COMMUNE]),
    ("4.5", 224, "Thanh tra thành phố", [COMMUNE]),
    ("4.5#cong_khai_ket_luan", 224, "Thanh tra thành phố", [COMMUNE]),
    ("4.5#ke_khai_tai_san", 225, "Thanh tra thành phố", [COMMUNE]),
    ("5.1", 227, "Văn phòng HĐND-UBND thành phố", [COMMUNE]),
    ("5.1#ra_soat", 227, "Văn phòng HĐND-UBND thành phố", [COMMUNE]),
    ("5.1#giai_quyet", 228, "Văn phòng HĐND-UBND thành phố", [COMMUNE]),
    ("5.1#kiem_soat_tthc", 229, "Văn phòng HĐND-UBND thành phố", []),
    ("5.2", 232, "Phòng QLĐT", [COMMUNE]),
    ("5.3", 233, "Phòng Tài nguyên và Môi trường", ["Phòng TN&MT", COMMUNE]),
    ("6.1", 237, "Văn phòng HĐND-UBND thành phố", ["Trung tâm y tế thành phố"]),
    ("6.1#bhyt", 235, "Văn phòng HĐND-UBND thành phố", ["UBMTTQVN thành phố", COMMUNE, "các cơ quan truyền thông"]),
    ("6.1#ung_xu", 236, "Văn phòng HĐND-UBND thành phố", ["Trung tâm y tế thành phố"]),
    ("6.1#phan_anh_phuc_vu", 237, "Văn phòng HĐND-UBND thành phố", ["Trung tâm y tế thành phố"]),
    ("6.2", 241, "Phòng Giáo dục và Đào tạo", [COMMUNE]),
    ("6.3#dien", 242, "Phòng Kinh Tế", ["Điện lực thành phố"]),
    ("6.3#giao_thong", 243, "Phòng Quản lý đô thị", [COMMUNE]),
    ("6.3#rac_thai", 246, "Phòng Tài Nguyên và Môi trường", ["Công ty cổ phần Môi trường đô thị Hà Giang"]),
    ("6.3#nuoc_sach", 247, "Phòng Kinh tế", ["Công ty Cổ phần cấp thoát nước Hà Giang"]),
    ("6.4", 248, "Công an thành phố", ["Công an xã, phường"]),
    ("7.1", 252, "Phòng Tài nguyên và Môi trường", [COMMUNE]),
    ("7.2", 253, "Phòng Kinh tế", []),
    ("7.3", 254, "Phòng Tài nguyên và Môi trường", []),
    ("8.1", 256, "Văn phòng HĐND-UBND thành phố", ["Phòng văn hóa thông tin", "phòng Tài chính kế hoạch", COMMUNE]),
    ("8.2", 260, "Phòng văn hóa - Thông tin", [COMMUNE]),
    ("8.3", 261, "Văn phòng HĐND-UBND thành phố", []),
]

# Where the plan's city offices went in a commune of today (NĐ 150/2025/NĐ-CP), and who leads when none is named.
OFFICE, ECONOMY, SOCIETY, POLICE = "van-phong-xa", "phong-kinh-te-xa", "phong-vhxh-xa", "cong-an-xa"
INSPECTORATE = "thanh-tra-tinh-tq"
TODAYS_LEADS = [
    ("1.1", SOCIETY, "so-vhttdl-tq"),
    ("1.2", SOCIETY, "so-noi-vu-tq"),
    ("1.3", SOCIETY, "so-noi-vu-tq"),
    ("1.4", ECONOMY, "so-tai-chinh-tq"),
    ("2.1", OFFICE, "so-tu-phap-tq"),
    ("2.2", SOCIETY, "so-noi-vu-tq"),
    ("2.3", ECONOMY, "so-tai-chinh-tq"),
    ("2.4", ECONOMY, "so-nnmt-tq"),
    ("2.4#boi_thuong", ECONOMY, "so-nnmt-tq"),
    ("3.1", SOCIETY, "so-noi-vu-tq"),
    ("3.2", INSPECTORATE, INSPECTORATE),
    ("3.3", OFFICE, "so-tu-phap-tq"),
    ("4.1", INSPECTORATE, INSPECTORATE),
    ("4.2", OFFICE, "so-y-te-tq"),
    ("4.3", SOCIETY, "so-gddt-tq"),
    ("4.4", SOCIETY, "so-noi-vu-tq"),
    ("4.5", INSPECTORATE, INSPECTORATE),
    ("5.1", OFFICE, "van-phong-ubnd-tinh-tq"),
    ("5.2", ECONOMY, "so-xay-dung-tq"),
    ("5.3", ECONOMY, "so-nnmt-tq"),
    ("6.1", OFFICE, "so-y-te-tq"),
    ("6.2", SOCIETY, "so-gddt-tq"),
    ("6.3#dien", ECONOMY, "so-cong-thuong-tq"),
    ("6.3#giao_thong", ECONOMY, "so-xay-dung-tq"),
    ("6.3#rac_thai", ECONOMY, "so-nnmt-tq"),
    ("6.3#nuoc_sach", ECONOMY, "so-nnmt-tq"),
    ("6.4", POLICE, "cong-an-tinh-tq"),
    ("7.1", ECONOMY, "so-nnmt-tq"),
    ("7.2", ECONOMY, "so-nnmt-tq"),
    ("7.3", ECONOMY, "so-nnmt-tq"),
    ("8.1", OFFICE, "van-phong-ubnd-tinh-tq"),
    ("8.2", SOCIETY, "so-khcn-tq"),
    ("8.3", OFFICE, "van-phong-ubnd-tinh-tq"),
    ("0", OFFICE, "van-phong-ubnd-tinh-tq"),
]

ANSWERED_BY_THE_COMMUNE = {"1.1", "1.3", "1.4", "2.1", "2.2", "2.3", "3.1", "7.1", "8.2"}


def route(
    code: str,
    commune: str | None = HA_GIANG_2,
    on: date = TODAY,
    kind: PetitionKind = FEEDBACK,
    named: frozenset[str] = frozenset(),
    restricted: bool = False,
) -> Route:
    return choose(
        profile, code=code, kind=kind, commune_code=commune, on=on, named_agency_ids=named, restricted=restricted
    )


def is_called(agency_id: str, printed: str) -> bool:
    agency = directory.get(agency_id)
    return key(expand(printed)) in {key(expand(name)) for name in (agency.name, *agency.aliases)}


@pytest.mark.parametrize(("code", "line", "lead", "doers"), ANNEX)
def test_in_2023_the_plan_is_followed_as_printed(code: str, line: int, lead: str, doers: list[str]):
    got = route(code, TRAN_PHU, PLAN_DAY)
    expected = [
        {COMMUNE: "UBND phường Trần Phú", "Công an xã, phường": "Công an phường Trần Phú"}.get(doer, doer)
        for doer in doers
    ]
    assert is_called(got.agency_id, lead), got.agency_id
    assert len(got.implementer_ids) == len(expected)
    assert all(is_called(agency, doer) for agency, doer in zip(got.implementer_ids, expected, strict=True))
    assert got.source == f"seed 001, dòng {line}"


def test_the_plan_has_a_row_for_every_label():
    printed = {code for code, *_ in ANNEX}
    assert set(profile.taxonomy.labels) - {"0"} <= printed
    assert {row.code for row in profile.taxonomy.sub_topics} <= printed


def test_one_row_has_two_leads():
    got = route("5.1#giai_quyet", TRAN_PHU, PLAN_DAY)
    assert got.co_lead_ids == ("phong-noi-vu-hg",)
    assert "Phòng Nội vụ theo dõi" in got.reason


@pytest.mark.parametrize("code", ["6.3#rac_thai", "6.3#nuoc_sach"])
def test_waste_and_water_are_also_the_three_rural_communes_work(code: str):
    assert is_called(route(code, PHUONG_DO, PLAN_DAY).implementer_ids[1], "UBND xã Phương Độ")
    assert route(code, NGOC_DUONG).implementer_ids[1] == "ubnd-xa-00700"
    assert len(route(code, HA_GIANG_2).implementer_ids) == 1


@pytest.mark.parametrize(("code", "in_a_commune", "in_none"), TODAYS_LEADS)
@pytest.mark.parametrize("commune", [HA_GIANG_1, HA_GIANG_2, NGOC_DUONG])
def test_today_the_bodies_that_took_over_lead(code: str, in_a_commune: str, in_none: str, commune: str):
    expected = in_a_commune if in_a_commune == INSPECTORATE else f"{in_a_commune}-{commune}"
    assert route(code, commune).agency_id == expected
    assert route(code, None).agency_id == in_none


def test_the_table_of_today_covers_every_label():
    assert set(profile.taxonomy.labels) <= {code for code, *_ in TODAYS_LEADS}


@pytest.mark.parametrize("code", [code for code, *_ in TODAYS_LEADS if code != "6.4"])
def test_the_commune_answers_where_its_committee_does_the_work(code: str):
    expected = "ubnd-xa-00691" if code in ANSWERED_BY_THE_COMMUNE else route(code).agency_id
    assert route(code).answers == expected
    assert route(code, None).answers == route(code, None).agency_id


def test_security_is_answered_by_the_communes_police():
    assert route("6.4", TRAN_PHU, PLAN_DAY).answers == "cong-an-xa-00691-cu"
    assert route("6.4", HA_GIANG_2).answers == "cong-an-xa-00691"
    assert route("6.4", None).answers == "cong-an-tinh-tq"


def test_city_police_ended_four_months_before_the_city():
    assert route("6.4", TRAN_PHU, date(2025, 2, 28)).agency_id == "cong-an-tp-hg"
    assert route("6.4", TRAN_PHU, date(2025, 3, 1)).agency_id == "cong-an-xa-00691-cu"
    assert route("6.4", None, date(2025, 3, 1)).agency_id == "cong-an-tinh-hg"


@pytest.mark.parametrize(
    ("code", "silent"),
    [
        ("6.3#dien", "dien-luc-tq"),
        ("6.3#rac_thai", "moi-truong-do-thi-hg"),
        ("6.3#nuoc_sach", "cap-thoat-nuoc-hg"),
        ("3.3", "toa-an-kv-tq"),
    ],
)
def test_a_body_without_accounts_is_recorded_by_the_lead(code: str, silent: str):
    got = route(code)
    assert silent in got.implementer_ids
    assert got.answers == got.agency_id
    assert f"ghi lại ý kiến của {directory.get(silent).name}" in got.reason


def test_the_reason_says_who_follows_does_and_answers():
    assert route("6.3#dien", TRAN_PHU, PLAN_DAY).reason == (
        "6.3 (điện sinh hoạt): Phòng Kinh tế theo dõi, Điện lực thành phố thực hiện; "
        "Phòng Kinh tế trả lời và ghi lại ý kiến của Điện lực thành phố."
    )
    assert route("7.1", TRAN_PHU, PLAN_DAY).reason == (
        "7.1 Nghiêm túc trong bảo vệ môi trường: Phòng Tài nguyên và Môi trường theo dõi, "
        "UBND phường Trần Phú thực hiện; UBND phường Trần Phú trả lời."
    )


def test_the_last_day_of_the_city_and_the_first_after_it():
    assert route("5.3", TRAN_PHU, date(2025, 6, 30)).agency_id == "phong-tnmt-hg"
    assert route("5.3", HA_GIANG_2, date(2025, 7, 1)).agency_id == "phong-kinh-te-xa-00691"


def test_a_day_before_the_plan_counts_as_its_first():
    assert route("5.3", TRAN_PHU, date(2020, 1, 1)) == route("5.3", TRAN_PHU, profile.valid_from)


def test_a_commune_outside_the_locality_is_said_to_be_outside():
    got = route("7.1", "24688")  # xã Krông Nô, Lâm Đồng
    assert got.agency_id == "so-nnmt-tq"
    assert "ngoài địa bàn" in got.reason
    assert "ngoài địa bàn" not in route("7.1", None).reason


def test_a_code_without_a_row_goes_to_the_receiving_desk():
    got = route("6.3", TRAN_PHU, PLAN_DAY)
    assert (got.agency_id, got.rule) == ("van-phong-tp-hg", "hg-con-lai")
    assert got.is_inferred


@pytest.mark.parametrize("code", ["9.9", "", "6.3#xe"])
def test_an_unknown_code_is_refused(code: str):
    with pytest.raises(UnknownCode):
        route(code)


def test_an_unknown_named_body_is_refused_where_it_matters():
    with pytest.raises(UnknownAgency):
        route("4.1", named=frozenset({"khong-co"}))


def test_an_ordinary_feedback_still_goes_to_the_body_it_names():
    named = frozenset({"phong-kinh-te-xa-00691"})
    assert route("6.3#giao_thong", named=named) == route("6.3#giao_thong")
    assert route("6.3#giao_thong", named=named).excluded == ()


def test_a_complaint_goes_first_to_the_body_that_decided_with_a_copy_above():
    got = route("2.2", kind=PetitionKind.KHIEU_NAI, named=frozenset({"ubnd-xa-00691"}))
    assert (got.agency_id, got.answers, got.co_lead_ids) == ("ubnd-xa-00691", "ubnd-xa-00691", ("ubnd-tinh-tq",))
    assert "khiếu nại lần đầu" in got.reason


def test_a_complaint_about_an_ended_office_goes_to_the_one_that_took_over_in_the_commune():
    got = route("5.3", kind=PetitionKind.KHIEU_NAI, named=frozenset({"phong-tnmt-hg"}))
    assert got.answers == "phong-kinh-te-xa-00691"


def test_a_complaint_that_names_nobody_or_several_follows_the_table():
    several = frozenset({"phong-kinh-te-xa-00691", "phong-vhxh-xa-00691"})
    for named in (frozenset[str](), several, frozenset({"ubnd-xa-00694"})):
        assert route("5.3", kind=PetitionKind.KHIEU_NAI, named=named).agency_id == "phong-kinh-te-xa-00691"


@pytest.mark.parametrize("code", ["6.4", "7.1", "0", "5.3"])
def test_a_report_of_a_crime_goes_to_the_police_whatever_it_is_about(code: str):
    assert route(code, kind=PetitionKind.TIN_BAO_TOI_PHAM).answers == "cong-an-xa-00691"
    assert route(code, None, kind=PetitionKind.TIN_BAO_TOI_PHAM).answers == "cong-an-tinh-tq"
    assert route(code, TRAN_PHU, PLAN_DAY, PetitionKind.TIN_BAO_TOI_PHAM).answers == "cong-an-tp-hg"


def test_an_urgent_matter_keeps_the_route_of_its_code():
    for code in profile.taxonomy.labels:
        assert route(code, kind=PetitionKind.KHAN_CAP) == route(code)


codes = st.sampled_from([*profile.taxonomy.labels, *(row.code for row in profile.taxonomy.sub_topics), "6.3"])
communes = st.one_of(
    st.none(),
    st.sampled_from(["00688", "00691", "00692", "00694", "00697", "00700", "00946", "00949"]),
    st.sampled_from([commune.code for commune in load_gazetteer().communes()]),
)
days = st.dates(date(2023, 1, 1), date(2030, 12, 31))


@given(code=codes, commune=communes, on=days, kind=st.sampled_from(PetitionKind), restricted=st.booleans())
def test_every_content_in_every_commune_on_every_day_has_a_living_body(
    code: str, commune: str | None, on: date, kind: PetitionKind, restricted: bool
):
    got = route(code, commune, on, kind, restricted=restricted)
    day = max(on, profile.valid_from)
    for agency_id in (got.agency_id, got.answers, *got.implementer_ids, *got.co_lead_ids):
        assert directory.get(agency_id).is_active(day)
    assert directory.get(got.answers).has_accounts
    assert got.reason.endswith(".")
    assert got.source


@pytest.mark.parametrize("on", [PLAN_DAY, date(2025, 4, 1), TODAY])
def test_all_labels_in_all_communes_of_the_province_and_one_of_every_other(on: date):
    gazetteer = load_gazetteer()
    elsewhere = [gazetteer.communes(province.code)[0] for province in gazetteer.provinces()]
    for label in profile.taxonomy.labels:
        for commune in (*gazetteer.communes("08"), *elsewhere):
            got = route(label, commune.code, on)
            assert directory.get(got.answers).is_active(on), (label, commune.code)
            assert directory.get(got.answers).has_accounts
