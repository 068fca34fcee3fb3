"""Fits in processes of their own: a class of few or no texts, a process that is killed, a parent that is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import grimp
import numpy as np
import pytest
import scipy.sparse as sp

from services.classify.fitting import NEVER, FitKilled, Head, fit_head, fit_heads
from services.classify.parent import CHECK_S
from services.classify.train import CODE_FILES
from tools.processes import POLL_S

pytestmark = pytest.mark.slow

# What every model is alike without.
NO_PART_OF_A_MODEL = {"parent.py"}

LONG_FIT = """
import os, sys
import numpy as np, scipy.sparse as sp
from services.classify.fitting import Head, fit_heads

if __name__ == "__main__":
    drawn = np.random.default_rng(1)
    rows = sp.random(20_000, 5_000, density=0.02, format="csr", dtype=np.float32, random_state=1)
    head = Head(np.arange(20_000), drawn.integers(0, 30, 20_000), 30, balanced=False)
    print("fits", flush=True)
    fit_heads([rows], [head] * 6, [np.zeros(20_000, dtype=bool)], lambda: None)
"""


def test_the_version_changes_with_every_module_that_training_needs() -> None:
    graph = grimp.build_graph("services", cache_dir=None)
    needed = {name for name in graph.find_upstream_modules("services.classify.train") if ".classify." in name}
    files = {f"{name.rsplit('.', 1)[1]}.py" for name in needed} | {"train.py"}
    assert files - NO_PART_OF_A_MODEL == set(CODE_FILES)


def test_two_classes_of_many_are_told_apart_and_one_never_seen_is_never_chosen() -> None:
    rows = sp.csr_matrix(np.eye(2, dtype=np.float64)[[0, 1] * 10])
    answers = np.array([3, 1] * 10)
    weights, offsets = fit_head(rows, answers, Head(np.arange(20), answers, 5, balanced=False))
    assert (rows @ weights + offsets).argmax(axis=1).tolist() == answers.tolist()
    assert [offsets[place] for place in (0, 2, 4)] == [NEVER] * 3


@pytest.fixture
def long_fit(tmp_path: Path) -> subprocess.Popen[str]:
    """A process whose fits are under way in processes of their own."""
    script = tmp_path / "long_fit.py"
    script.write_text(LONG_FIT, encoding="utf-8")
    started = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.getcwd(), "LOKY_MAX_CPU_COUNT": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "fits\n"
    return started


def workers_of(pid: int) -> list[int]:
    """Return the processes that fit for this one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if "LokyProcess" in Path(f"/proc/{child}/cmdline").read_text("utf-8")]


def two_workers_of(pid: int) -> list[int]:
    """Wait until two processes fit for this one."""
    while len(found := workers_of(pid)) < 2:
        time.sleep(POLL_S)
    return found


def test_whoever_fits_ends_with_a_parent_that_is_killed(long_fit: subprocess.Popen[str]) -> None:
    workers = two_workers_of(long_fit.pid)
    time.sleep(2 * CHECK_S)
    long_fit.kill()
    long_fit.communicate()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(POLL_S)


def test_a_fit_that_is_killed_says_what_to_do(long_fit: subprocess.Popen[str]) -> None:
    os.kill(two_workers_of(long_fit.pid)[0], signal.SIGKILL)
    _, said = long_fit.communicate()
    assert long_fit.returncode == 1
    assert "LOKY_MAX_CPU_COUNT=1" in said and FitKilled.__name__ in said


def test_every_fit_is_told_once_and_leaves_no_process() -> None:
    rows = sp.random(60, 20, density=0.3, format="csr", dtype=np.float32, random_state=2)
    answers = np.arange(60) % 3
    head, told = Head(np.arange(60), answers, 3, balanced=True), []
    left_out = [answers == 9, np.arange(60) < 10]
    found = fit_heads([rows, rows], [head, head], left_out, lambda: told.append(len(told)))
    assert [one.weights.shape for one in found] == [(20, 6), (20, 6)]
    assert told == [0, 1]
    assert workers_of(os.getpid()) == []
