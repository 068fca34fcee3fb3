"""What names a message, and what tells two bodies apart."""

import uuid
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from hotline.working_days import VN
from services.ingest.identity import feedback_id_of, fingerprint_of, from_call, from_key, from_slip

SECRET = b"a secret"
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
PARTS = st.lists(st.none() | WORDS, max_size=4).map(tuple)
OPENED = datetime(2026, 11, 23, 8, 0, tzinfo=VN)


@given(WORDS, WORDS)
def test_an_id_is_a_uuid_and_the_same_for_the_same_key_alone(scope: str, key: str) -> None:
    named = feedback_id_of(SECRET, from_key(scope, key))
    read = uuid.UUID(named)
    assert (str(read), read.version, read.variant) == (named, 8, uuid.RFC_4122)
    assert named == feedback_id_of(SECRET, from_key(scope, key))
    assert named != feedback_id_of(b"another secret", from_key(scope, key))
    assert named != feedback_id_of(SECRET, from_key(scope, key + "x"))


def test_without_an_origin_every_id_is_new() -> None:
    assert len({feedback_id_of(SECRET, None) for _ in range(100)}) == 100


def test_a_key_a_call_and_a_slip_of_the_same_name_never_meet() -> None:
    origins = [from_key("", "1"), from_key("1", ""), from_call("1"), from_slip("1", OPENED, "1", 1)]
    assert len({feedback_id_of(SECRET, origin) for origin in origins}) == len(origins)


def test_a_slip_is_the_same_however_its_marks_spaces_and_zone_are_typed() -> None:
    one = from_slip("Hòm 1", OPENED, "Mất  nước", 1)
    assert one == from_slip("hom 1", OPENED.astimezone(timezone(timedelta(0))), "mat nuoc", 1)
    assert one != from_slip("Hòm 1", OPENED, "Mất nước", 2)


@given(PARTS, PARTS)
def test_only_equal_bodies_have_equal_fingerprints(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> None:
    assert (fingerprint_of(*one) == fingerprint_of(*other)) == (one == other)
