"""Which e-mail addresses are taken (those that every mail server takes), and how telephone numbers are read."""

import contextlib
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.contact import InvalidEmail, InvalidPhone, normalise_email, normalise_phone


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("may@example.vn", "may@example.vn"),
        ("  may@example.vn\n", "may@example.vn"),
        ("Lo.Thi-May+1022@Example.COM.vn", "Lo.Thi-May+1022@example.com.vn"),
        ("o'hara_1@sub.example.museum", "o'hara_1@sub.example.museum"),
        ("may@nguyễn.vn", "may@xn--nguyn-s71b.vn"),
        ("may@" + unicodedata.normalize("NFD", "nguyễn.vn"), "may@xn--nguyn-s71b.vn"),
        # A zero-width character that came along with a copied domain is nothing (RFC 3491).
        ("may@exam\u200bple.vn", "may@example.vn"),
        ("", None),
        (" \t ", None),
    ],
)
def test_an_address_is_kept_as_mail_servers_take_it(typed: str, kept: str | None) -> None:
    assert normalise_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "nguyễn@gmail.com",
        unicodedata.normalize("NFD", "nguyễn@gmail.com"),
        "ma\u200by@gmail.com",
        "\u2060may@gmail.com",
        "may\u00a0lo@gmail.com",
        "mаy@gmail.com",  # a Cyrillic а
        "may",
        "@example.vn",
        "may@",
        "may@b",
        "may@example.v",
        "may@example.123",
        "may@-example.vn",
        "may@example-.vn",
        "may@example..vn",
        ".may@example.vn",
        "may.@example.vn",
        "m..ay@example.vn",
        "may lo@example.vn",
        "a@b@example.vn",
        "may@example.vn, lo@example.vn",
        "may@example.vn\nBcc: all@example.vn",
        "x" * 65 + "@example.vn",
        "may@" + "x" * 64 + ".vn",
        "may@" + "nước." * 60 + "vn",
    ],
)
def test_what_some_server_would_refuse_is_refused_at_once(typed: str) -> None:
    with pytest.raises(InvalidEmail):
        normalise_email(typed)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), st.sampled_from(["@example.vn", "", "@b.vn"]))
def test_whatever_is_typed_what_is_kept_is_ascii_and_stays_itself(typed: str, ending: str) -> None:
    try:
        kept = normalise_email(typed + ending)
    except InvalidEmail:
        return
    assert kept is None or (kept.isascii() and kept.isprintable() and normalise_email(kept) == kept)


@given(st.from_regex(r"(0|\+84)(?:[ .-]?[0-9]){9}", fullmatch=True))
def test_the_short_way_for_mobile_numbers_says_what_the_library_says(typed: str) -> None:
    expected = None
    with contextlib.suppress(phonenumbers.NumberParseException):
        number = phonenumbers.parse(typed, "VN")
        if phonenumbers.is_valid_number(number):
            expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    try:
        said = normalise_phone(typed)
    except InvalidPhone:
        said = None
    assert said == expected
