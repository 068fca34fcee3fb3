"""Vietnamese and English messages say the same things with the same blanks; all text is composed (NFC)."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.guards.tree import ROOT, name_of, tracked_files

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted keys and texts of nested tables."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            assert isinstance(value, str), f"{prefix}{key} is no text"
            yield f"{prefix}{key}", value


def messages(file: Path) -> dict[str, str]:
    """Read one message file."""
    return dict(flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def faults(vietnamese: Mapping[str, str], english: Mapping[str, str]) -> list[str]:
    """Return the keys that differ, the blanks that differ, and the texts that are empty or not NFC."""
    found = [f"{key}: in one language only" for key in sorted(set(vietnamese) ^ set(english))]
    for key in sorted(set(vietnamese) & set(english)):
        texts = (vietnamese[key], english[key])
        if set(PLACEHOLDER.findall(texts[0])) != set(PLACEHOLDER.findall(texts[1])):
            found.append(f"{key}: other placeholders")
        if not all(text.strip() for text in texts):
            found.append(f"{key}: empty")
        if not all(unicodedata.is_normalized("NFC", text) for text in texts):
            found.append(f"{key}: not NFC")
    return found


FOLDERS = sorted({file.parent for file in tracked_files() if file.name.startswith("messages_")})


def test_there_are_messages_to_compare() -> None:
    assert ROOT / "hotline/web" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_both_languages_say_the_same_things(folder: Path) -> None:
    assert faults(messages(folder / "messages_vi.toml"), messages(folder / "messages_en.toml")) == []


def test_the_guard_sees_each_kind_of_fault() -> None:
    decomposed = unicodedata.normalize("NFD", "Đã gửi")
    vietnamese = {
        "only": "có",
        "blank": "{n} ngày",
        "empty": " ",
        "decomposed": decomposed,
        "fine": "Gửi {name}",
    }
    english = {"blank": "{days} days", "empty": "x", "decomposed": "Sent", "fine": "Send {name}"}
    assert faults(vietnamese, english) == [
        "only: in one language only",
        "blank: other placeholders",
        "decomposed: not NFC",
        "empty: empty",
    ]
