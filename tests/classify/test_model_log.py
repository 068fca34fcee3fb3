"""Which model runs is read off what was done: promoted, chosen, rolled back; other releases' models never run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.classify.model_log import (
    LOG_FILE,
    Event,
    Figures,
    ModelLog,
    ModelLogBroken,
    Version,
    What,
    change_log,
    read_log,
    running_version,
    version_before,
)

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BASE, A, B, C = "hg2023-base", "hg2023-base+a", "hg2023-base+b", "hg2023-base+c"
OLD_BASE, OLD = "hg2023-old", "hg2023-old+a"
UP, BY_HAND, BACK = What.PROMOTED, What.CHOSEN, What.ROLLED_BACK
FIGURES = Figures(messages=9, right=8, restricted=3, restricted_found=3, urgent=1, urgent_found=1, closed=4)

# What was done, which version runs then, and which one a rollback would go to.
CASES: dict[str, tuple[list[tuple[What, str]], str, str | None]] = {
    "nothing": ([], BASE, None),
    "one promoted": ([(UP, A)], A, BASE),
    "two promoted": ([(UP, A), (UP, B)], B, A),
    "one rolled back": ([(UP, A), (BACK, BASE)], BASE, None),
    "two promoted, one rolled back": ([(UP, A), (UP, B), (BACK, A)], A, BASE),
    "both rolled back": ([(UP, A), (UP, B), (BACK, A), (BACK, BASE)], BASE, None),
    "another after a rollback": ([(UP, A), (UP, B), (BACK, A), (UP, C)], C, A),
    "an older one by hand": ([(UP, A), (UP, B), (BY_HAND, A)], A, B),
    "and back": ([(UP, A), (UP, B), (BY_HAND, A), (BACK, B)], B, A),
    "the packaged one by hand": ([(UP, A), (BY_HAND, BASE)], BASE, A),
    "another release's": ([(UP, OLD)], BASE, None),
    "another release's, then ours": ([(UP, OLD), (UP, A)], A, BASE),
    "another release's rollback": ([(UP, A), (UP, OLD), (BACK, OLD_BASE)], A, BASE),
    "ours, then another release's": ([(UP, A), (UP, OLD)], A, BASE),
}


def log_of(*done: tuple[What, str], removed: str | None = None) -> ModelLog:
    events = tuple(Event(at=NOW, what=what, version=version) for what, version in done)
    return ModelLog(versions=(entry(A), entry(B), entry(C)), events=events).without_files({removed} if removed else ())


def entry(version: str) -> Version:
    return Version(
        version=version, at=NOW, digest="0", messages=9, cues=1, labels=1, labels_digest="1", figures=FIGURES,
        learned_until=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_running_model_and_the_one_before_follow_from_what_was_done(case: str) -> None:
    done, running, before = CASES[case]
    log = log_of(*done)
    assert (running_version(log, BASE), version_before(log, BASE)) == (running, before)


@pytest.mark.parametrize(("removed", "running", "before"), [(B, C, A), (C, B, A), (A, C, B)])
def test_what_has_no_file_any_more_neither_runs_nor_is_gone_back_to(removed: str, running: str, before: str) -> None:
    log = log_of((UP, A), (UP, B), (UP, C), removed=removed)
    assert (running_version(log, BASE), version_before(log, BASE)) == (running, before)


def test_a_log_is_read_as_it_was_written_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    assert read_log(folder) == ModelLog()
    log = log_of((UP, A), (BACK, BASE), removed=B)
    assert change_log(folder, lambda _: log) == log == read_log(folder)
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [LOG_FILE]


def test_a_change_that_fails_changes_nothing_and_the_next_is_not_held_up(tmp_path: Path) -> None:
    log = change_log(tmp_path, lambda _: log_of((UP, A)))

    def fail(_: ModelLog) -> ModelLog:
        raise LookupError

    with pytest.raises(LookupError):
        change_log(tmp_path, fail)
    assert read_log(tmp_path) == log
    assert change_log(tmp_path, lambda known: known.with_event(Event(at=NOW, what=UP, version=B))) == log_of(
        (UP, A), (UP, B)
    )


@pytest.mark.parametrize("content", [b"", b"half", b'{"versions": 3}', json.dumps({"schema": 99}).encode()])
def test_a_damaged_log_and_one_of_a_newer_release_are_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOG_FILE).write_bytes(content)
    with pytest.raises(ModelLogBroken, match=r"models\.json.*(remove it)"):
        read_log(tmp_path)
