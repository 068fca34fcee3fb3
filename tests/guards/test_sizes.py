"""No file over 400 lines unless its first line says why, no function over 50 lines."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.guards.tree import name_of, tracked_files

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
CODE = {".py", ".js", ".css", ".html", ".sh"}
REASON = "Long because"


def is_too_long(lines: list[str]) -> bool:
    """Tell whether a file is long without its first line giving the reason."""
    return len(lines) > MAX_FILE_LINES and REASON not in lines[0]


def long_functions(source: str) -> Iterator[str]:
    """Yield the functions that are too long, with their length, docstring included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.name}: {lines} lines"


def code_files(suffixes: set[str]) -> list[Path]:
    """Return the code of the project."""
    return [file for file in tracked_files() if file.suffix in suffixes]


def test_no_file_is_long_without_a_reason_in_its_first_line() -> None:
    long = [name_of(file) for file in code_files(CODE) if is_too_long(file.read_text(encoding="utf-8").splitlines())]
    assert long == []


def test_no_function_is_longer_than_fifty_lines() -> None:
    long = {
        name_of(file): found
        for file in code_files({".py"})
        if (found := list(long_functions(file.read_text(encoding="utf-8"))))
    }
    assert long == {}


def test_the_guard_counts_lines_and_reads_the_reason() -> None:
    assert is_too_long(["x = 1"] * 401)
    assert not is_too_long(["x = 1"] * 400)
    assert not is_too_long(["# Long because it is one table.", *["x = 1"] * 500])
    assert list(long_functions("async def f():\n" + "    x = 1\n" * 50)) == ["f: 51 lines"]
    assert list(long_functions("def f():\n" + "    x = 1\n" * 49)) == []
