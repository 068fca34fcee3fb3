"""Nothing in the project names the machine it was written on or the place its packages came from."""

import re

import pytest

from tests.guards.tree import name_of, text_of, tracked_files

# Written apart, so that this file does not name them either.
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "crates" + ".io",
    "golang" + ".org",
    "maven" + ".org",
    "deb.debian" + ".org",
    "docker" + ".io",
)
FORBIDDEN = {
    "a package registry": re.compile("|".join(re.escape(name) for name in REGISTRIES)),
    "an index option of pip": re.compile(r"--(?:extra-)?index" + r"-url[ =]\S|--find" + r"-links[ =]\S"),
    "the workplace": re.compile(r"(?<![\w.}])/" + r"work(?:/|\b)(?!-)"),
    "a home folder": re.compile(r"(?<![\w.}])/(?:home/\w|root/|Users/\w)"),
    "a folder beside the project": re.compile(r"\.\./" + r"shared\b"),
}


def machine_names(text: str) -> list[str]:
    """Return what is forbidden in a text, each with the line it is on."""
    return [
        f"line {number}: {what}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    own = "tests/guards/test_no_machine_names.py"
    found = {
        name_of(file): names
        for file in tracked_files()
        if name_of(file) != own and (text := text_of(file)) is not None and (names := machine_names(text))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "open('/work" + "/main/x')",
        "cd /work" + "",
        "see ../shared" + "/design",
        "# /root/" + ".venv",
        "PATH=/home/" + "lan",
        "--index" + "-url https://mirror",
        "https://pypi" + ".org/simple",
    ],
)
def test_the_guard_sees_a_machine_name(text: str) -> None:
    assert machine_names(text)


@pytest.mark.parametrize("text", ["/workflow", "services/respond/workflow.py", "/homepage", "docs/work", "href='/gui'"])
def test_the_guard_lets_ordinary_paths_be(text: str) -> None:
    assert machine_names(text) == []
