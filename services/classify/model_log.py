"""Keeps `models.json` beside the model files: which models were made, how they measured, which was promoted when.

Called by `learning`, `model_file`, the commands and `scorer`, so it imports nothing that trains. Entries are only added
(a version's file may go, see `without_files`). Which model runs is read off the events alone: a promotion puts a
version on top, a rollback takes the top away; below all lies the packaged model of the release. It holds no words.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

LOG_FILE = "models.json"
LOCK_FILE = ".models.lock"
LEARNED = "+"
SCHEMA = 1


class ModelLogBroken(Exception):
    """`models.json` cannot be read; the message names it and what to do."""


class What(StrEnum):
    """What was done: `promoted` because it measured better, `chosen` by a person, `rolled_back`."""

    PROMOTED = "promoted"
    CHOSEN = "chosen"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts on the fixed set: `right` has the right code; of `restricted` and `urgent` messages so many were found."""

    messages: int
    right: int
    restricted: int
    restricted_found: int
    urgent: int
    urgent_found: int
    closed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One model that was made: from how much, with which figures, and the SHA-256 of its file.

    `learned_until` is the instant of its newest label and `labels_digest` tells its labels from any others; both say
    nothing for a model of the packaged data alone. Of a version with `is_removed` the file is gone for good.
    """

    version: str
    at: datetime
    digest: str
    messages: int
    cues: int
    labels: int
    labels_digest: str
    figures: Figures
    learned_until: datetime | None = None
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something done to which model runs; `version` is the one that ran afterwards."""

    at: datetime
    what: What
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLog:
    """The whole file, the oldest first."""

    versions: tuple[Version, ...] = ()
    events: tuple[Event, ...] = ()
    schema: int = SCHEMA

    def entry(self, version: str) -> Version | None:
        """Return what is known of a version."""
        return next((entry for entry in self.versions if entry.version == version), None)

    def with_entry(self, entry: Version) -> ModelLog:
        """Return the log with a version's entry, in place of an older one of the same name."""
        others = tuple(other for other in self.versions if other.version != entry.version)
        return replace(self, versions=(*others, entry))

    def with_event(self, event: Event) -> ModelLog:
        """Return the log with what was done now."""
        return replace(self, events=(*self.events, event))

    def without_files(self, versions: Collection[str]) -> ModelLog:
        """Return the log knowing that the files of these versions are gone."""
        entries = (replace(e, is_removed=True) if e.version in versions else e for e in self.versions)
        return replace(self, versions=tuple(entries))


_DECODER = msgspec.json.Decoder(ModelLog)


def base_of(version: str) -> str:
    """Return the packaged model that a version was learned on top of: the release's data, code and libraries."""
    return version.partition(LEARNED)[0]


def promoted(log: ModelLog, base: str) -> list[str]:
    """Return the versions of this release that may run, the running one last; empty when the packaged one runs.

    What another release made is passed over: its features are not those of this code. So is what has no file any more.
    """
    stack: list[str] = []
    removed = {entry.version for entry in log.versions if entry.is_removed}
    for event in log.events:
        if event.what is not What.ROLLED_BACK:
            stack.append(event.version)
        elif event.version in stack:
            # What was rolled back to stays; what lay above it goes.
            del stack[len(stack) - stack[::-1].index(event.version) :]
        else:
            stack = [version for version in stack if base_of(version) != base_of(event.version)]
    return [version for version in stack if base_of(version) == base and version not in removed]


def running_version(log: ModelLog, base: str) -> str:
    """Return the version that runs under the release whose packaged model is `base`."""
    return (promoted(log, base) or [base])[-1]


def version_before(log: ModelLog, base: str) -> str | None:
    """Return what a rollback goes to, None when the packaged model runs already."""
    stack = promoted(log, base)
    running = running_version(log, base)
    before = next((version for version in reversed(stack) if version != running), base)
    return None if before == running else before


def read_log(models_dir: Path) -> ModelLog:
    """Read the log; an empty one when there is none yet. Raises ModelLogBroken, OSError."""
    path = models_dir / LOG_FILE
    try:
        log = _DECODER.decode(path.read_bytes())
    except FileNotFoundError:
        return ModelLog()
    except msgspec.MsgspecError as error:
        raise ModelLogBroken(
            f"{path} is damaged ({error}): put it back from the backup, or remove it to run the packaged model"
        ) from error
    if log.schema > SCHEMA:
        raise ModelLogBroken(f"{path} was written by a newer release: start that, or remove it")
    return log


def change_log(models_dir: Path, change: Callable[[ModelLog], ModelLog]) -> ModelLog:
    """Change the log while nobody else does; written whole or not at all. Returns it as it is then.

    Raises ModelLogBroken, OSError, and whatever `change` raises.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / LOCK_FILE).open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_log(models_dir)
        after = change(before)
        if after != before:
            write_log(models_dir, after)
        return after


def write_log(models_dir: Path, log: ModelLog) -> None:
    """Put the log in place of the older one; call it through `change_log`."""
    draft = models_dir / f".{LOG_FILE}.writing"
    try:
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(models_dir / LOG_FILE)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
