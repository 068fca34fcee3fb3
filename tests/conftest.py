"""What all tests share: Hypothesis without luck or clocks, the rule on skips, and where things are found."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester", "tests.servers"]

# No deadline and no too_slow: whether a test passes must not depend on how busy the machine is.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, database=None, print_blob=True)

IS_CI = os.environ.get("CI") == "true"
settings.load_profile("ci" if IS_CI else "local")

MAY_SKIP_BY_HAND = ("live", "browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped live or browser test has failed: a machine that lacks something must not look green."""
    report = yield
    needs_machine = any(item.get_closest_marker(name) for name in MAY_SKIP_BY_HAND)
    if os.environ.get("CI") == "true" and report.skipped and needs_machine and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a file that skips itself whole has failed too: nobody can tell what was in it."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


def program(name: str) -> str:
    """Return the path of a program, or skip the test with the remedy."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: sudo apt-get install {name}")
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Debian's Chromium, for browser tests."""
    return program("chromium")


@pytest.fixture(scope="session")
def strace() -> str:
    """Return the path of strace, for tests that watch or break system calls."""
    return program("strace")


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    """Return where a database of this test alone may be made; nothing is there yet."""
    return tmp_path / "hotline.db"


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent
