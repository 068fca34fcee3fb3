"""Places are found by what people type: no diacritics, abbreviations, part of a name, names from before 07/2025."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.old_places import former_provinces
from hotline.places import Commune, Match, UnknownPlace, load_gazetteer
from hotline.text import fold

gazetteer = load_gazetteer()
ALL = gazetteer.communes()
HA_GIANG_1, HA_GIANG_2, NGOC_DUONG = "00694", "00691", "00700"


def codes(matches: tuple[Match, ...]) -> list[str]:
    return [match.commune.code for match in matches]


def test_the_country_has_34_provinces_and_3321_communes():
    assert len(gazetteer.provinces()) == 34
    assert len(ALL) == len({commune.code for commune in ALL}) == 3321
    assert Counter(commune.kind for commune in ALL) == {"xã": 2621, "phường": 687, "đặc khu": 13}


def test_every_commune_is_in_a_province_and_says_its_full_name():
    for commune in ALL:
        province = gazetteer.province(commune.province_code)
        assert commune.full_name == f"{commune.name}, {province.full_name}"
        assert len(commune.code) == 5
        assert unicodedata.is_normalized("NFC", commune.full_name)
    assert sum(len(gazetteer.communes(province.code)) for province in gazetteer.provinces()) == 3321


@pytest.mark.parametrize(
    ("code", "full_name"),
    [
        (HA_GIANG_1, "Phường Hà Giang 1, tỉnh Tuyên Quang"),
        (HA_GIANG_2, "Phường Hà Giang 2, tỉnh Tuyên Quang"),
        (NGOC_DUONG, "Xã Ngọc Đường, tỉnh Tuyên Quang"),
        ("29461", "Xã Trà Cú, tỉnh Vĩnh Long"),
        ("24688", "Xã Krông Nô, tỉnh Lâm Đồng"),
        ("24604", "Xã Krông Nô, tỉnh Đắk Lắk"),
    ],
)
def test_a_commune_is_known_by_its_official_code(code: str, full_name: str):
    assert gazetteer.commune(code).full_name == full_name
    assert gazetteer.has_commune(code)


def test_unknown_codes_are_refused():
    for ask in (gazetteer.commune, gazetteer.province, gazetteer.communes):
        with pytest.raises(UnknownPlace):
            ask("99999")
    assert not gazetteer.has_commune("99999")


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Phường Hà Giang 2", HA_GIANG_2),
        ("phuong ha giang 2", HA_GIANG_2),
        ("PHƯỜNG HÀ GIANG 2", HA_GIANG_2),
        ("P. Hà Giang 2", HA_GIANG_2),
        ("p.ha giang 2", HA_GIANG_2),
        ("ha giang 2", HA_GIANG_2),
        ("Hà  Giang   2", HA_GIANG_2),
        ("hagiang2", HA_GIANG_2),
        ("ha giang 2 tuyen quang", HA_GIANG_2),
        ("Phường Hà Giang 2, tỉnh Tuyên Quang", HA_GIANG_2),
        ("x. ngoc duong", NGOC_DUONG),
        ("xã Ngọc Đường, T. Tuyên Quang", NGOC_DUONG),
        ("ngoc du", NGOC_DUONG),
        ("xa krong no, lam dong", "24688"),
        ("Krông Nô đắk lắk", "24604"),
        ("d'ran", "24934"),
        ("dran", "24934"),
        ("xuan huong da lat", "24781"),
        ("xuan hương", "24781"),
    ],
)
def test_todays_names_are_found_however_they_are_typed(typed: str, first: str):
    assert codes(gazetteer.find(typed))[0] == first


def test_decomposed_text_of_legacy_keyboards_is_found():
    assert codes(gazetteer.find(unicodedata.normalize("NFD", "Phường Hà Giang 2")))[0] == HA_GIANG_2


@pytest.mark.parametrize(
    ("typed", "province_code", "commune", "is_exact"),
    [
        ("phường Trần Phú, thành phố Hà Giang, Hà Giang", None, HA_GIANG_2, True),
        ("P.Trần Phú, TP Hà Giang", None, HA_GIANG_2, True),
        ("phuong tran phu, tp. ha giang, tinh ha giang", None, HA_GIANG_2, True),
        ("thôn Tiến Thắng, xã Phương Thiện, tp. Hà Giang", None, HA_GIANG_1, True),
        ("xa phuong do ha giang", None, HA_GIANG_1, False),
        ("phuong do, ha giang", None, HA_GIANG_1, False),
        ("xã Phương Độ", None, HA_GIANG_1, False),
        ("tran phu", "08", HA_GIANG_2, False),
        ("Phường Nguyễn Trãi, thành phố Hà Giang", "08", HA_GIANG_1, True),
        ("xã Tân Sơn, huyện Trà Cú, Trà Vinh", None, "29467", True),
        ("p1 q3 tphcm", None, "27160", True),
    ],
)
def test_names_from_before_july_2025_lead_to_todays_commune(
    typed: str, province_code: str | None, commune: str, is_exact: bool
):
    found = gazetteer.find(typed, province_code)[0]
    assert (found.commune.code, found.is_exact) == (commune, is_exact)
    assert found.via == f"tên cũ: {typed}"


def test_todays_name_says_nothing_about_a_former_one():
    assert gazetteer.find("Phường Hà Giang 2")[0].via == ""


def test_a_name_in_several_provinces_gives_all_of_them():
    assert sorted(codes(gazetteer.find("xã Krông Nô"))) == ["24604", "24688"]
    assert codes(gazetteer.find("krong no", "68")) == ["24688"]


def test_a_name_with_a_province_is_not_looked_for_elsewhere():
    assert gazetteer.find("xã Krông Nô, Lâm Đồng", "66") == ()
    assert gazetteer.find("xã Krông Nô, Hà Nội") == ()


def test_without_words_the_communes_of_the_province_are_offered():
    offered = gazetteer.find("", "08", limit=5)
    assert len(offered) == 5
    assert {match.commune.province_code for match in offered} == {"08"}
    assert gazetteer.find("") == ()
    assert gazetteer.find("   ,, ") == ()


@pytest.mark.parametrize("typed", ["zzz", "không biết", "?!", "123456", "🙂", "x" * 5000])
def test_what_is_no_place_finds_nothing(typed: str):
    assert gazetteer.find(typed) == ()


def test_an_unknown_province_code_finds_nothing():
    assert gazetteer.find("ha giang", "99") == ()


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Tuyên Quang", "08"),
        ("tinh tuyen quang", "08"),
        ("08", "08"),
        ("Hà Giang", "08"),
        ("TP.HCM", "79"),
        ("Sài Gòn", "79"),
        ("tp Hồ Chí Minh", "79"),
        ("Bà Rịa - Vũng Tàu", "79"),
        ("Đắk Nông", "68"),
        ("Thừa Thiên Huế", "46"),
        ("trà vinh", "86"),
    ],
)
def test_a_province_is_known_by_todays_and_former_names(typed: str, code: str):
    province = gazetteer.province_named(typed)
    assert province is not None
    assert province.code == code


def test_a_city_of_the_same_name_is_not_its_province():
    assert gazetteer.province_named("thành phố Hà Giang") is None
    assert gazetteer.province_named("Atlantis") is None


@pytest.mark.parametrize(
    ("province", "commune", "code"),
    [
        ("Tuyên Quang", "Phường Hà Giang 2", HA_GIANG_2),
        ("08", "ha giang 1", HA_GIANG_1),
        ("08", "00700", NGOC_DUONG),
        ("", "00700", NGOC_DUONG),
        ("", "phuong ha giang 1", HA_GIANG_1),
        ("dak lak", "krong no", "24604"),
        ("Hà Giang", "phường Trần Phú, thành phố Hà Giang", HA_GIANG_2),
        ("Đắk Nông", "xã Krông Nô", "24688"),
        ("TP. Hồ Chí Minh", "Phường Sài Gòn", "26740"),
    ],
)
def test_one_commune_is_settled_when_only_one_can_be_meant(province: str, commune: str, code: str):
    settled = gazetteer.resolve(province, commune)
    assert isinstance(settled, Commune)
    assert settled.code == code


@pytest.mark.parametrize(
    ("province", "commune", "candidates"),
    [
        ("", "Krông Nô", ["24604", "24688"]),
        ("Hà Giang", "Trần Phú", [HA_GIANG_2]),  # which of the former districts is not said
        ("Tuyên Quang", "ha giang", [HA_GIANG_2, HA_GIANG_1]),
        ("Atlantis", "Krông Nô", []),
        ("08", "24688", []),
        ("08", "không có", []),
    ],
)
def test_else_the_candidates_are_given(province: str, commune: str, candidates: list[str]):
    offered = gazetteer.resolve(province, commune)
    assert isinstance(offered, tuple)
    assert sorted(codes(offered)) == candidates


def test_a_former_commune_that_was_split_is_never_settled():
    # Phường Bến Nghé went whole to phường Sài Gòn; phường Đa Kao in parts to two new wards.
    assert isinstance(gazetteer.resolve("", "phường Bến Nghé, quận 1, TP.HCM"), Commune)
    split = gazetteer.resolve("", "phường Đa Kao, quận 1, TP.HCM")
    assert isinstance(split, tuple)
    assert all(not match.is_exact for match in split)


@given(commune=st.sampled_from(ALL))
def test_every_commune_is_settled_by_its_province_and_name(commune: Commune):
    assert gazetteer.resolve(commune.province_code, commune.name) == commune
    assert gazetteer.resolve(gazetteer.province(commune.province_code).name, commune.name) == commune


@given(commune=st.sampled_from(ALL))
def test_without_diacritics_it_is_settled_or_among_those_that_differ_only_in_them(commune: Commune):
    assert commune.code in codes(gazetteer.find(fold(commune.full_name)))
    settled = gazetteer.resolve(commune.province_code, fold(commune.name))
    if not isinstance(settled, Commune):
        same = [match.commune for match in settled if match.is_exact]
        assert commune in same
        assert {fold(other.name) for other in same} == {fold(commune.name)}


def test_typed_diacritics_tell_son_ha_from_son_ha():
    assert gazetteer.resolve("Quảng Ngãi", "xã Sơn Hà") == gazetteer.commune("21289")
    assert gazetteer.resolve("Quảng Ngãi", "xã Sơn Hạ") == gazetteer.commune("21292")
    undecided = gazetteer.resolve("Quảng Ngãi", "xa son ha")
    assert isinstance(undecided, tuple)
    assert codes(undecided)[:2] == ["21289", "21292"]


@pytest.mark.parametrize("typed", ["phường Hoà Bình", "phường Hòa Bình"])
def test_where_the_tone_stands_tells_no_communes_apart(typed: str):
    spelt_both_ways = [match.commune.name for match in gazetteer.find(typed) if match.is_exact]
    assert {"Phường Hoà Bình", "Phường Hòa Bình"} <= set(spelt_both_ways)


@pytest.mark.parametrize("name", ["xã Quản Bạ", "xa quan ba", "Quản Bạ", "Quản Bạ, Hà Giang", "Quản Bạ Tuyên Quang"])
def test_a_name_that_begins_like_a_district_is_still_a_commune(name: str):
    assert gazetteer.find(name)[0].commune.code == "00874"


@given(typed=st.text(max_size=60), province_code=st.sampled_from([None, "08", "79"]))
def test_any_text_is_answered_within_the_limit_and_the_province(typed: str, province_code: str | None):
    found = gazetteer.find(typed, province_code, limit=3)
    assert len(found) <= 3
    assert len(set(codes(found))) == len(found)
    assert all(province_code in (None, match.commune.province_code) for match in found)


def test_every_former_province_is_known_to_the_kept_library():
    from underthesea import convert_address

    for code, names in former_provinces().items():
        for name in names:
            assert fold(convert_address(name).new.province).endswith(fold(gazetteer.province(code).name)), name


def test_63_former_provinces_became_34():
    joined = former_provinces()
    kept = [province for province in gazetteer.provinces() if province.code not in joined]
    assert sum(len(names) for names in joined.values()) + len(kept) == 63
