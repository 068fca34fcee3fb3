"""Every sentence that pages, notices and the API say, in Vietnamese and English.

Loaded once at start from the shell's and every service's `messages_{vi,en}.toml`; used by pages, API and
commands. A missing key or parameter is an error, never an empty place on a page.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

LANGUAGES = ("vi", "en")
DEFAULT_LANGUAGE = "vi"
SHELL_MESSAGES = Path(__file__).parent
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class BadMessages(Exception):
    """The message files contradict or lack one another; the message names every fault."""


class MissingMessage(Exception):
    """A key or a parameter that no message file knows was asked for."""


class Messages:
    """The merged sentences by language and dotted key."""

    def __init__(self, sentences: Mapping[str, Mapping[str, str]]) -> None:
        self._sentences = sentences

    def message(self, lang: str, key: str, params: Mapping[str, object] | None = None) -> str:
        """Return the sentence of a dotted key with its `{places}` filled; raises MissingMessage. Result is
        plain text.
        """
        try:
            sentence = self._sentences[lang][key]
        except KeyError:
            raise MissingMessage(f"no message {key!r} in {lang!r}") from None
        given = params or {}
        missing = [name for name in _PLACE.findall(sentence) if name not in given]
        if missing:
            raise MissingMessage(f"message {key!r} needs {', '.join(missing)}")
        return _PLACE.sub(lambda place: str(given[place[1]]), sentence)

    def has(self, key: str) -> bool:
        """Say whether a key exists (in both languages: loading saw to that)."""
        return key in self._sentences[DEFAULT_LANGUAGE]

    def keys(self) -> frozenset[str]:
        """Return every dotted key."""
        return frozenset(self._sentences[DEFAULT_LANGUAGE])


def load_messages(service_dirs: Iterable[Path] = ()) -> Messages:
    """Read the shell's messages and those of the directories given; raises BadMessages listing all faults at
    once.

    Faults: a key in one language only, different `{places}` in the two, one key with two different sentences.
    """
    faults: list[str] = []
    merged: dict[str, dict[str, str]] = {lang: {} for lang in LANGUAGES}
    for directory in dict.fromkeys((SHELL_MESSAGES, *service_dirs)):
        for lang in LANGUAGES:
            for key, sentence in _read(directory / f"messages_{lang}.toml").items():
                if merged[lang].setdefault(key, sentence) != sentence:
                    faults.append(f"{key} ({lang}) in {directory.name} differs from an earlier file")
    faults.extend(_unlike(merged["vi"], merged["en"]))
    if faults:
        raise BadMessages("; ".join(faults))
    return Messages(merged)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")), ""))


def _flat(table: Mapping[str, object], prefix: str) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield prefix + key, value
        else:
            raise BadMessages(f"{prefix}{key} is not a text")


def _unlike(vi: Mapping[str, str], en: Mapping[str, str]) -> Iterable[str]:
    yield from (f"{key} has no English" for key in vi.keys() - en.keys())
    yield from (f"{key} has no Vietnamese" for key in en.keys() - vi.keys())
    for key in vi.keys() & en.keys():
        if set(_PLACE.findall(vi[key])) != set(_PLACE.findall(en[key])):
            yield f"{key} has different places in Vietnamese and English"
