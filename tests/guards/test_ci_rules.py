"""In CI a skipped live or browser test is a failure; by hand it is a skip that names its reason."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SKIPPED_TEST = """
import pytest

@pytest.mark.live
def test_needs_a_program():
    pytest.skip("nosuch is not installed")

def test_needs_nothing():
    pass
"""
SKIPPED_FILE = """
import pytest

pytest.importorskip("no_such_module_anywhere")
"""


def run(pytester: pytest.Pytester, project_root: Path, source: str) -> pytest.RunResult:
    """Run a file of tests under the rules of tests/conftest.py, in a process of its own."""
    pytester.makeconftest((project_root / "tests/conftest.py").read_text(encoding="utf-8"))
    pytester.makeini(f"[pytest]\npythonpath = {project_root}\nmarkers =\n    live\n    browser\n")
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess("-ra", "-p", "no:cacheprovider")


def test_ci_fails_a_skipped_live_test_and_names_the_reason(
    pytester: pytest.Pytester, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = run(pytester, project_root, SKIPPED_TEST)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*which CI does not allow*nosuch is not installed*"])


def test_by_hand_a_live_test_may_be_skipped(
    pytester: pytest.Pytester, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    result = run(pytester, project_root, SKIPPED_TEST)
    result.assert_outcomes(passed=1, skipped=1)


def test_ci_fails_a_file_that_skips_itself(
    pytester: pytest.Pytester, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = run(pytester, project_root, SKIPPED_FILE)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*which CI does not allow*"])
