"""What is about a unit never reaches it or anybody below it; the level above takes it (Luật Tố cáo 2018 Đ.12)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.places import load_gazetteer
from hotline.taxonomy import PetitionKind
from services.respond.routing import Route, choose, load_profile

profile = load_profile("ha-giang-2023")
directory = profile.directory

PLAN_DAY = date(2023, 9, 1)
TODAY = date(2026, 11, 24)
TRAN_PHU = "00691"  # a phường of 2023
HA_GIANG_2 = "00691"
FEEDBACK = PetitionKind.PHAN_ANH_KIEN_NGHI
LAST_RESORT = "thanh-tra-chinh-phu"


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


# What the citizen says of whom -> who takes it. The commune is Hà Giang 2; the day is today.
NEVER_TO_THE_ACCUSED = [
    ("to_cao", "5.3", "phong-kinh-te-xa-00691", "ubnd-xa-00691"),
    ("to_cao", "5.3", "ubnd-xa-00691", "ubnd-tinh-tq"),
    ("to_cao", "0", "van-phong-xa-00691", "ubnd-xa-00691"),
    ("to_cao", "0", "ubnd-xa-00691", "ubnd-tinh-tq"),
    ("to_cao", "6.4", "cong-an-xa-00691", "cong-an-tinh-tq"),
    ("to_cao", "6.4", "cong-an-tinh-tq", "thanh-tra-tinh-tq"),
    ("to_cao", "6.1", "ttyt-kv-tq", "van-phong-xa-00691"),
    ("to_cao", "6.1", "tram-y-te-xa-00691", "van-phong-xa-00691"),
    ("to_cao", "7.1", "phong-tnmt-hg", "ubnd-xa-00691"),  # an office that ended: its successors are excluded
    ("to_cao", "0", "ubnd-tp-hg", "ubnd-tinh-tq"),
    ("phan_anh_kien_nghi", "4.1", "thanh-tra-tinh-tq", "ubnd-tinh-tq"),
    ("phan_anh_kien_nghi", "4.1", "ubnd-tinh-tq", "thanh-tra-chinh-phu"),
    ("phan_anh_kien_nghi", "4.1", "phong-kinh-te-xa-00691", "thanh-tra-tinh-tq"),
    ("phan_anh_kien_nghi", "4.2", "van-phong-xa-00691", "ubnd-xa-00691"),
    ("phan_anh_kien_nghi", "4.3", "phong-vhxh-xa-00691", "ubnd-xa-00691"),
    ("phan_anh_kien_nghi", "4.4", "ubnd-xa-00691", "ubnd-tinh-tq"),
    ("khieu_nai", "4.3", "ubnd-xa-00691", "ubnd-tinh-tq"),
]


@pytest.mark.parametrize(("kind", "code", "named", "taken_by"), NEVER_TO_THE_ACCUSED)
def test_the_level_above_takes_what_is_about_a_unit(kind: str, code: str, named: str, taken_by: str):
    got = route(code, kind=PetitionKind(kind), named=frozenset({named}))
    assert (got.agency_id, got.answers) == (taken_by, taken_by)
    assert named in got.excluded
    assert set(got.implementer_ids).isdisjoint(got.excluded)


def test_staff_misconduct_is_guarded_like_a_denunciation():
    got = route("6.1", named=frozenset({"van-phong-xa-00691"}), restricted=True)
    assert got.answers == "ubnd-xa-00691"
    assert got.implementer_ids == ()
    assert "không được nhận" in got.reason


def test_all_below_a_named_unit_are_excluded_with_it():
    got = route("4.1", named=frozenset({"ubnd-xa-00691"}))
    assert {"phong-kinh-te-xa-00691", "van-phong-xa-00691", "tram-y-te-xa-00691"} <= set(got.excluded)
    assert "ubnd-xa-00694" not in got.excluded


def test_a_denunciation_goes_to_no_implementer():
    for code in profile.taxonomy.labels:
        assert route(code, kind=PetitionKind.TO_CAO).implementer_ids == ()
        assert route(code, restricted=True).implementer_ids == ()


@pytest.mark.parametrize(
    ("code", "above"),
    [("2.4#boi_thuong", "ubnd-tp-hg"), ("4.4", "ubnd-tp-hg"), ("5.2", "ubnd-tp-hg"), ("5.3", "ubnd-tp-hg")],
)
def test_where_the_lead_is_most_likely_meant_an_unnamed_denunciation_goes_above_it(code: str, above: str):
    assert route(code, TRAN_PHU, PLAN_DAY, PetitionKind.TO_CAO).answers == above


@pytest.mark.parametrize("on", [PLAN_DAY, TODAY])
@pytest.mark.parametrize("code", ["4.1", "4.2", "4.3", "4.4", "4.5", "4.5#ke_khai_tai_san"])
def test_the_media_never_receive_a_corruption_content(code: str, on: date):
    assert "truyen-thong-hg" not in route(code, on=on).implementer_ids


@pytest.mark.parametrize("on", [PLAN_DAY, TODAY])
def test_the_health_centre_does_not_handle_corruption_in_health(on: date):
    got = route("4.2", on=on)
    assert got.implementer_ids == ()
    assert {"ttyt-tp-hg", "ttyt-kv-tq"} & set(got.excluded)


codes = st.sampled_from([*profile.taxonomy.labels, *(row.code for row in profile.taxonomy.sub_topics), "6.3"])
communes = st.one_of(
    st.none(),
    st.sampled_from(["00688", "00691", "00692", "00694", "00697", "00700", "00946", "00949"]),
    st.sampled_from([commune.code for commune in load_gazetteer().communes()]),
)
days = st.dates(date(2023, 1, 1), date(2030, 12, 31))
agency_ids = [agency.id for agency in directory.agencies]
LAST_RESORT = "thanh-tra-chinh-phu"


@given(
    code=codes,
    commune=communes,
    on=days,
    kind=st.sampled_from(PetitionKind),
    named=st.frozensets(st.sampled_from(agency_ids), min_size=1, max_size=4),
)
def test_no_choice_of_names_leads_a_denunciation_to_the_named_or_below_them(
    code: str, commune: str | None, on: date, kind: PetitionKind, named: frozenset[str]
):
    got = route(code, commune, on, kind, named, restricted=True)
    below = {child for unit in named for child in directory.subordinates(unit)}
    assert {got.agency_id, got.answers} & (named | below) <= {LAST_RESORT}
    assert got.implementer_ids == got.co_lead_ids == ()
    assert directory.get(got.answers).has_accounts or got.answers == LAST_RESORT
