"""What a text names, and where: kinds and values, texts of every spelling, what is no name, how much work it is."""

import sys
import unicodedata
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.agencies import load_directory
from hotline.spans import NEUTRAL, SpanKind, find_spans, named_communes, redact
from hotline.text import fold, nfc
from tools.measure_spans import load_annotated

directory = load_directory("ha-giang-2023")
LONGEST = 20_000


def named(text: str, kind: str) -> list[str]:
    """The stretches of one kind, as they stand in the NFC text."""
    return [nfc(text)[span.start : span.end] for span in find_spans(text) if span.kind == kind]


def values(text: str, kind: str) -> list[str]:
    return [span.value for span in find_spans(text) if span.kind == kind]


VALUES = [
    ("gọi 0912.000.123 nhé", "phone", ["+84912000123"]),
    ("gọi +84 912 000 123 nhé", "phone", ["+84912000123"]),
    ("gọi 84912000123", "phone", ["+84912000123"]),
    ("hai số 0912 000 123 0912 000 124", "phone", ["+84912000123", "+84912000124"]),
    ("０９１２０００１２３ chữ rộng", "phone", ["+84912000123"]),
    ("số bàn 0219 3866 015", "phone", ["+842193866015"]),
    ("gọi 1022, 113 hay 19001080", "phone", []),
    ("CCCD 0021 9900 1234", "citizen_id", ["002199001234"]),
    ("002199001234 là số của tôi", "citizen_id", ["002199001234"]),
    ("cmnd 073123456", "citizen_id", ["073123456"]),
    ("quyết định 073123456", "citizen_id", []),
    ("mã tra cứu 482 913 005 774", "citizen_id", []),
    ("Viết cho To.Dan+5@Example.com.vn.", "email", ["to.dan+5@example.com.vn"]),
    ("stk 1023 4567 89012", "bank_account", ["1023456789012"]),
    ("1023456789012 Vietcombank", "bank_account", ["1023456789012"]),
    ("tài khoản 711A12345678", "bank_account", ["711a12345678"]),
    ("mã số thuế 5100234567", "bank_account", []),
    ("xe 29A-123.45", "plate", ["29A12345"]),
    ("xe 23b1 345 67", "plate", ["23B134567"]),
    ("xe 23AA-012.34", "plate", ["23AA01234"]),
    ("12h 3000 người", "plate", []),
    ("thửa 45, 1.250.000 đồng, ngày 12/05/2025, 120 m2", "phone", []),
]


@pytest.mark.parametrize(("text", "kind", "expected"), VALUES)
def test_a_number_is_read_as_what_it_is(text: str, kind: str, expected: list[str]):
    assert values(text, kind) == expected


NO_PERSON = [
    "Bà con trong thôn, anh em, chú ý giúp các cháu nhỏ",
    "đường Nguyễn Văn Cừ, phố Trần Hưng Đạo và hẻm 35 Lương Ngọc Quyến",
    "trường THCS Lê Quý Đôn, cầu Trần Hưng Đạo, chợ Bà Chiểu, tượng đài Lê Lợi",
    "Kính gửi đồng chí Bí thư, ông Chủ tịch và bà Phó Chủ tịch",
    "em lam ca o do, mua la xa, di bo ba lan, co dam cuoi nha ong truong thon",
    "Vâng anh ạ. Mong cán bộ xem lại, hồ sơ vẫn ở Chi cục",
    "khong a, vo thi bao, con di hoc, lai thi chui, thi thu tien",
    "xã Hoàng Su Phì, Xín Mần và Hồ Hoàn Kiếm",
]


@pytest.mark.parametrize("text", NO_PERSON)
def test_streets_schools_offices_and_words_are_nobodys_name(text: str):
    assert named(text, "person") == []


PERSONS = [
    ("Ông Nguyễn Văn Thành đòi tiền", ["Nguyễn Văn Thành"]),
    ("Bà Thuỷ và bà Thủy", ["Thuỷ", "Thủy"]),
    ("trưởng thôn Phùng Văn Sơn ở thôn Nà Ngoan", ["Phùng Văn Sơn"]),
    ("đ/c Triệu Mùi Chài, đ/c trưởng thôn", ["Triệu Mùi Chài"]),
    ("cd dinh thi thoa goi", ["dinh thi thoa"]),
    ("chi hanh ban rau, anh huy dia chinh", ["hanh", "huy"]),
    ("gặp a. Khoa, Ô. Sình và ông K'Brôi", ["Khoa", "Sình", "K'Brôi"]),
    ("chủ TK ĐỖ THỊ NGÁT", ["ĐỖ THỊ NGÁT"]),
    ("Nguyễn Thị Minh Khai là tên đường, chị Nguyễn Thị Minh Khai là tôi", ["Nguyễn Thị Minh Khai"]),
]


@pytest.mark.parametrize(("text", "expected"), PERSONS)
def test_a_person_is_found_by_title_announcement_or_full_name(text: str, expected: list[str]):
    assert named(text, "person") == expected


