"""How training texts are spoilt: always alike, in every way people and machines spoil them, and still readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.text import fold
from services.classify.noise import spoil, to_telex
from services.classify.normalise import normalise
from services.classify.training_data import load_messages


@pytest.mark.parametrize(
    ("word", "typed"),
    [("đường", "dduwowngf"), ("hỏng", "hongr"), ("điện", "ddieenj"), ("ủy", "uyr"), ("loa", "loa")],
)
def test_telex_with_the_keyboard_off(word: str, typed: str) -> None:
    assert to_telex(word) == typed


@pytest.mark.parametrize("word", ["đường", "nước", "điện", "phường", "rừng", "chủng"])
def test_typed_telex_is_read_back(word: str) -> None:
    assert normalise(to_telex(word)).words == (word,)


@given(st.text(max_size=80))
def test_a_text_is_always_spoilt_alike(text: str) -> None:
    assert spoil(text) == spoil(text)


def test_messages_are_spoilt_but_keep_most_of_their_words() -> None:
    messages = load_messages()[:300]
    spoilt = [spoil(message.text) for message in messages]
    assert sum(before.text != after for before, after in zip(messages, spoilt, strict=True)) >= 270
    kept = [
        len(set(fold(before.text).split()) & set(fold(after).split())) / len(set(fold(before.text).split()))
        for before, after in zip(messages, spoilt, strict=True)
    ]
    assert 0.5 < sum(kept) / len(kept) < 0.95
