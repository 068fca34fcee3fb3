"""Every dependency is asked for once, explained once, and pinned with hashes."""

import re

import pytest

from tests.guards.tree import ROOT


def required(file: str) -> list[str]:
    """Return the names that a requirements file asks for."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith(("#", "-")))
    return [name.group().lower() for name in names if name]


def explained() -> list[str]:
    """Return the names that docs/dependencies.md explains, one bullet each."""
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    return [name.lower() for name in re.findall(r"^- `([^`]+)`: \S", text, flags=re.MULTILINE)]


def test_each_dependency_has_one_line_in_the_documentation_and_each_line_a_dependency() -> None:
    wanted = required("requirements.in") + required("requirements-dev.in")
    assert sorted(explained()) == sorted(wanted)


@pytest.mark.parametrize("file", ["requirements.in", "requirements-dev.in"])
def test_requirements_are_sorted_and_asked_for_once(file: str) -> None:
    names = required(file)
    assert names == sorted(set(names))


def test_the_lock_pins_every_dependency_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9._-]+)==[^ ]+ \\\n +--hash=(sha256):[0-9a-f]{64}", lock, flags=re.MULTILINE))
    assert set(required("requirements.in") + required("requirements-dev.in")) <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[^ #\n]", lock, flags=re.MULTILINE))
