"""No stand-ins: nothing is left to do later, no test is switched off or cannot fail, and nothing of ours is mocked."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.guards.tree import name_of, tracked_files

LATER = re.compile(r"\b(?:" + "TO" + "DO|FIX" + "ME|XX" + r"X)\b")
SWITCHED_OFF = re.compile(r"^pytest\.mark\.skip(?:if)?$")


def stand_ins(source: str) -> Iterator[str]:
    """Yield what a reader could not rely on, with its line."""
    for number, line in enumerate(source.splitlines(), start=1):
        if LATER.search(line):
            yield f"line {number}: left for later"
    for node in ast.walk(ast.parse(source)):
        if fault := fault_of(node):
            yield f"line {getattr(node, 'lineno', 0)}: {fault}"


def fault_of(node: ast.AST) -> str | None:
    """Return what is wrong with one piece of code."""
    match node:
        case ast.Assert(test=ast.Constant(value=value)) if value:
            return "an assert that cannot fail"
        case ast.Import(names=names) if any(name.name.startswith("unittest.mock") for name in names):
            return "a mock"
        case ast.ImportFrom(module="unittest.mock"):
            return "a mock"
        case ast.ImportFrom(module="unittest", names=names) if any(name.name == "mock" for name in names):
            return "a mock"
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return "a stub"
        case ast.Attribute() if SWITCHED_OFF.match(ast.unparse(node)):
            return "a test that is switched off"
    return None


def test_no_code_is_a_stand_in() -> None:
    found = {
        name_of(file): faults
        for file in tracked_files()
        if file.suffix == ".py" and (faults := list(stand_ins(file.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("x = 1  # TO" + "DO: more", "left for later"),
        ("assert True", "an assert that cannot fail"),
        ("from unittest.mock import Mock", "a mock"),
        ("from unittest import mock", "a mock"),
        ("def f():\n    raise NotImplementedError", "a stub"),
        ("@pytest.mark.skip\ndef test_x(): ...", "a test that is switched off"),
        ("@pytest.mark.skipif(True, reason='')\ndef test_x(): ...", "a test that is switched off"),
    ],
)
def test_the_guard_sees_a_stand_in(source: str, fault: str) -> None:
    assert [found.split(": ", 1)[1] for found in stand_ins(source)] == [fault]


def test_the_guard_lets_a_skip_with_its_reason_be() -> None:
    assert list(stand_ins("def f():\n    pytest.skip('strace is not installed')\n")) == []