PLACES = [
    ("UBND P. Hà Giang 1", "place", ["P. Hà Giang 1"]),
    ("tp.HCM, TP Huế và tphcm", "place", ["tp.HCM", "TP Huế", "tphcm"]),
    ("đi xa Hà Giang 20 cây", "place", ["Hà Giang"]),
    ("o xa ngoc duong, tinh tuyen quang", "place", ["xa ngoc duong", "tinh tuyen quang"]),
    ("thị trấn Vị Xuyên, huyện Bắc Mê của ngày trước", "place", ["thị trấn Vị Xuyên", "huyện Bắc Mê"]),
    ("xã D'Ran", "place", ["xã D'Ran"]),
    ("ai cũng muốn hoa binh", "place", []),
    ("ngõ 5 đường Nguyễn Trãi, phố 30/4", "street", ["ngõ 5", "đường Nguyễn Trãi", "phố 30/4"]),
    ("số nhà 14, số 3B ngõ 21, nhà số 45/12", "house", ["số nhà 14", "số 3B", "nhà số 45/12"]),
    ("số 5 của tờ đơn", "house", []),
    ("tổ 5, TDP 11, thôn Nà Ngoan, ấp Bà Điều", "hamlet", ["tổ 5", "TDP 11", "thôn Nà Ngoan", "ấp Bà Điều"]),
    ("to roi va ban toi", "hamlet", []),
]


@pytest.mark.parametrize(("text", "kind", "expected"), PLACES)
def test_a_place_is_found_with_its_kind_in_old_and_new_names(text: str, kind: str, expected: list[str]):
    assert named(text, kind) == expected


def test_a_body_of_the_directory_brings_its_ids_and_the_place_within():
    spans = find_spans("UB xã Ngọc Đường không trả lời", directory)
    assert [(span.kind, span.value) for span in spans] == [
        (SpanKind.AGENCY, "ubnd-xa-00700 ubnd-xa-00700-cu"),
        (SpanKind.PLACE, "xa ngoc duong"),
    ]


def test_the_sign_of_a_document_is_no_body():
    assert named("Quyết định số 1234/QĐ-UBND", "agency") == []


@pytest.mark.parametrize("message", load_annotated(), ids=lambda message: message.id)
def test_any_unicode_form_of_a_text_names_the_same_at_the_same_places(message):
    whole = find_spans(message.text, directory)
    assert find_spans(unicodedata.normalize("NFD", message.text), directory) == whole
    tone_first = (
        nfc(message.text).replace("ấ", "a\u0301\u0302").replace("ộ", "o\u0323\u0302").replace("ề", "e\u0300\u0302")
    )
    assert find_spans(tone_first, directory) == whole


def test_what_cannot_be_seen_is_read_over_and_counted():
    text = "gọi 0912\u200b000123 cho ông Nguyễn\u200b\u00a0Văn Thành"
    assert values(text, "phone") == ["+84912000123"]
    assert named(text, "person") == ["Nguyễn\u200b\u00a0Văn Thành"]


def test_a_text_folded_keeps_its_numbers():
    kinds = (SpanKind.PHONE, SpanKind.CITIZEN_ID, SpanKind.BANK_ACCOUNT, SpanKind.EMAIL)
    for message in load_annotated():
        as_typed = [span.value for span in find_spans(message.text) if span.kind in kinds]
        assert [span.value for span in find_spans(fold(message.text)) if span.kind in kinds] == as_typed


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["ông ", "xã ", "UBND ", "0912 ", "Nguyễn ", "a@b.vn ", "tổ 5,"])).map("".join)
)
def test_spans_lie_in_the_text_in_order_and_only_a_place_within_a_body_overlaps(text: str):
    spans = find_spans(text, directory)
    assert spans == find_spans(nfc(text), directory)
    assert list(spans) == sorted(spans, key=lambda span: (span.start, -span.end))
    for span in spans:
        assert 0 <= span.start < span.end <= len(nfc(text))
    for outer, inner in pairwise(spans):
        if inner.start < outer.end:
            assert (outer.kind, inner.kind) == (SpanKind.AGENCY, SpanKind.PLACE) and inner.end <= outer.end


def calls_for(text: str) -> int:
    """How many calls the finders make for a text: a measure of work that no busy machine changes."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        find_spans(text, directory)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["0 ", "0912 ", "xã ", "ông Nguyễn Văn ", "UBND xã ", "a@", "1", "tk 12 ", "số 1 ", "\u0301a"]
)
def test_the_work_grows_with_the_length_and_no_faster(piece: str):
    find_spans(piece * 10, directory)
    quarter, whole = (calls_for((piece * length)[:length]) for length in (LONGEST // 4, LONGEST))
    assert whole < 4.5 * quarter + 2_000


def test_redacted_nobody_is_named_but_the_matter_is():
    text = (
        "Ông Lò Văn Pha, sđt 0912 000 123, số nhà 14, thôn Nà Ngoan, xã Ngọc Đường: UBND xã làm đường Trần Phú dở dang."
    )
    assert redact(text) == (
        "Ông [tên], sđt [số điện thoại], [số nhà], thôn Nà Ngoan, xã Ngọc Đường: UBND xã làm đường Trần Phú dở dang."
    )


@pytest.mark.parametrize("message", load_annotated(), ids=lambda message: message.id)
def test_redacting_takes_out_all_that_was_found_and_doing_it_twice_changes_nothing(message):
    redacted = redact(message.text)
    assert redact(redacted) == redacted
    assert not [span for span in find_spans(redacted) if span.kind in NEUTRAL]


COMMUNES = [
    ("ở xã Ngọc Đường", "", ["00700"]),
    ("o p. ha giang 2", "", ["00691"]),
    ("phường Minh Xuân và xã Ngọc Đường", "08", ["00700", "02215"]),
    ("xã Tân Hưng", "", []),  # several communes are called so
    ("xã Tân Hưng, tỉnh Cà Mau", "08", ["32137"]),
    ("huyện Bắc Mê", "08", []),
    ("tỉnh Tuyên Quang", "", []),
    ("xã không làm gì", "08", []),
]


@pytest.mark.parametrize(("text", "province", "codes"), COMMUNES)
def test_a_commune_is_named_when_only_one_can_be_meant(text: str, province: str, codes: list[str]):
    assert [commune.code for commune in named_communes(text, province)] == codes
